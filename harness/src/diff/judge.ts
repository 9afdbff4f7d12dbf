import type { Interval } from '../compare/record.ts'
import { LATENCY_US } from '../histogram.ts'
import { boundOf, type Limit } from './limits.ts'
import type { Metric } from './metrics.ts'
import type { Spread } from './noise.ts'

/** `none`: chance alone may have made the change. `unknown`: there is a change, and nothing to tell chance by. */
export type Difference = 'better' | 'worse' | 'none' | 'unknown'

/** `exceeded` is the regression. `within_noise`: above the limit, and chance alone may have put it there. */
export type LimitVerdict = 'kept' | 'within_noise' | 'exceeded'

/** Share of a figure that the histogram cannot tell apart: a smaller step of a percentile is one of its buckets. */
const LOG_RESOLUTION = 10 ** -LATENCY_US.digits

/** Far above what rounding does to a figure, far below what anybody would limit. */
const ROUNDING = 1e-9

/** Whether a metric changed by more than noise. */
export function differenceOf(metric: Metric, spread: Spread): Difference {
  const { change, noise } = spread
  if (change.value === 0) return 'none'
  if (noise === 'unknown') return 'unknown'
  if (!isApart(metric, spread)) return 'none'
  return change.value > 0 === metric.higherIsBetter ? 'better' : 'worse'
}

/**
 * Whether NEW passes its limit beyond noise: for a change, when the interval of the change leaves out no change; for NEW's
 * own figure, when the interval of that figure leaves out the limit. Where the noise is unknown the limit alone decides.
 */
export function judgeLimit(limit: Limit, spread: Spread): LimitVerdict {
  const { metric, kind } = limit
  const { base, now, noise } = spread
  const bound = boundOf(limit, base)
  if (!isPast(metric, now.value, bound)) return 'kept'
  if (noise === 'unknown') return 'exceeded'
  const certain = kind === 'absolute' ? isPast(metric, bestOf(metric, now), bound) : isApart(metric, spread)
  return certain ? 'exceeded' : 'within_noise'
}

function isApart({ ofLog }: Metric, { base, change }: Spread): boolean {
  const smallest = ofLog === undefined ? 0 : LOG_RESOLUTION * Math.abs(base)
  return (change.low > 0 || change.high < 0) && Math.abs(change.value) > smallest
}

function isPast({ higherIsBetter }: Metric, value: number, bound: number): boolean {
  const slack = ROUNDING * Math.abs(bound)
  return higherIsBetter ? value < bound - slack : value > bound + slack
}

/** The best that the figure may be. */
function bestOf({ higherIsBetter }: Metric, { low, high }: Interval): number {
  return higherIsBetter ? high : low
}
