import { Type, type Static, type TSchema } from 'typebox'

/** result.json, schema version 1. Names carry units; a figure that was not measured has no key. */

const num = (description: string) => Type.Number({ description })
const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)
const record = (description: string) => Type.Record(Type.String(), Type.Integer(), { description })

/** A distribution of times. `unit` is the key's own suffix (Ms or Us). */
const Distribution = Type.Object({
  mean: num('exact mean: sum over count, not from buckets'),
  min: num('smallest'),
  p50: num('median'),
  p90: num('90th percentile'),
  p95: num('95th percentile'),
  p99: num('99th percentile'),
  p999: num('99.9th percentile'),
  max: num('largest'),
  stddev: num('standard deviation'),
})

const StageDistribution = Type.Object({
  count: Type.Integer({ description: 'requests that the stage was timed on' }),
  mean: num('exact mean, us'),
  p50: num('median, us'),
  p90: num('90th percentile, us'),
  p99: num('99th percentile, us'),
  p999: num('99.9th percentile, us'),
  max: num('largest, us'),
  belowClock: opt(
    Type.Object(
      {
        clockUs: num('cost of one clock call in the gateway, us'),
        batchMeanUs: opt(num('mean of the same work timed in a batch of many, us')),
      },
      { description: 'present when the median is shorter than one clock call: single readings then say nothing' },
    ),
  ),
})

const OverheadDistribution = Type.Object({
  mean: num('exact mean, us'),
  p50: opt(num('median, us')),
  p99: opt(num('99th percentile, us')),
})

const ProcessResources = Type.Object({
  rssPeakMiB: num("peak resident memory, MiB: the kernel's high-water mark, or the largest sample of a process tree"),
  rssMeanMiB: num('mean resident memory inside the window, MiB'),
  cpuCores: num('CPU used inside the window, cores'),
  cpuUserCores: num('its user part, cores'),
  cpuSystemCores: num('its system part, cores'),
  cpuUsPerRequest: opt(num('CPU per finished request, us')),
  processes: opt(Type.Integer({ description: 'processes in the tree at the end of the window' })),
})

export const Check = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  value: opt(num('what was measured; absent when it could not be')),
  limit: opt(num('the bound that it was held against')),
  unit: Type.String(),
  means: Type.String({ description: 'one sentence: what it means that this check holds or fails' }),
})

