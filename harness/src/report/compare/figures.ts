import type { Interval } from '../../compare/record.ts'
import { formatNumber, NOT_MEASURED } from '../../units.ts'

/** Estimates with their intervals as the comparison prints them: "231 us (224 to 239)". Formatting only. */

interface Style {
  before?: string
  after?: string
  /** How many of the recorded units one printed unit holds. */
  perUnit?: number
  maxDecimals: number
}

/** Two digits of the interval's width are all that the estimate can bear; without a width, three digits of the value. */
function decimalsFor({ value, low, high }: Interval, perUnit: number, maxDecimals: number): number {
  const width = (high - low) / perUnit
  const wanted = width > 0 ? 1 - Math.floor(Math.log10(width)) : 2 - Math.floor(Math.log10(Math.abs(value / perUnit)))
  // Of a value of 0 without a width the logarithm is infinite.
  return Number.isFinite(wanted) ? Math.min(maxDecimals, Math.max(0, wanted)) : 0
}

function intervalText(interval: Interval, { before = '', after = '', perUnit = 1, maxDecimals }: Style): string {
  const decimals = decimalsFor(interval, perUnit, maxDecimals)
  const text = (figure: number) => formatNumber(figure / perUnit, decimals)
  return `${before}${text(interval.value)}${after} (${text(interval.low)} to ${text(interval.high)})`
}

const MS_FROM_US = 10_000

/** Of times in us: as us, and as ms where any of the three figures is 10 ms or more. */
export function usInterval(us: Interval): string {
  const largest = Math.max(...[us.value, us.low, us.high].map(Math.abs))
  return largest < MS_FROM_US
    ? intervalText(us, { after: ' us', maxDecimals: 1 })
    : intervalText(us, { after: ' ms', perUnit: 1000, maxDecimals: 2 })
}

/** The same figure where there is no room for its interval. @example withoutInterval('231 us (224 to 239)') // '231 us' */
export const withoutInterval = (text: string) => text.replace(/ \(.*$/, '')

export const msInterval = (ms: Interval) => intervalText(ms, { after: ' ms', maxDecimals: 3 })
export const wholeMsInterval = (ms: Interval) => intervalText(ms, { after: ' ms', maxDecimals: 0 })
export const mibInterval = (mib: Interval) => intervalText(mib, { after: ' MiB', maxDecimals: 1 })
export const growthInterval = (mib: Interval) => intervalText(mib, { after: ' MiB', maxDecimals: 3 })
export const rateInterval = (perSec: Interval) => intervalText(perSec, { after: '/s', maxDecimals: 1 })
export const dollarInterval = (dollars: Interval) => intervalText(dollars, { before: '$', maxDecimals: 6 })

/** True when the interval does not contain 0. */
export const apartFromZero = ({ low, high }: Interval) => low > 0 || high < 0

/** A figure that was not measured has no key, and is never printed as 0. */
export function figureOr<T>(value: T | undefined, format: (value: T) => string): string {
  return value === undefined ? NOT_MEASURED : format(value)
}
