import { US_PER, type ReportUnit } from './units.ts'

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/**
 * The time that a header of an answer tells, in us; undefined when it tells none, as LiteLLM's `None` does. It may be
 * below zero: some gateways take the difference of two clocks.
 */
export function parseHeaderValue(text: string, unit: ReportUnit): number | undefined {
  const trimmed = text.trim()
  return DECIMAL.test(trimmed) ? Number(trimmed) * US_PER[unit] : undefined
}