export const ResultSchema = Type.Object(
  {
    schemaVersion: Type.Literal(1),
    id: Type.String(),
    startedAt: Type.String(),
    finishedAt: Type.String(),
    interrupted: opt(Type.Boolean({ description: 'true when the run was ended before its planned end' })),
    command: opt(Type.Array(Type.String(), { description: 'argv after `bench`' })),
    target: Type.Object({
      name: Type.String(),
      version: opt(Type.String()),
      url: Type.String(),
      managed: Type.Boolean({ description: 'started and stopped by bench' }),
    }),
    profile: Type.String(),
    profileMachine: opt(Type.Object({ vcpus: num('vCPUs'), memoryGiB: num('GiB') })),
    plan: Type.Object({
      arrival: Type.Literal('constant'),
      ratePerSec: num('requests per second'),
      durationMs: num('measured window, ms'),
      warmupMs: num('load before it, ms'),
      requests: Type.Integer({ description: 'requests due inside the window' }),
      timeoutMs: num('ms; 0 for none'),
      connections: Type.Integer({ description: 'opened before the warm-up; also the bound on requests in flight' }),
      seed: Type.Integer(),
      requestBytes: Type.Integer({ description: 'request body, bytes' }),
      responseBytes: Type.Integer({ description: "the mock's answer body, bytes" }),
      mockLatencyMs: num('ms'),
      mockJitterMs: opt(num('ms')),
      model: opt(Type.String()),
      body: opt(
        Type.Record(Type.String(), Type.Unknown(), {
          description: "members of every request's body beside model and messages",
        }),
      ),
      threads: opt(Type.Integer()),
      probeRatePerSec: opt(num('requests per second past the gateway')),
      gateway: opt(
        Type.Object({
          concurrency: Type.Integer(),
          bufferSize: Type.Integer(),
          initialPoolSize: Type.Integer(),
          workers: opt(Type.Integer({ description: 'processes that serve; absent: 1' })),
          nodeFlags: opt(Type.Array(Type.String())),
        }),
      ),
      gatewayConfig: opt(
        Type.Record(Type.String(), Type.Unknown(), {
          description:
            "what was merged over the built-in gateway's configuration, in its format, without keys and passwords",
        }),
      ),
    }),
    environment: Type.Object({
      node: Type.String(),
      os: Type.String(),
      cpuModel: Type.String(),
      vcpus: Type.Integer(),
      memoryMiB: num('MiB'),
      instanceType: Type.Union([Type.String(), Type.Null()]),
      gitCommit: opt(Type.String()),
      files: Type.Integer({ description: 'file descriptors that one process may open' }),
      hostname: opt(Type.String()),
    }),
    verdict: Type.Object({
      valid: Type.Boolean({ description: 'may these numbers be believed; says nothing of how good they are' }),
      checks: Type.Array(Check),
    }),
    requests: Type.Object({
      planned: Type.Integer(),
      sent: Type.Integer(),
      ok: Type.Integer(),
      failed: Type.Integer({ description: 'sent, and not answered with a whole 2xx' }),
      dropped: Type.Integer({ description: 'due, and never sent' }),
      successRate: num('ok / planned'),
      byStatus: record('HTTP status to count'),
      byError: record('timeout or error code to count'),
    }),
    rate: Type.Object({
      targetPerSec: num('planned'),
      sentPerSec: num('sent over the window, or over the time that sending them really took'),
      completedPerSec: num(
        'ok answers over the time from the first of them to the last; over the window when there are fewer than two',
      ),
    }),
    latencyMs: opt(
      Type.Object({
        fromDue: Distribution,
        fromSent: Distribution,
      }),
    ),
    driver: Type.Object({
      scheduleLagMs: opt(
        Type.Object({
          mean: opt(Type.Number()),
          p50: Type.Number(),
          p99: Type.Number(),
          p999: opt(Type.Number()),
          max: Type.Number(),
        }),
      ),
      cpuUsPerRequest: opt(Type.Number()),
      eventLoopUtilization: opt(
        num('share of wall time that the busiest driver thread was not idle, 0 to 1; pacing sleeps count as idle'),
      ),
      threads: Type.Integer(),
      connectionsOpened: opt(Type.Integer({ description: 'before the warm-up' })),
      connectionsOpenedInWindow: opt(Type.Integer()),
      inFlightMax: opt(Type.Integer()),
    }),
    mock: Type.Object({
      delayErrorMs: opt(
        Type.Object(
          { mean: opt(Type.Number()), p50: Type.Number(), p99: Type.Number(), max: opt(Type.Number()) },
          { description: 'actual minus planned delay, as the mock knows it' },
        ),
      ),
      fasterThanMock: opt(
        Type.Integer({ description: "ok answers that came sooner than the mock's delay that they carry: not from it" }),
      ),
    }),
    floor: opt(
      Type.Object({
        probes: Type.Integer({ description: 'answered requests past the gateway' }),
        meanUs: num("mean of their service time minus the mock's own delay, us"),
        p50Us: Type.Number(),
        p99Us: Type.Number(),
        lost: Type.Integer({ description: 'probes that failed, or could not be sent' }),
      }),
    ),
    ping: opt(
      Type.Object(
        {
          pings: Type.Integer({ description: 'answered requests to the gateway itself' }),
          meanUs: num("mean of their service time less the gateway's own total, us"),
          p50Us: Type.Number(),
          p99Us: Type.Number(),
          lost: Type.Integer({ description: 'pings that failed, or could not be sent' }),
        },
        { description: 'the way between driver and built-in gateway, both ways, during the run, by its health route' },
      ),
    ),
    stagesUs: opt(Type.Record(Type.String(), StageDistribution)),
    overheadUs: opt(
      Type.Object({
        published: opt(OverheadDistribution),
        in_process: opt(OverheadDistribution),
        client: opt(OverheadDistribution),
      }),
    ),
    selfReportUs: opt(
      Type.Object(
        {
          header: Type.String(),
          requests: Type.Integer({ description: 'answers that carried it' }),
          mean: Type.Number(),
          p50: Type.Number(),
          p99: Type.Number(),
        },
        { description: 'what a target says of its own time in a header of its answers, us' },
      ),
    ),
    ledgerUs: opt(
      Type.Object({
        requests: Type.Integer({ description: 'requests that carried a full account' }),
        rows: Type.Array(Type.Object({ name: Type.String(), mean: num('us'), covers: opt(Type.String()) })),
        total: num('mean service time of those requests, us: the sum of the rows and the unattributed rest'),
        unattributed: num('us; may be negative'),
        unattributedErrorUs: opt(num('half width of its 95% confidence interval, us: that of the mean ping')),
        generatorLagUs: opt(num('mean schedule lag of those requests, us: with it the total becomes the mean latency')),
        addedUs: opt(num("the gateway's added time: total minus mock delay minus floor, us")),
        unattributedPctOfAdded: opt(num('size of the unattributed rest as a percentage of the added time')),
      }),
    ),
    resources: Type.Object({
      gateway: opt(ProcessResources),
      mock: opt(ProcessResources),
      driver: opt(ProcessResources),
      host: opt(Type.Object({ stealPct: Type.Number(), busyPct: Type.Number() })),
    }),
    timeline: Type.Array(
      Type.Object({
        second: Type.Integer({ description: 'requests due in this second of the window' }),
        sent: Type.Integer(),
        ok: Type.Integer(),
        failed: Type.Integer(),
        dropped: opt(Type.Integer()),
        p50Ms: opt(Type.Number()),
        p99Ms: opt(Type.Number()),
        lagP99Ms: opt(Type.Number()),
        gatewayRssMiB: opt(Type.Number()),
        gatewayCpuCores: opt(Type.Number()),
        mockRssMiB: opt(Type.Number()),
        mockCpuCores: opt(Type.Number()),
        driverRssMiB: opt(Type.Number()),
        driverCpuCores: opt(Type.Number()),
        hostBusyPct: opt(Type.Number()),
        hostStealPct: opt(Type.Number()),
      }),
    ),
  },
  { $id: 'https://gatebench.invalid/result.schema.json', title: 'gatebench result', additionalProperties: true },
)

export type Result = Static<typeof ResultSchema>
export type Check = Static<typeof Check>
export type Distribution = Static<typeof Distribution>
export type ProcessResources = Static<typeof ProcessResources>
