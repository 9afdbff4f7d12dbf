import { Type, type Static, type TSchema } from 'typebox'

/** comparison.json, schema version 1: what `bench compare` brought home. A figure that was not measured has no key. */

const num = (description: string) => Type.Number({ description })
const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)
const counts = (description: string) => Type.Record(Type.String(), Type.Integer(), { description })

export const Interval = Type.Object(
  { value: num('over all rounds'), low: num('lower end'), high: num('upper end') },
  { description: 'an estimate with its 95% bootstrap interval' },
)

export const AddedLatency = Type.Object(
  {
    mean: Interval,
    p50: Interval,
    p99: Interval,
    p999: opt(Interval),
    upperBound: Type.Array(Type.Union([Type.Literal('p99'), Type.Literal('p999')]), {
      description:
        'percentiles for which there were too few probes: a lower percentile of the floor was taken off, so that what is printed is too much rather than too little',
    }),
    requests: Type.Integer({ description: 'answers that it comes from' }),
    probes: Type.Integer({ description: 'probes that the floor comes from' }),
    basis: Type.Union([Type.Literal('above_mock'), Type.Literal('service_time')], {
      description:
        "above_mock: each answer told the mock's own delay, which was taken off one by one. service_time: the target strips it, so whole service times were compared with those of the probes: coarser",
    }),
  },
  {
    description: 'us: what callers waited above the mock, less what probes past the target waited in the same seconds',
  },
)

const Latency = Type.Object({ mean: Interval, p50: Interval, p99: Interval, p999: Interval })

export const Turn = Type.Object(
  {
    round: Type.Integer({ description: 'from 1' }),
    position: Type.Integer({ description: 'in its round, from 1' }),
    run: opt(Type.String({ description: "the run's folder, relative to that of the comparison" })),
    valid: opt(Type.Boolean()),
    failedChecks: opt(Type.Array(Type.String())),
    counts: opt(Type.Boolean({ description: 'its figures are in those of the target' })),
    coldStartMs: opt(num('from starting the process to its first right answer, less the delay of the mock, ms')),
    idleMiB: opt(num('resident memory after one answer and a moment of rest, before the load')),
    steadyMiB: opt(num('mean resident memory inside the window')),
    peakMiB: opt(num('largest resident memory inside the window')),
    recoveredMiB: opt(num('resident memory after the cool-down')),
    growthMiBPerThousand: opt(num('resident memory gained per 1,000 requests inside the window: least squares')),
    cpuUsPerRequest: opt(num('CPU of the process tree per finished request')),
    completedPerSec: opt(num('ok answers per second')),
    addedMeanUs: opt(num('mean added latency of this turn alone')),
    mockRequests: opt(
      Type.Integer({ description: 'requests that reached the mock during load and warm-up, probes left out' }),
    ),
    callerAnswers: opt(Type.Integer({ description: 'ok answers that callers were given during load and warm-up' })),
    problem: opt(Type.String({ description: 'why the turn has no figures, or not all of them' })),
  },
  { description: 'one cold start, warm-up, window and cool-down of one target' },
)

export const Flag = Type.Object(
  {
    name: Type.Union([
      Type.Literal('mock_bound'),
      Type.Literal('driver_bound'),
      Type.Literal('invalid_turns'),
      Type.Literal('late_sends'),
      Type.Literal('truth_stripped'),
      Type.Literal('cached_answers'),
      Type.Literal('error_bodies'),
      Type.Literal('memory_grows'),
      Type.Literal('died'),
      Type.Literal('failures'),
    ]),
    means: Type.String({ description: 'one sentence, with the figures' }),
  },
  { description: 'what a reader must know before the figures of a target are used' },
)

export const SelfReport = Type.Object(
  {
    source: Type.String({ description: 'header or metric that it comes from' }),
    claims: Type.String({ description: 'what the gateway says that this figure is' }),
    meanUs: num('mean over all requests that had it'),
    p50Us: opt(Type.Number()),
    p99Us: opt(Type.Number()),
    requests: Type.Integer(),
    ratioToMeasured: opt(num('its mean / the mean added latency that was measured')),
  },
  { description: 'what the gateway says of itself' },
)

