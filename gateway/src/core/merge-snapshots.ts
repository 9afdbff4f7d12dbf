import {
  type BucketCounts,
  type GatewaySnapshot,
  type Holdings,
  KEYS,
  type ProviderSnapshot,
  type RouteSnapshot,
  sorted,
  type TypeSnapshot,
} from './snapshot.ts'
import { addStages, NO_STAGES } from './stage-histograms.ts'

/** Of no pipeline at all: adding them changes nothing. */
export const NO_HOLDINGS: Holdings = {
  providers: [],
  contexts: { inUse: 0, total: 0, grown: 0 },
  waitingBodyBytes: 0,
}

/** Of no process at all: merging it in changes nothing. */
export const EMPTY_SNAPSHOT: GatewaySnapshot = {
  ...NO_HOLDINGS,
  workers: 0,
  requests: 0,
  clockCostNs: 0,
  batchMeans: [],
  stages: NO_STAGES,
  types: [],
  routes: [],
  process: { residentBytes: 0, cpuS: 0, eventLoopActiveS: 0, eventLoopIdleS: 0, openFds: 0 },
}

/**
 * Several gateway processes as one: counts, gauges and sums are added, HDR histograms exactly, of the clock's cost the
 * largest is taken. Neither order nor grouping matters, but for the rounding of sums that are not whole numbers.
 */
export function mergeSnapshots(snapshots: readonly GatewaySnapshot[]): GatewaySnapshot {
  return snapshots.length === 0 ? EMPTY_SNAPSHOT : snapshots.reduce(mergeTwo)
}

/**
 * Takes the last snapshot of a process that has ended into the sum of those before it. What it counted stays, or the
 * counters of the whole would fall; what it was holding is gone.
 */
export function retire(base: GatewaySnapshot, last: GatewaySnapshot): GatewaySnapshot {
  const { cpuS, eventLoopActiveS, eventLoopIdleS } = last.process
  const { process } = EMPTY_SNAPSHOT
  return mergeTwo(base, {
    ...last,
    ...released(last),
    workers: 0,
    clockCostNs: 0,
    batchMeans: [],
    process: { ...process, cpuS, eventLoopActiveS, eventLoopIdleS },
    ...(last.requestLog && { requestLog: { ...last.requestLog, waiting: 0 } }),
  })
}

/** What is left of the holdings of a pipeline that has closed: how often it opened connections. */
export function released({ providers }: Holdings): Holdings {
  return {
    ...NO_HOLDINGS,
    providers: providers.map(({ name, connections: { openedTotal } }): ProviderSnapshot => {
      return {
        name,
        queue: { active: 0, buffered: 0, waitingForRoom: 0 },
        connections: { open: 0, idle: 0, inUse: 0, waiting: 0, openedTotal },
        deadlinesPending: 0,
      }
    }),
  }
}

export function addHoldings(a: Holdings, b: Holdings): Holdings {
  return {
    providers: mergeLists(a.providers, b.providers, KEYS.provider, addProviders),
    contexts: addNumbers(a.contexts, b.contexts),
    waitingBodyBytes: a.waitingBodyBytes + b.waitingBodyBytes,
  }
}

/** What `StageHistograms.reset` does, to a snapshot: the stages' report starts anew, the totals stay. */
export function resetStages(snapshot: GatewaySnapshot): GatewaySnapshot {
  return {
    ...snapshot,
    requests: 0,
    stages: snapshot.stages.map(({ name, total }) => {
      return { name, hdr: [], sumNs: 0, count: 0, total }
    }),
  }
}

function mergeTwo(a: GatewaySnapshot, b: GatewaySnapshot): GatewaySnapshot {
  return {
    workers: a.workers + b.workers,
    requests: a.requests + b.requests,
    clockCostNs: Math.max(a.clockCostNs, b.clockCostNs),
    batchMeans: mergeLists(a.batchMeans, b.batchMeans, KEYS.batchMean, addNumbers),
    stages: a.stages.map((stage, index) => addStages(stage, b.stages[index]!)),
    types: mergeLists(a.types, b.types, KEYS.type, addTypes),
    routes: mergeLists(a.routes, b.routes, KEYS.route, addRoutes),
    ...addHoldings(a, b),
    process: addNumbers(a.process, b.process),
    ...requestLogOf(a, b),
  }
}

function requestLogOf(a: GatewaySnapshot, b: GatewaySnapshot): Pick<GatewaySnapshot, 'requestLog'> {
  if (a.requestLog && b.requestLog) return { requestLog: addNumbers(a.requestLog, b.requestLog) }
  const requestLog = a.requestLog ?? b.requestLog
  return requestLog ? { requestLog } : {}
}

function mergeLists<T>(a: readonly T[], b: readonly T[], key: (item: T) => string, add: (a: T, b: T) => T): T[] {
  const byKey = new Map(a.map((item) => [key(item), item]))
  for (const item of b) {
    const known = byKey.get(key(item))
    byKey.set(key(item), known === undefined ? item : add(known, item))
  }
  return sorted([...byKey.values()], key)
}

/** Adds what is a number, field by field; the rest is the same in both. */
function addNumbers<T extends object>(a: T, b: T): T {
  const entries = Object.entries(b).map(([name, value]: [string, unknown]) => {
    const other: unknown = a[name as keyof T]
    return [name, typeof value === 'number' && typeof other === 'number' ? value + other : value]
  })
  return Object.fromEntries(entries) as T
}

function addTypes(a: TypeSnapshot, b: TypeSnapshot): TypeSnapshot {
  return {
    labels: a.labels,
    type: a.type,
    byStatus: addRecords(a.byStatus, b.byStatus),
    durationS: addBuckets(a.durationS, b.durationS),
    overheadUs: addBuckets(a.overheadUs, b.overheadUs),
  }
}

function addRoutes(a: RouteSnapshot, b: RouteSnapshot): RouteSnapshot {
  return {
    labels: a.labels,
    provider: a.provider,
    model: a.model,
    upstreamRequests: a.upstreamRequests + b.upstreamRequests,
    successes: a.successes + b.successes,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    errorsByStatus: addRecords(a.errorsByStatus, b.errorsByStatus),
    rotations: mergeLists(a.rotations, b.rotations, KEYS.rotation, addNumbers),
    upstreamLatencyS: addBuckets(a.upstreamLatencyS, b.upstreamLatencyS),
    firstTokenS: addBuckets(a.firstTokenS, b.firstTokenS),
    betweenTokensS: addBuckets(a.betweenTokensS, b.betweenTokensS),
    retries: addBuckets(a.retries, b.retries),
  }
}

function addProviders(a: ProviderSnapshot, b: ProviderSnapshot): ProviderSnapshot {
  return {
    name: a.name,
    queue: addNumbers(a.queue, b.queue),
    connections: addNumbers(a.connections, b.connections),
    deadlinesPending: a.deadlinesPending + b.deadlinesPending,
  }
}

function addBuckets(a: BucketCounts, b: BucketCounts): BucketCounts {
  return {
    counts: a.counts.map((count, index) => count + b.counts[index]!),
    sum: a.sum + b.sum,
    count: a.count + b.count,
  }
}

function addRecords(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum = { ...a }
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
