import type { BatchMeans } from './batch-measure.ts'
import type { BucketHistogram } from './bucket-histogram.ts'
import type { ProcessFacts } from './process-facts.ts'
import type { RequestType } from './providers/provider.ts'
import type { RequestLogCounters } from './request-log.ts'
import { ROTATION_REASONS, type RotationReason, type RouteTraffic } from './route-traffic.ts'
import type { StageHistograms, StageSnapshot } from './stage-histograms.ts'
import type { StageName } from './stages.ts'
import type { Traffic } from './traffic.ts'
import type { PoolCounters } from './upstream-pool.ts'

/** The labels that requests carried, those without a value left out; their names rise. */
export type Labels = Readonly<Record<string, string>>

/** A BucketHistogram's counts as plain data; its bounds are in BOUNDS. */
export interface BucketCounts {
  counts: readonly number[]
  sum: number
  count: number
}

/** Finished requests of one type and label set. */
export interface TypeSnapshot {
  labels: Labels
  type: RequestType
  byStatus: Readonly<Record<string, number>>
  durationS: BucketCounts
  overheadUs: BucketCounts
}

/** One provider, model and label set. */
export interface RouteSnapshot {
  labels: Labels
  provider: string
  model: string
  upstreamRequests: number
  successes: number
  inputTokens: number
  outputTokens: number
  errorsByStatus: Readonly<Record<string, number>>
  rotations: readonly { keyName: string; reason: RotationReason; count: number }[]
  upstreamLatencyS: BucketCounts
  firstTokenS: BucketCounts
  betweenTokensS: BucketCounts
  retries: BucketCounts
}

/** What goes on at one provider now. */
export interface ProviderSnapshot {
  name: string
  queue: { active: number; buffered: number; waitingForRoom: number }
  connections: PoolCounters
  deadlinesPending: number
}

/**
 * All that `/metrics` and `/debug/stages` show of one gateway process, or of several together: plain data that JSON
 * carries. Lists are sorted, so that equal contents are equal texts.
 */
export interface GatewaySnapshot {
  /** Processes in it that are alive. */
  workers: number
  /** Processes that were started in place of one that had died; absent where there is one process only. */
  workerRestarts?: number
  /** Requests that the stages were recorded of since their last reset. */
  requests: number
  /** Of the slowest; 0 when nobody measured. */
  clockCostNs: number
  /** Summed over the processes that measured. */
  batchMeans: readonly { stage: StageName; sumNs: number; processes: number }[]
  /** In the order of SEGMENTS, then of STREAM_STAGES. */
  stages: readonly StageSnapshot[]
  types: readonly TypeSnapshot[]
  routes: readonly RouteSnapshot[]
  providers: readonly ProviderSnapshot[]
  contexts: { inUse: number; total: number; grown: number }
  waitingBodyBytes: number
  process: ProcessFacts
  /** Absent without a request log. */
  requestLog?: RequestLogCounters
}

/** What one pipeline holds and has opened; everything else is counted for all pipelines of a process together. */
export type Holdings = Pick<GatewaySnapshot, 'providers' | 'contexts' | 'waitingBodyBytes'>

/** What holdings are taken of; a Pipeline is one. */
export interface HoldingsSource {
  readonly providers: readonly {
    readonly name: string
    readonly queue: { readonly buffered: number; readonly waitingForRoom: number; readonly active: number }
    readonly pool: { readonly counters: PoolCounters }
    readonly deadlines: { readonly pending: number }
  }[]
  readonly contexts: { readonly inUse: number; readonly total: number; readonly grown: number }
  readonly waitingBodyBytes: number
}

/** What a snapshot is taken of; a Pipeline is one. */
export interface SnapshotSource extends HoldingsSource {
  readonly traffic: Traffic
  readonly histograms: StageHistograms
  readonly clockCostNs: number
  readonly batchMeansNs: BatchMeans
  readonly requestLog?: { readonly counters: Readonly<RequestLogCounters> } | undefined
}

