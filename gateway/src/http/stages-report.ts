import type { Gateway } from '../core/gateway.ts'
import { SEGMENTS, type SegmentName } from '../core/stages.ts'
import type { PoolCounters } from '../core/upstream-pool.ts'
import type { HttpContext } from './http-context.ts'

/** One segment since the last reset. */
export interface SegmentReport {
  /** Requests that came by. */
  count: number
  /** Exact sum, ns. */
  sumNs: number
  /** HDR histogram of ns, V2, compressed, base64. */
  hdr: string
  /** The same work timed in a batch at start, mean ns a call; absent where a batch says nothing. */
  batchMeanNs?: number
}

/** Answer of GET /debug/stages. */
export interface StagesReport {
  /** Cost of one clock call, ns: a segment below it was not measured, only bounded. */
  clockCostNs: number
  /** Answered requests since the last reset. */
  requests: number
  segments: Record<SegmentName, SegmentReport>
  pool: {
    contexts: { total: number; inUse: number; grown: number }
    /** By provider. */
    connections: Record<string, PoolCounters>
    /** By provider. */
    queues: Record<string, { active: number; buffered: number; waitingForRoom: number }>
  }
}

export function stagesReport(gateway: Gateway<HttpContext>): StagesReport {
  const { histograms, batchMeansNs, contexts, providers } = gateway
  const means: Partial<Record<SegmentName, number>> = batchMeansNs
  const segments = SEGMENTS.map(({ name }, slot): [SegmentName, SegmentReport] => {
    const mean = means[name]
    return [
      name,
      {
        count: histograms.count(slot),
        sumNs: histograms.sumNs(slot),
        hdr: histograms.encode(slot),
        ...(mean !== undefined && { batchMeanNs: mean }),
      },
    ]
  })
  return {
    clockCostNs: gateway.clockCostNs,
    requests: histograms.requests,
    segments: Object.fromEntries(segments) as Record<SegmentName, SegmentReport>,
    pool: {
      contexts: { total: contexts.total, inUse: contexts.inUse, grown: contexts.grown },
      connections: Object.fromEntries(providers.map(({ name, pool }) => [name, pool.counters])),
      queues: Object.fromEntries(
        providers.map(({ name, queue: { active, buffered, waitingForRoom } }) => [
          name,
          { active, buffered, waitingForRoom },
        ]),
      ),
    },
  }
}
