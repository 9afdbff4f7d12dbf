import { SEGMENTS } from '@gatebench/gateway/stages'
import type { RunConfig } from './config.ts'
import type { GatewayAccount } from './gateway-account.ts'
import { withoutSecrets } from './gateway-config.ts'
import type { Histogram } from './histogram.ts'
import { drawUpLedger } from './ledger.ts'
import type { Plan } from './plan.ts'
import type { Distribution, ProcessResources, Result } from './recording.ts'
import type { TreeUsage } from './resources.ts'
import type { RunMeasurement } from './run.ts'
import type { Recorder } from './recorder.ts'
import { runFolderName } from './run-folder.ts'
import { judge } from './validity.ts'

/** Everything that is known of a run, before any arithmetic. */
export interface Recording extends Omit<RunMeasurement, 'log' | 'aboveMockLog' | 'died' | 'ended'> {
  command: string[]
  startedAt: Date
  finishedAt: Date
  interrupted: boolean
  config: RunConfig
  plan: Plan
  environment: Result['environment']
}

/** Pure: the same recording gives the same result. */
export function summarize(recording: Recording): Result {
  const { config, plan, load, target, interrupted } = recording
  const startedAt = recording.startedAt.toISOString()
  const resources = resourcesOf(recording)
  const { counts, distributions } = load.main
  const planned = interrupted ? counts.sent + counts.dropped : plan.requests
  const answered = counts.ok > 0
  const floor = recorded(load.probes.floor?.distributions.aboveMockNs)
  const ping = recorded(load.probes.ping?.distributions.outsideGatewayNs)
  const ledgerUs = drawUpLedger(load.main.withTiming, load.main.withMockOnly, target.name, {
    ...(floor && { floorUs: floor.mean / 1e3 }),
    ...(ping && { pingUs: ping.mean / 1e3, pingErrorUs: meanError95(ping) / 1e3 }),
  })
  const evidence = {
    ...(interrupted && { interrupted }),
    plan: planOf(config, plan, target),
    requests: {
      planned,
      sent: counts.sent,
      ok: counts.ok,
      failed: counts.failed,
      dropped: counts.dropped,
      successRate: planned === 0 ? 0 : counts.ok / planned,
      byStatus: counts.byStatus,
      byError: counts.byError,
    },
    rate: rateOf(recording),
    ...(answered && {
      latencyMs: {
        fromDue: distributionOf(distributions.latencyUs, 1e3),
        fromSent: distributionOf(distributions.serviceUs, 1e3),
      },
    }),
    driver: driverOf(recording, resources),
    mock: mockOf(distributions.mockDelayErrorUs, counts.fasterThanMock),
    ...(floor && { floor: { probes: floor.count, ...probeFigures(floor, load.probes.floor) } }),
    ...(ping && { ping: { pings: ping.count, ...probeFigures(ping, load.probes.ping) } }),
    ...stagesOf(recording),
    ...overheadOf(recording, floor),
    ...selfReportOf(recording),
    ...(ledgerUs && { ledgerUs }),
    resources,
  }
  return {
    schemaVersion: 1,
    id: runFolderName({ startedAt, target, profile: config.profile }),
    startedAt,
    finishedAt: recording.finishedAt.toISOString(),
    command: recording.command,
    target: {
      name: target.name,
      ...(target.version !== undefined && { version: target.version }),
      url: target.url,
      managed: target.managed,
    },
    profile: config.profile,
    profileMachine: config.profileMachine,
    environment: recording.environment,
    verdict: judge(evidence),
    ...evidence,
    timeline: timelineOf(recording),
  }
}

