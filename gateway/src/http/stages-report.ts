import type { GatewaySnapshot } from '../core/snapshot.ts'
import { encodeStages, type TimedName } from '../core/stage-histograms.ts'
import type { PoolCounters } from '../core/upstream-pool.ts'

/** One stage since the last reset. */
export interface SegmentReport {
  /** Requests that came by; of `between_tokens`, how many times. */
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
  /** The segments, which sum to a request's time, and the stages of streams, which lie within them. */
  segments: Record<TimedName, SegmentReport>
  pool: {
    contexts: { total: number; inUse: number; grown: number }
    /** By provider. */
    connections: Record<string, PoolCounters>
    /** By provider. */
    queues: Record<string, { active: number; buffered: number; waitingForRoom: number }>
  }
}

/** Takes 5 to 10 ms after much traffic: the histograms are compressed here. */
export function renderStagesReport(snapshot: GatewaySnapshot): StagesReport {
  const { clockCostNs, requests, stages, batchMeans, contexts, providers } = snapshot
  const meansNs = new Map<string, number>(batchMeans.map(({ stage, sumNs, processes }) => [stage, sumNs / processes]))
  const encoded = encodeStages(stages)
  const segments = stages.map(({ name, count, sumNs }, index): [TimedName, SegmentReport] => {
    const batchMeanNs = meansNs.get(name)
    return [name, { count, sumNs, hdr: encoded[index]!, ...(batchMeanNs !== undefined && { batchMeanNs }) }]
  })
  return {
    clockCostNs,
    requests,
    segments: Object.fromEntries(segments) as Record<TimedName, SegmentReport>,
    pool: {
      contexts,
      connections: Object.fromEntries(providers.map(({ name, connections }) => [name, connections])),
      queues: Object.fromEntries(providers.map(({ name, queue }) => [name, queue])),
    },
  }
}