/** Takes 1 ms with few label sets, 20 ms at the limits in traffic.ts. */
export function takeSnapshot(source: SnapshotSource, process: ProcessFacts): GatewaySnapshot {
  const { traffic, histograms, requestLog } = source
  const sets = traffic.sets.map((set) => {
    return { set, labels: labelsOf(traffic.labelNames, set.values) }
  })
  return {
    workers: 1,
    requests: histograms.requests,
    clockCostNs: source.clockCostNs,
    batchMeans: sorted(
      Object.entries(source.batchMeansNs).map(([stage, meanNs]) => {
        return { stage: stage as StageName, sumNs: meanNs, processes: 1 }
      }),
      KEYS.batchMean,
    ),
    stages: histograms.snapshot(),
    types: sorted(
      sets.flatMap(({ set, labels }) =>
        [...set.types].map(([type, { byStatus, durationS, overheadUs }]): TypeSnapshot => {
          return {
            labels,
            type,
            byStatus: Object.fromEntries(byStatus),
            durationS: bucketCounts(durationS),
            overheadUs: bucketCounts(overheadUs),
          }
        }),
      ),
      KEYS.type,
    ),
    routes: sorted(
      sets.flatMap(({ set, labels }) =>
        [...set.routes.values()].flatMap((models) => [...models.values()].map((route) => routeSnapshot(labels, route))),
      ),
      KEYS.route,
    ),
    ...takeHoldings(source),
    process,
    ...(requestLog && { requestLog: { ...requestLog.counters } }),
  }
}

export function takeHoldings({ providers, contexts, waitingBodyBytes }: HoldingsSource): Holdings {
  return {
    providers: sorted(
      providers.map(({ name, queue, pool, deadlines }) => {
        const { active, buffered, waitingForRoom } = queue
        return {
          name,
          queue: { active, buffered, waitingForRoom },
          connections: { ...pool.counters },
          deadlinesPending: deadlines.pending,
        }
      }),
      KEYS.provider,
    ),
    contexts: { inUse: contexts.inUse, total: contexts.total, grown: contexts.grown },
    waitingBodyBytes,
  }
}

/** What makes two entries of a list the same thing, counted in two processes. */
export const KEYS = {
  batchMean: ({ stage }: { stage: string }): string => stage,
  type: ({ labels, type }: TypeSnapshot): string => JSON.stringify([labels, type]),
  route: ({ labels, provider, model }: RouteSnapshot): string => JSON.stringify([provider, model, labels]),
  rotation: ({ keyName, reason }: { keyName: string; reason: string }): string => JSON.stringify([keyName, reason]),
  provider: ({ name }: { name: string }): string => name,
} as const

/** By key, in the order of UTF-16 code units: the same everywhere. */
export function sorted<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items
    .map((item) => [key(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item)
}

function labelsOf(names: readonly string[], values: readonly string[]): Labels {
  const entries = names.map((name, index) => [name, values[index]!] as const).filter(([, value]) => value !== '')
  return Object.fromEntries(sorted(entries, ([name]) => name))
}

function routeSnapshot(labels: Labels, route: RouteTraffic): RouteSnapshot {
  const { provider, model, upstreamRequests, successes, inputTokens, outputTokens } = route
  return {
    labels,
    provider,
    model,
    upstreamRequests,
    successes,
    inputTokens,
    outputTokens,
    errorsByStatus: Object.fromEntries(route.errors),
    rotations: sorted(
      [...route.rotations].flatMap(([keyName, counts]) =>
        ROTATION_REASONS.filter((reason) => counts[reason] > 0).map((reason) => {
          return { keyName, reason, count: counts[reason] }
        }),
      ),
      KEYS.rotation,
    ),
    upstreamLatencyS: bucketCounts(route.upstreamLatencyS),
    firstTokenS: bucketCounts(route.firstTokenS),
    betweenTokensS: bucketCounts(route.betweenTokensS),
    retries: bucketCounts(route.retries),
  }
}

function bucketCounts({ counts, sum, count }: BucketHistogram): BucketCounts {
  return { counts: [...counts], sum, count }
}