export const TargetRecord = Type.Object({
  name: Type.String(),
  kind: opt(Type.String({ description: 'what it was asked for as: a known name, a URL, a file; absent: its name' })),
  title: Type.String({ description: 'what it is, in words' }),
  version: opt(Type.String()),
  settings: Type.Array(Type.String(), { description: 'how it was set up, one setting each, in words' }),
  status: Type.Union([Type.Literal('measured'), Type.Literal('missing'), Type.Literal('failed')]),
  reason: opt(Type.String({ description: 'why it is missing or failed, and what would help' })),
  turns: Type.Array(Turn),
  requests: opt(
    Type.Object({
      planned: Type.Integer(),
      ok: Type.Integer(),
      failed: Type.Integer(),
      dropped: Type.Integer(),
      successRate: Type.Number(),
      byStatus: counts('answers by HTTP status'),
      byError: counts('requests without a right answer by what went wrong'),
    }),
  ),
  addedUs: opt(AddedLatency),
  latencyMs: opt(Latency),
  completedPerSec: opt(Interval),
  cpuUsPerRequest: opt(Interval),
  memoryMiB: opt(Type.Object({ idle: Interval, steady: Interval, peak: Interval, recovered: Interval })),
  growthMiBPerThousand: opt(Interval),
  coldStartMs: opt(Interval),
  dollarsPerMillion: opt(
    Type.Object({
      instance: Type.String(),
      dollarsPerHour: num('price of the instance'),
      asOf: Type.String({ description: 'date of the price' }),
      cost: Interval,
    }),
  ),
  strict: opt(
    Type.Object(
      {
        checked: Type.Integer({ description: 'requests that reached the mock and were compared' }),
        wrong: Type.Integer({ description: 'those that were not as the caller sent them' }),
        byKind: counts('violations by kind, harmless ones included'),
        examples: Type.Array(Type.String()),
        answersChecked: Type.Integer({ description: 'answers compared with what the mock gives' }),
        answersDamaged: Type.Integer(),
      },
      { description: "from the mock's strict mode, and from answers compared one by one" },
    ),
  ),
  selfReports: opt(Type.Array(SelfReport)),
  flags: Type.Array(Flag),
})

export const Pair = Type.Object(
  {
    a: Type.String(),
    b: Type.String(),
    meanUs: Interval,
    p99Us: opt(Interval),
    rounds: opt(Type.Integer({ description: 'rounds that both have, from which it comes' })),
    distinguishable: Type.Boolean({
      description:
        'the interval of the mean is apart from 0, and the difference is not smaller than what this machine can tell',
    }),
  },
  { description: 'added latency of a less that of b, us, paired round by round' },
)

export const Control = Type.Object({
  name: Type.String(),
  plannedUs: num('delay that the relay was told to add, above a relay that adds none'),
  actualUs: opt(num('delay that it added by its own clock')),
  foundUs: opt({
    ...Interval,
    description: 'absent when no round had a valid turn of it and of the relay that adds none',
  }),
  holds: Type.Boolean({ description: 'what was added lies inside the interval of what was found' }),
  told: opt(Type.Boolean({ description: 'that interval lies above 0: so much is told from none' })),
})

export const ControlRecord = Type.Object(
  {
    ratePerSec: Type.Number(),
    durationMs: Type.Number(),
    rounds: Type.Integer(),
    mockLatencyMs: Type.Number(),
    controls: Type.Array(Control),
    nullUs: opt({ ...Interval, description: 'a relay that adds nothing less the same relay again' }),
    smallestUs: num('smallest difference of mean added latency that this machine can tell from none at this load'),
  },
  { description: 'negative controls: known delays, found by the same method as the comparison' },
)

export const FrontierTrial = Type.Object({
  ratePerSec: Type.Number(),
  p99AddedMs: opt(Type.Number()),
  failed: Type.Integer({ description: 'failed and dropped requests' }),
  sentPerSec: Type.Number(),
  completedPerSec: Type.Number(),
  limitedBy: opt(
    Type.Union([Type.Literal('mock'), Type.Literal('driver')], {
      description: 'an instrument was at its own limit: the trial says nothing of the target',
    }),
  ),
})