function planOf(config: RunConfig, plan: Plan, target: Recording['target']): Result['plan'] {
  const { config: gatewayConfig, ...gateway } = config.gateway
  return {
    arrival: 'constant',
    ratePerSec: plan.ratePerSec,
    durationMs: plan.durationMs,
    warmupMs: plan.warmupMs,
    requests: plan.requests,
    timeoutMs: plan.timeoutMs,
    connections: plan.connections,
    seed: plan.seed,
    requestBytes: Buffer.byteLength(plan.request.body),
    responseBytes: config.responseBytes,
    mockLatencyMs: config.mockLatencyMs,
    mockJitterMs: config.mockJitterMs,
    model: config.model,
    threads: plan.threads,
    probeRatePerSec: plan.probeRatePerSec,
    ...(Object.keys(config.body).length > 0 && { body: config.body }),
    ...(config.target === 'builtin' && {
      gateway: { ...gateway, ...target.settings, nodeFlags: [...(target.nodeFlags ?? [])] },
      ...(gatewayConfig && { gatewayConfig: withoutSecrets(gatewayConfig) }),
    }),
  }
}

function rateOf({ plan, load, interrupted }: Recording): Result['rate'] {
  const { counts, span } = load.main
  const intervalNs = 1e9 / plan.ratePerSec
  // What whole requests span: a duration that is not a multiple of the interval holds a fraction of one more, or less.
  const plannedNs = (interrupted ? 1 : plan.requests) * intervalNs
  // Late sending stretches the time over which the load was really spread.
  const takenNs = Math.max(plannedNs, span.lastSentNs + intervalNs)
  const okNs = span.lastOkNs - span.firstOkNs
  return {
    targetPerSec: plan.ratePerSec,
    sentPerSec: (counts.sent / takenNs) * 1e9,
    completedPerSec: (counts.ok > 1 && okNs > 0 ? (counts.ok - 1) / okNs : counts.ok / takenNs) * 1e9,
  }
}

function driverOf({ plan, load }: Recording, resources: Result['resources']): Result['driver'] {
  const lagUs = load.main.distributions.scheduleLagUs
  return {
    ...(lagUs.count > 0 && {
      scheduleLagMs: {
        mean: lagUs.mean / 1e3,
        p50: lagUs.percentile(50) / 1e3,
        p99: lagUs.percentile(99) / 1e3,
        p999: lagUs.percentile(99.9) / 1e3,
        max: lagUs.max / 1e3,
      },
    }),
    ...(resources.driver?.cpuUsPerRequest !== undefined && { cpuUsPerRequest: resources.driver.cpuUsPerRequest }),
    eventLoopUtilization: load.busyRatio,
    threads: plan.threads,
    connectionsOpened: plan.connections,
    connectionsOpenedInWindow: load.main.counts.openedConnections,
    inFlightMax: load.inFlightMax,
  }
}

/** CPU per request is what a program used inside the window over the requests of the window that ended. */
function resourcesOf({ load, resources: { trees, host } }: Recording): Result['resources'] {
  const finished = load.main.counts.ok + load.main.counts.failed
  const perRequest = ({ cpuUs, ...usage }: TreeUsage): ProcessResources => ({
    ...usage,
    ...(finished > 0 && { cpuUsPerRequest: cpuUs / finished }),
  })
  return {
    ...(trees.gateway && { gateway: perRequest(trees.gateway) }),
    ...(trees.mock && { mock: perRequest(trees.mock) }),
    ...(trees.driver && { driver: perRequest(trees.driver) }),
    ...(host && { host }),
  }
}

/** Requests by the second in which they were due, beside what the programs used in that second. */
function timelineOf({ seconds, resources }: Recording): Result['timeline'] {
  const used = new Map(resources.seconds.map((row) => [row.second, row]))
  return seconds.map((row) => ({ ...row, ...used.get(row.second) }))
}

function mockOf(errorUs: Histogram, fasterThanMock: number): Result['mock'] {
  if (errorUs.count === 0) return {}
  return {
    fasterThanMock,
    delayErrorMs: {
      mean: errorUs.mean / 1e3,
      p50: errorUs.percentile(50) / 1e3,
      p99: errorUs.percentile(99) / 1e3,
      max: errorUs.max / 1e3,
    },
  }
}

