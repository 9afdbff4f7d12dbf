import { SEGMENTS, type SegmentName } from '@gatebench/gateway/stages'
import type { Attempt } from './outcome.ts'
import { TOTAL_SLOT } from './transport/server-timing.ts'

/** Hand-made attempts, for tests only. */

/** An ok answer: due at 0, sent at once, ended after 1 ms, unless `change` says otherwise. */
export function okAttempt(change: Partial<Attempt> = {}): Attempt {
  const dueNs = change.dueNs ?? 0
  return { index: 0, dueNs, sentNs: dueNs, endNs: dueNs + 1e6, outcome: { kind: 'ok', status: 200 }, ...change }
}

/** A gateway's account: the named segments, ns, all others 0; the total last. */
export function timing(segmentsNs: Partial<Record<SegmentName, number>>, totalNs: number): Float64Array {
  const timingNs = new Float64Array(TOTAL_SLOT + 1)
  SEGMENTS.forEach(({ name }, slot) => {
    timingNs[slot] = segmentsNs[name] ?? 0
  })
  timingNs[TOTAL_SLOT] = totalNs
  return timingNs
}