export const FrontierPoint = Type.Object({
  boundMs: Type.Union([Type.Number(), Type.Null()], { description: 'p99 added at most; null for no bound' }),
  ratePerSec: opt(num('largest rate that was carried with nothing failed; absent when none was')),
  firstFailedPerSec: opt(num('smallest rate above it that was not carried; absent when none was tried')),
  limitedBy: opt(
    Type.Union([Type.Literal('mock'), Type.Literal('driver'), Type.Literal('search_limit')], {
      description: 'why there is no higher rate, when it was not the target: such a point is not ranked',
    }),
  ),
})

export const FrontierTarget = Type.Object({
  name: Type.String(),
  points: Type.Array(FrontierPoint),
  trials: Type.Array(FrontierTrial),
  closedLoop: opt(
    Type.Object({
      tool: Type.String(),
      connections: Type.Integer(),
      durationMs: Type.Number(),
      perSec: Type.Number(),
      errors: Type.Integer(),
      p99Ms: Type.Number(),
      limitedBy: opt(Type.Union([Type.Literal('mock'), Type.Literal('driver')])),
    }),
  ),
  reason: opt(Type.String({ description: 'why there is no frontier, or only a part of one' })),
})

export const FrontierRecord = Type.Object({
  trialMs: num('measured part of a trial'),
  mockLatencyMs: Type.Number(),
  targets: Type.Array(FrontierTarget),
})

export const CompareRecordSchema = Type.Object(
  {
    schemaVersion: Type.Literal(1),
    kind: Type.Literal('comparison'),
    id: Type.String(),
    startedAt: Type.String(),
    finishedAt: Type.String(),
    interrupted: opt(Type.Boolean()),
    command: opt(Type.Array(Type.String(), { description: 'argv after `bench`' })),
    profile: Type.String(),
    environment: Type.Object({
      node: Type.String(),
      os: Type.String(),
      cpuModel: Type.String(),
      vcpus: Type.Integer(),
      memoryMiB: Type.Integer(),
      instanceType: Type.Union([Type.String(), Type.Null()]),
      gitCommit: opt(Type.String()),
      files: Type.Integer(),
    }),
    machine: Type.Object(
      {
        busyPct: opt(num('CPU in use before anything was started')),
        stealPct: opt(Type.Number()),
        limitPct: num('above it a comparison is refused'),
        overridden: Type.Boolean({ description: 'it was above the limit, and --allow-loaded was given' }),
      },
      { description: 'the machine before the comparison' },
    ),
    plan: Type.Object({
      ratePerSec: Type.Number(),
      durationMs: Type.Number(),
      warmupMs: Type.Number(),
      cooldownMs: Type.Number(),
      rounds: Type.Integer(),
      seed: Type.Integer({ description: 'also of the order' }),
      requestBytes: Type.Integer(),
      responseBytes: Type.Integer(),
      mockLatencyMs: Type.Number(),
      mockJitterMs: Type.Number(),
      connections: Type.Integer(),
      threads: Type.Integer(),
      probeRatePerSec: Type.Number(),
      timeoutMs: Type.Number(),
    }),
    order: Type.Array(Type.Array(Type.String()), {
      description: 'names of the targets as they had their turns, round by round',
    }),
    targets: Type.Array(TargetRecord),
    pairs: Type.Array(Pair),
    control: opt(ControlRecord),
    controlProblem: opt(Type.String({ description: 'why the controls that were wanted have no record' })),
    frontier: opt(FrontierRecord),
  },
  {
    $id: 'https://gatebench.invalid/comparison.schema.json',
    title: 'gatebench comparison',
    additionalProperties: true,
  },
)

export type Interval = Static<typeof Interval>
export type AddedLatency = Static<typeof AddedLatency>
export type Turn = Static<typeof Turn>
export type Flag = Static<typeof Flag>
export type SelfReport = Static<typeof SelfReport>
export type TargetRecord = Static<typeof TargetRecord>
export type Pair = Static<typeof Pair>
export type Control = Static<typeof Control>
export type ControlRecord = Static<typeof ControlRecord>
export type FrontierTrial = Static<typeof FrontierTrial>
export type FrontierPoint = Static<typeof FrontierPoint>
export type FrontierTarget = Static<typeof FrontierTarget>
export type FrontierRecord = Static<typeof FrontierRecord>
export type CompareRecord = Static<typeof CompareRecordSchema>
