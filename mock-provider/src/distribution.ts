import { randomGamma, randomInt, randomLogNormal, randomNormal } from 'd3-random'
import { parseDecimal, readOperands, readQuantity, type Quantity } from './quantity.ts'
import type { Random } from './random.ts'
import type { Parsed } from './units.ts'
import { shown } from './wire/request-fields.ts'

export type { Quantity } from './quantity.ts'

/** A number drawn for each answer: whole, and within what its quantity allows. */
export interface Distribution {
  /** Smallest number that it can draw. */
  readonly minimum: number
  /** Whether it always draws that. */
  readonly isFixed: boolean
  /** Draws from `random`; a fixed number and a trace draw nothing. Each sampler goes its own way, a trace from its start. */
  sampler(random: Random): () => number
}

/** Most numbers of one trace. */
export const LONGEST_TRACE = 1_000_000

const WAYS =
  'a fixed value, uniform:LOW:HIGH, normal:MEAN:SD, lognormal:MEDIAN:SIGMA, gamma:MEAN:SD, percentiles:P50:P90:P95:P99 or {"trace":[...]}'

// e^10 is 22,026: one sigma above a median of 1 ms would be 22 s already.
const SIGMA: Quantity = { parse: parseDecimal, minimum: 0, maximum: 10, scale: 1, unit: '' }

const FORMS: ReadonlyMap<string, (text: string, quantity: Quantity) => Parsed<Distribution>> = new Map([
  ['uniform', uniform],
  ['normal', normal],
  ['lognormal', logNormal],
  ['gamma', gamma],
  ['percentiles', percentiles],
  ['trace', refuseTraceFile],
])

/**
 * The distribution that `spec` writes: a number or text (fixed), a text with a name in front, or `{ trace: [...] }`.
 *
 * - `uniform:LOW:HIGH`: every whole number from LOW to HIGH is equally likely, both included
 * - `normal:MEAN:SD`: truncated, what falls below the quantity's minimum is drawn again
 * - `lognormal:MEDIAN:SIGMA`: SIGMA is the standard deviation of the natural logarithm
 * - `gamma:MEAN:SD`: shape (MEAN/SD)^2 and scale SD^2/MEAN, by the method of moments
 * - `percentiles:P50:P90:P95:P99`: quantiles in straight lines from P50/2 through these four, and on as from P95 to P99
 * - a trace: its numbers in order, and from its start again
 *
 * Draws are rounded. Those above the quantity's maximum are the maximum; those below its minimum are the minimum, but
 * for a normal distribution. A MEAN, MEDIAN or SD is that of the distribution before all this.
 */
export function parseDistribution(spec: unknown, quantity: Quantity): Parsed<Distribution> {
  if (typeof spec === 'string' || typeof spec === 'number') return parseText(String(spec), quantity)
  const trace = traceOf(spec)
  if (trace) return parseTrace(trace, quantity)
  return refused(`${shown(spec ?? null)} is not a distribution; write ${WAYS}`)
}

function parseText(text: string, quantity: Quantity): Parsed<Distribution> {
  const at = text.indexOf(':')
  if (at === -1) return fixed(text, quantity)
  const form = FORMS.get(text.slice(0, at))
  return form ? form(text, quantity) : refused(`"${text}" is not a distribution; write ${WAYS}`)
}

function fixed(text: string, quantity: Quantity): Parsed<Distribution> {
  const read = readQuantity(text, quantity)
  return read.ok ? constant(read.value, quantity) : read
}

function uniform(text: string, quantity: Quantity): Parsed<Distribution> {
  const read = readOperands(text, {
    operands: { low: quantity, high: quantity },
    noun: 'a distribution',
    example: exampleFor(quantity, 'uniform:500ms:1.5s', 'uniform:500:1500'),
  })
  if (!read.ok) return read
  if (read.value.low > read.value.high) return refused(`"${text}": LOW must not be above HIGH`)
  const whole = wholeOf(quantity)
  const low = whole(read.value.low)
  const high = whole(read.value.high)
  // Not randomUniform: rounded, it would yield each end half as often as the numbers between.
  return drawn(low, (random) => randomInt.source(random)(low, high + 1))
}

function normal(text: string, quantity: Quantity): Parsed<Distribution> {
  const read = readOperands(text, {
    operands: { mean: quantity, sd: spreadOf(quantity) },
    noun: 'a distribution',
    example: exampleFor(quantity, 'normal:1.5s:300ms', 'normal:1500:300'),
  })
  if (!read.ok) return read
  const { mean, sd } = read.value
  if (sd === 0) return constant(mean, quantity)
  const whole = wholeOf(quantity)
  const lowest = quantity.minimum * quantity.scale
  return drawn(whole(lowest), (random) => {
    const next = randomNormal.source(random)(mean, sd)
    return () => {
      // The mean is not below the lowest: half of the draws, or more, are kept.
      for (;;) {
        const value = next()
        if (value >= lowest) return whole(value)
      }
    }
  })
}

