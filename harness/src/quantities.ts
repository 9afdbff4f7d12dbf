/** Values with units, as people write them on a command line. Undefined: the text is not of the form. */

const DURATION = /^(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)?$/
const MS_PER = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
type DurationUnit = keyof typeof MS_PER

/** @example parseDurationMs('1.5s', 'ms') // 1500; parseDurationMs('60', 's') // 60000 */
export function parseDurationMs(text: string, bareUnit: DurationUnit): number | undefined {
  const match = DURATION.exec(text.trim())
  if (!match) return undefined
  const unit = (match[2] ?? bareUnit) as DurationUnit
  // 0.1 s is 100 ms, not 100.00000000000001: times are kept to the ns.
  return Math.round(Number(match[1]) * MS_PER[unit] * 1e6) / 1e6
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|KiB|MiB)?$/i
const BYTES_PER: Record<string, number> = { b: 1, kb: 1000, mb: 1_000_000, kib: 1024, mib: 1_048_576 }

/** KB is 1000 bytes, KiB 1024. @example parseSizeBytes('10.32KB') // 10320 */
export function parseSizeBytes(text: string): number | undefined {
  const match = SIZE.exec(text.trim())
  if (!match) return undefined
  return Math.round(Number(match[1]) * BYTES_PER[(match[2] ?? 'B').toLowerCase()]!)
}

/** Decimal digits with an optional sign and fraction; no exponent, no hex, no empty text. */
export function parseNumber(text: string): number | undefined {
  return /^[+-]?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : undefined
}
