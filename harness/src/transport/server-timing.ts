import { SEGMENTS, TIMING_TOTAL } from '@gatebench/gateway/stages'

/** Slot of the total in what `parseServerTiming` returns; the segments come before it, in the order of SEGMENTS. */
export const TOTAL_SLOT = SEGMENTS.length

const SLOT_BY_NAME = new Map<string, number>([
  ...SEGMENTS.map(({ name }, slot): [string, number] => [name, slot]),
  [TIMING_TOTAL, TOTAL_SLOT],
])

/**
 * The built-in gateway's account of one request, ns, from its `Server-Timing` header. Undefined unless every segment and
 * the total are there: half an account cannot close a ledger, and other gateways use the header for names of their own.
 */
export function parseServerTiming(value: string): Float64Array | undefined {
  const timingNs = new Float64Array(SEGMENTS.length + 1)
  let found = 0
  for (let start = 0; start < value.length;) {
    let end = value.indexOf(',', start)
    if (end < 0) end = value.length
    while (value.charCodeAt(start) === 32) start++
    const semicolon = value.indexOf(';dur=', start)
    if (semicolon > 0 && semicolon < end) {
      const slot = SLOT_BY_NAME.get(value.slice(start, semicolon))
      const durationMs = Number(value.slice(semicolon + 5, end))
      if (slot !== undefined && durationMs >= 0) {
        timingNs[slot] = durationMs * 1e6
        found++
      }
    }
    start = end + 1
  }
  return found === timingNs.length ? timingNs : undefined
}
