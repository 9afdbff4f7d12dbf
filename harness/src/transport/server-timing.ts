import { SEGMENTS, TIMING_TOTAL } from '@gatebench/gateway/stages'

/** Slot of the total in what `parseServerTiming` returns; the segments come before it, in the order of SEGMENTS. */
export const TOTAL_SLOT = SEGMENTS.length

const SLOT_BY_NAME = new Map<string, number>([
  ...SEGMENTS.map(({ name }, slot): [string, number] => [name, slot]),
  [TIMING_TOTAL, TOTAL_SLOT],
])

/**
 * The built-in gateway's account of one request, ns, from its `Server-Timing` header. Undefined unless every segment and
 * the total are there once: half an account cannot close a ledger, and other gateways use the header for names of their own.
 */
export function parseServerTiming(value: string): Float64Array | undefined {
  const timingNs = new Float64Array(SEGMENTS.length + 1).fill(NaN)
  let found = 0
  for (let start = 0; start < value.length;) {
    let end = value.indexOf(',', start)
    if (end < 0) end = value.length
    while (value.charCodeAt(start) === 32) start++
    const semicolon = value.indexOf(';dur=', start)
    if (semicolon > 0 && semicolon < end) {
      const slot = SLOT_BY_NAME.get(value.slice(start, semicolon))
      if (slot !== undefined) {
        if (!Number.isNaN(timingNs[slot])) return undefined
        timingNs[slot] = parseDurationMs(value.slice(semicolon + 5, end)) * 1e6
        if (timingNs[slot] < Infinity) found++
      }
    }
    start = end + 1
  }
  return found === timingNs.length ? timingNs : undefined
}

/** NaN when it is none: `Number` alone takes an empty text for 0. */
function parseDurationMs(text: string): number {
  return /^\d/.test(text) ? Number(text) : NaN
}
