import { UsageError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { metricNamed, METRICS, type Metric, type MetricUnit } from './metrics.ts'

/** How far a metric of NEW may go. */
export interface Limit {
  metric: Metric
  /** As it was given. @example 'p99=+10%' */
  text: string
  /** `growth_pct`: % of BASE's figure. `growth`: in the metric's unit. `absolute`: of NEW's figure, whatever BASE's is. */
  kind: 'growth_pct' | 'growth' | 'absolute'
  /** A growth is negative where higher is better. */
  amount: number
}

const AMOUNT = /^([+-]?)(\d+(?:\.\d+)?)(.*)$/

/** What a unit of a limit is in the metric's own unit. */
const UNITS: Readonly<Record<MetricUnit, Readonly<Record<string, number>>>> = {
  ms: { us: 0.001, ms: 1, s: 1000 },
  us: { us: 1, ms: 1000, s: 1e6 },
  MiB: { MiB: 1, GiB: 1024 },
  perSec: { '/s': 1 },
  ratio: { pt: 0.01 },
}

const EXAMPLES: Readonly<Record<MetricUnit, readonly [growth: string, absolute: string]>> = {
  ms: ['+5ms', '200ms'],
  us: ['+5us', '200us'],
  MiB: ['+20MiB', '512MiB'],
  perSec: ['-50/s', '4900/s'],
  ratio: ['-0.1pt', '99.9%'],
}

/**
 * `--max` values, each one limit or several with commas between them.
 *
 * @throws {UsageError} with every limit that cannot be read.
 */
export function parseLimits(values: readonly string[]): Limit[] {
  const parsed = values.flatMap((value) => value.split(',')).map((text) => parseLimit(text.trim()))
  const problems = parsed.filter((limit) => typeof limit === 'string')
  if (problems.length > 0) throw new UsageError(problems)
  return parsed.filter((limit) => typeof limit !== 'string')
}

/** The figure that NEW must not pass. */
export function boundOf({ kind, amount }: Limit, base: number): number {
  if (kind === 'absolute') return amount
  return kind === 'growth' ? base + amount : base * (1 + amount / 100)
}

/** The limit, or what is wrong with the text. */
function parseLimit(text: string): Limit | string {
  const [name, amountText, ...more] = text.split('=')
  if (!name || !amountText || more.length > 0) return `--max: "${text}" is not NAME=LIMIT; write p99=+10%`
  const metric = metricNamed(name)
  if (metric === undefined) return `--max ${text}: ${unknownMetric(name)}`
  const match = AMOUNT.exec(amountText)
  const [, sign = '', digits = '', unit = ''] = match ?? []
  const kind = sign === '' ? 'absolute' : unit === '%' ? 'growth_pct' : 'growth'
  const scale = scaleOf(metric.unit, kind, unit)
  if (match === null || scale === undefined)
    return `--max ${text}: "${amountText}" is no limit of ${name}; ${forms(metric)}`
  if (sign !== '' && sign !== rightSign(metric)) {
    const direction = metric.higherIsBetter
      ? 'higher is better, so the limit is on its fall'
      : 'lower is better, so the limit is on its growth'
    return `--max ${text}: of ${name} ${direction}; write ${name}=${rightSign(metric)}${digits}${unit}`
  }
  return { metric, text, kind, amount: Number(`${sign}${digits}`) * scale }
}

function scaleOf(metricUnit: MetricUnit, kind: Limit['kind'], unit: string): number | undefined {
  if (kind === 'growth_pct') return 1
  // A sign says that it is a change: 99.9% without one is a success rate, +99.9% of anything a growth.
  if (kind === 'absolute' && metricUnit === 'ratio') return unit === '%' ? 0.01 : undefined
  const units = UNITS[metricUnit]
  return Object.hasOwn(units, unit) ? units[unit] : undefined
}

function rightSign({ higherIsBetter }: Metric): '+' | '-' {
  return higherIsBetter ? '-' : '+'
}

function forms(metric: Metric): string {
  const [growth, absolute] = EXAMPLES[metric.unit]
  return `write ${rightSign(metric)}10% or ${growth} for its change, ${absolute} for NEW's own figure`
}

function unknownMetric(name: string): string {
  const names = METRICS.map((metric) => metric.name)
  const guess = nearest(name, names)
  return `"${name}" is not a metric; ${guess === undefined ? `one of ${names.join(', ')}` : `did you mean ${guess}?`}`
}