function stagesOf(recording: Recording): Pick<Result, 'stagesUs'> {
  const { load, account } = recording
  if (!hasTiming(recording)) return {}
  const stages = SEGMENTS.map(({ name }, slot) => {
    const histogram = load.main.segmentsNs[slot]!
    return [
      name,
      {
        count: histogram.count,
        mean: histogram.mean / 1e3,
        p50: histogram.percentile(50) / 1e3,
        p90: histogram.percentile(90) / 1e3,
        p99: histogram.percentile(99) / 1e3,
        p999: histogram.percentile(99.9) / 1e3,
        max: histogram.max / 1e3,
        ...(account && isBelowClock(name, histogram, account) && { belowClock: belowClock(account, name) }),
      },
    ] as const
  })
  return { stagesUs: Object.fromEntries(stages) }
}

/** A wait before a further try is none at all or some ms: it is short for most requests, and never for the clock. */
function isBelowClock(name: string, histogram: Histogram, { clockCostNs }: GatewayAccount): boolean {
  return name !== 'retry_backoff' && histogram.percentile(50) < clockCostNs
}

function belowClock(account: GatewayAccount, name: string): { clockUs: number; batchMeanUs?: number } {
  const batchMeanNs = account.batchMeanNs[name]
  return { clockUs: account.clockCostNs / 1e3, ...(batchMeanNs !== undefined && { batchMeanUs: batchMeanNs / 1e3 }) }
}

/** The client's overhead is per request, with the mean floor taken off each: percentiles of a difference of two requests do not exist. */
function overheadOf(recording: Recording, floor: Histogram | undefined): Pick<Result, 'overheadUs'> {
  const { publishedOverheadNs, inProcessOverheadNs, aboveMockNs } = recording.load.main.distributions
  const timed = hasTiming(recording)
  const client = floor && aboveMockNs.count > 0 ? lessNs(aboveMockNs, floor.mean) : undefined
  if (!timed && !client) return {}
  return {
    overheadUs: {
      ...(timed && { published: lessNs(publishedOverheadNs, 0), in_process: lessNs(inProcessOverheadNs, 0) }),
      ...(client && { client }),
    },
  }
}

function lessNs(histogram: Histogram, ns: number): { mean: number; p50: number; p99: number } {
  return {
    mean: (histogram.mean - ns) / 1e3,
    p50: (histogram.percentile(50) - ns) / 1e3,
    p99: (histogram.percentile(99) - ns) / 1e3,
  }
}

function selfReportOf({ load, plan }: Recording): Pick<Result, 'selfReportUs'> {
  const reported = recorded(load.main.distributions.selfReportedNs)
  const header = plan.request.selfReport?.header
  if (!reported || header === undefined) return {}
  return { selfReportUs: { header, requests: reported.count, ...lessNs(reported, 0) } }
}

/** The target gave an account of its own, whether or not the mock's came through beside it. */
function hasTiming({ load }: Recording): boolean {
  return load.main.distributions.inProcessOverheadNs.count > 0
}

function probeFigures(seenNs: Histogram, probes: Recorder | undefined) {
  return {
    meanUs: seenNs.mean / 1e3,
    p50Us: seenNs.percentile(50) / 1e3,
    p99Us: seenNs.percentile(99) / 1e3,
    lost: probes ? probes.counts.failed + probes.counts.dropped : 0,
  }
}

/** A histogram that holds something; one that does not says nothing. */
function recorded(histogram: Histogram | undefined): Histogram | undefined {
  return histogram && histogram.count > 0 ? histogram : undefined
}

/** Half the width of the 95% confidence interval of the mean, if the samples are independent. */
function meanError95(histogram: Histogram): number {
  return (1.96 * histogram.stddev) / Math.sqrt(histogram.count)
}

function distributionOf(histogram: Histogram, unitRatio: number): Distribution {
  const at = (percentile: number): number => histogram.percentile(percentile) / unitRatio
  return {
    mean: histogram.mean / unitRatio,
    min: histogram.min / unitRatio,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: histogram.max / unitRatio,
    stddev: histogram.stddev / unitRatio,
  }
}
