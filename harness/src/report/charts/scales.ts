import { formatExact } from '../../units.ts'

/** Where the values of a chart stand on its axis. */
export interface Scale {
  /** Position of a value along the axis. */
  at: (value: number) => number
  /** What the axis title says of the scale; empty where there is nothing to say. */
  note: string
  /** Ends and ticks, in positions; absent for a linear scale, whose round ticks the plotting library finds. */
  marks?: { min: number; max: number; ticks: { at: number; label: string }[] }
}

export const LINEAR: Scale = { at: (value) => value, note: '' }

/** Part of a log axis that is left free beyond the outermost values. */
const MARGIN = 0.04

/** With fewer ticks nobody sees that an axis is a log one. */
const MIN_LOG_TICKS = 3

const PERCENTILE_TICKS = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999]

function scaleOf(at: Scale['at'], note: string, values: number[], ticks: number[]): Scale {
  const low = at(Math.min(...values))
  const high = at(Math.max(...values))
  const margin = (high - low) * MARGIN
  const labelled = ticks.map((tick) => ({ at: at(tick), label: formatExact(tick) }))
  return { at, note, marks: { min: low - margin, max: high + margin, ticks: labelled } }
}

/** Powers of ten and, where there are few decades, multiples of them, inside [low, high]; both above 0. */
function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low)
  const multiples = decades >= 3 ? [1] : decades >= 1 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9]
  const ticks: number[] = []
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high); exponent++) {
    // Number('3e-2') is 0.03; 3 * 10 ** -2 need not be.
    for (const multiple of multiples) ticks.push(Number(`${multiple}e${exponent}`))
  }
  return ticks.filter((tick) => tick >= low && tick <= high)
}

/**
 * A log scale of values above 0. Linear where they lie so close together that the two look alike and a log axis has no
 * round ticks.
 */
export function logScale(values: number[]): Scale {
  const ticks = logTicks(Math.min(...values), Math.max(...values))
  return ticks.length < MIN_LOG_TICKS ? LINEAR : scaleOf(Math.log10, 'log scale', values, ticks)
}

/** Linear from -linearTo to linearTo, log beyond, each decade as wide as the linear part from 0. linearTo is above 0. */
function symmetricLogScale(values: number[], linearTo: number): Scale {
  const at = (value: number) => {
    const size = Math.abs(value) / linearTo
    return size <= 1 ? value / linearTo : Math.sign(value) * (1 + Math.log10(size))
  }
  const low = Math.min(...values)
  const high = Math.max(...values)
  const powers = [linearTo]
  while (powers.at(-1)! * 10 <= Math.max(-low, high)) powers.push(powers.at(-1)! * 10)
  const ticks = [...powers.map((power) => -power).reverse(), 0, ...powers].filter((tick) => tick >= low && tick <= high)
  return scaleOf(at, `log scale, linear within ${formatExact(linearTo)} of 0`, values, ticks)
}

/**
 * Linear for values within one decade. Beyond that a log scale, which stays linear around 0 where values reach it: up to
 * the power of ten at or below `smallest`, or the smallest value above 0.
 */
export function spreadScale(values: number[], smallest?: number): Scale {
  const above = values.filter((value) => value > 0)
  if (above.length === 0) return LINEAR
  const least = Math.min(...above)
  const most = Math.max(...above)
  if (above.length === values.length) return most / least > 10 ? logScale(values) : LINEAR
  const linearTo = Number(`1e${Math.floor(Math.log10(smallest ?? least))}`)
  return most / linearTo > 10 ? symmetricLogScale(values, linearTo) : LINEAR
}

/** log10(1 / (1 - p)) of percentiles from 0 to below 100: each further nine is as wide as the last, as HdrHistogram plots it. */
export function percentileScale(maxPercentile: number): Scale {
  const at = (percentile: number) => -Math.log10(1 - percentile / 100)
  const ticks = PERCENTILE_TICKS.filter((tick) => tick === 0 || tick <= maxPercentile)
  const labelled = ticks.map((tick) => ({ at: at(tick), label: `${tick}%` }))
  return { at, note: 'log10(1 / (1 - p))', marks: { min: 0, max: at(maxPercentile), ticks: labelled } }
}
