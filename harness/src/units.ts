/** Numbers as the reports print them. Formatting only: nothing here measures, averages or compares. */

/** What stands where a figure has no key in result.json: never 0, which would be a claim. */
export const NOT_MEASURED = 'not measured'

const formats = new Map<number, Intl.NumberFormat>()

/** @example formatNumber(1502311.4, 1) // '1,502,311.4' */
export function formatNumber(value: number, decimals: number): string {
  let format = formats.get(decimals)
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    formats.set(decimals, format)
  }
  const text = format.format(value)
  // A tiny negative difference must not read as "-0.00".
  return /^-[0.,]*$/.test(text) ? text.slice(1) : text
}

export function formatCount(value: number): string {
  return formatNumber(value, 0)
}

const exact = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })

/** Digits as they came, up to six: for limits and for others' figures, which rounding must not change. */
export function formatExact(value: number): string {
  return exact.format(value)
}

/** Stage and overhead times in us, without the unit: about three digits, and never less than the whole us. */
export function formatUs(us: number): string {
  const size = Math.abs(us)
  return formatNumber(us, size === 0 ? 0 : size < 1 ? 3 : size < 10 ? 2 : size < 1000 ? 1 : 0)
}

/** Latencies in ms, without the unit: to the us below 10 ms, else to 10 us. */
export function formatMs(ms: number): string {
  return formatNumber(ms, Math.abs(ms) < 10 ? 3 : 2)
}

/** Requests per second, without the unit: one decimal, but for whole rates. */
export function formatRate(perSec: number): string {
  return formatNumber(perSec, Number.isInteger(perSec) ? 0 : 1)
}

export function formatMiB(mib: number): string {
  return formatNumber(mib, Math.abs(mib) < 100 ? 1 : 0)
}

export function formatCores(cores: number): string {
  return formatNumber(cores, 2)
}

/**
 * A ratio as a percentage that never rounds up to a whole: 299,999 of 300,000 is not 100%.
 * @example formatSuccess(299_999 / 300_000) // '99.9996%'
 */
export function formatSuccess(ratio: number): string {
  if (ratio === 1) return '100%'
  const pct = Math.floor(ratio * 1e6 + 1e-6) / 1e4
  return `${formatNumber(pct, 4).replace(/\.?0+$/, '')}%`
}

/** @example formatPct(0.0314) // '0.03%' */
export function formatPct(pct: number): string {
  return `${formatNumber(pct, 2)}%`
}

/** @example formatSignedPct(-24.53) // '-24.5%' */
export function formatSignedPct(pct: number): string {
  const text = formatNumber(pct, 1)
  return `${pct > 0 && text !== '0.0' ? '+' : ''}${text}%`
}

/** A planned length of time: whole seconds as s, the rest as ms. */
export function formatDuration(ms: number): string {
  return ms % 1000 === 0 ? `${formatCount(ms / 1000)} s` : `${formatNumber(ms, Number.isInteger(ms) ? 0 : 1)} ms`
}
