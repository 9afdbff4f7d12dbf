import { SEGMENTS, TIMING_TOTAL } from '../core/stages.ts'

const NAMES = SEGMENTS.map(({ name }, index) => `${index === 0 ? '' : ','}${name};dur=`)
const TOTAL = `,${TIMING_TOTAL};dur=`

/**
 * The `Server-Timing` header's value, as stages.ts documents it.
 * @example '...,request_setup;dur=0.004120,http_request;dur=1501.200440,...,total;dur=1501.310000'
 */
export function serverTiming(ns: Float64Array, totalNs: number): string {
  let value = ''
  for (let slot = 0; slot < NAMES.length; slot++) value += NAMES[slot]! + milliseconds(ns[slot]!)
  return value + TOTAL + milliseconds(totalNs)
}

/** ns as ms with six decimals; several times cheaper than toFixed(6), which has to work on the binary fraction. */
export function milliseconds(ns: number): string {
  const whole = Math.round(ns)
  const ms = Math.floor(whole / 1e6)
  // The leading 1 keeps the fraction's zeros.
  return `${ms}.${String(whole - ms * 1e6 + 1e6).slice(1)}`
}