function logNormal(text: string, quantity: Quantity): Parsed<Distribution> {
  const read = readOperands(text, {
    operands: { median: quantity, sigma: SIGMA },
    noun: 'a distribution',
    example: exampleFor(quantity, 'lognormal:1.5s:0.4', 'lognormal:1500:0.4'),
  })
  if (!read.ok) return read
  const { median, sigma } = read.value
  if (median === 0) return refused(`"${text}": MEDIAN must be above 0`)
  if (sigma === 0) return constant(median, quantity)
  const whole = wholeOf(quantity)
  return drawn(whole(0), (random) => {
    const next = randomLogNormal.source(random)(Math.log(median), sigma)
    return () => whole(next())
  })
}

function gamma(text: string, quantity: Quantity): Parsed<Distribution> {
  const read = readOperands(text, {
    operands: { mean: quantity, sd: spreadOf(quantity) },
    noun: 'a distribution',
    example: exampleFor(quantity, 'gamma:1.5s:300ms', 'gamma:1500:300'),
  })
  if (!read.ok) return read
  const { mean, sd } = read.value
  if (sd === 0) return constant(mean, quantity)
  if (mean === 0) return refused(`"${text}": MEAN must be above 0 when SD is`)
  const whole = wholeOf(quantity)
  return drawn(whole(0), (random) => {
    const next = randomGamma.source(random)((mean / sd) ** 2, sd ** 2 / mean)
    return () => whole(next())
  })
}

const SHARES = [0, 0.5, 0.9, 0.95, 0.99, 1] as const

function percentiles(text: string, quantity: Quantity): Parsed<Distribution> {
  const read = readOperands(text, {
    operands: { p50: quantity, p90: quantity, p95: quantity, p99: quantity },
    noun: 'a distribution',
    example: exampleFor(quantity, 'percentiles:1.2s:2s:2.5s:4s', 'percentiles:1200:2000:2500:4000'),
  })
  if (!read.ok) return read
  const { p50, p90, p95, p99 } = read.value
  if (p50 > p90 || p90 > p95 || p95 > p99) return refused(`"${text}": percentiles must not decrease`)
  // From 0.99 to 1 is a quarter of the way from 0.95 to 0.99.
  const quantiles = [p50 / 2, p50, p90, p95, p99, p99 + (p99 - p95) / 4]
  const whole = wholeOf(quantity)
  return drawn(whole(p50 / 2), (random) => () => whole(quantileAt(random(), quantiles)))
}

/** @param quantiles those of SHARES */
function quantileAt(share: number, quantiles: readonly number[]): number {
  let at = 1
  while (share > SHARES[at]!) at++
  const before = SHARES[at - 1]!
  const from = quantiles[at - 1]!
  return from + ((share - before) / (SHARES[at]! - before)) * (quantiles[at]! - from)
}

function refuseTraceFile(text: string): Parsed<Distribution> {
  return refused(
    `"${text}" names a file, and files are read only where the mock starts; write {"trace":[...]} with its values`,
  )
}

function traceOf(spec: unknown): readonly unknown[] | undefined {
  if (typeof spec !== 'object' || spec === null || !('trace' in spec) || Object.keys(spec).length > 1) return undefined
  return Array.isArray(spec.trace) ? spec.trace : undefined
}

function parseTrace(trace: readonly unknown[], quantity: Quantity): Parsed<Distribution> {
  if (trace.length === 0 || trace.length > LONGEST_TRACE) {
    return refused(`trace: must have 1 to ${LONGEST_TRACE} values, got ${trace.length}`)
  }
  const whole = wholeOf(quantity)
  const numbers: number[] = []
  for (const [at, value] of trace.entries()) {
    if (typeof value !== 'string' && typeof value !== 'number') {
      return refused(`trace[${at}]: must be a text or a number, got ${shown(value ?? null)}`)
    }
    const read = readQuantity(String(value), quantity)
    if (!read.ok) return refused(`trace[${at}]: ${read.problem}`)
    numbers.push(whole(read.value))
  }
  const minimum = numbers.reduce((least, number) => Math.min(least, number))
  return drawn(minimum, () => {
    let at = 0
    return () => {
      const number = numbers[at]!
      at = (at + 1) % numbers.length
      return number
    }
  })
}

function constant(value: number, quantity: Quantity): Parsed<Distribution> {
  const number = wholeOf(quantity)(value)
  return { ok: true, value: { minimum: number, isFixed: true, sampler: () => () => number } }
}

function drawn(minimum: number, sampler: Distribution['sampler']): Parsed<Distribution> {
  return { ok: true, value: { minimum, isFixed: false, sampler } }
}

function refused(problem: string): Parsed<Distribution> {
  return { ok: false, problem }
}

/** To the nearest whole number that the quantity allows. */
function wholeOf({ minimum, maximum, scale }: Quantity): (value: number) => number {
  const lowest = Math.ceil(minimum * scale)
  const highest = Math.floor(maximum * scale)
  return (value) => Math.min(highest, Math.max(lowest, Math.round(value)))
}

/** A standard deviation of the quantity: 0 is none, whatever the quantity's minimum. */
function spreadOf(quantity: Quantity): Quantity {
  return { ...quantity, minimum: 0 }
}

/** The example that the quantity itself would take. */
function exampleFor(quantity: Quantity, durations: string, numbers: string): string {
  return quantity.parse('1.5s').ok ? durations : numbers
}
