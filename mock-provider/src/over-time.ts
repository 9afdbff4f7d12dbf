import { parseDecimal, readOperands, type Quantity } from './quantity.ts'
import { parseDurationMs, type Parsed } from './units.ts'
import { shown } from './wire/request-fields.ts'

/** A factor on delays that changes with time. */
export interface OverTime {
  /** Factor, >= 0, at `elapsedMs` since the start, or since the setting changed. */
  factorAt(elapsedMs: number): number
}

type FactorAt = OverTime['factorAt']

const WAYS = 'step:AT:FACTOR, ramp:FROM:TO:FACTOR0:FACTOR1 or spike:EVERY:FOR:FACTOR, several with "," between them'

/** A year: longer than a mock runs. */
const MOMENT: Quantity = { parse: parseDurationMs, minimum: 0, maximum: 31_536_000_000, scale: 1, unit: ' ms' }
const FACTOR: Quantity = { parse: parseDecimal, minimum: 0, maximum: 1_000, scale: 1, unit: '' }

const TERMS: ReadonlyMap<string, (text: string) => Parsed<FactorAt>> = new Map([
  ['step', step],
  ['ramp', ramp],
  ['spike', spike],
])

/**
 * Terms with "," between them, multiplied; an empty text is a factor of 1 at all times. Each term is 1 where it says
 * nothing else.
 *
 * - `step:AT:FACTOR`: FACTOR from AT on
 * - `ramp:FROM:TO:FACTOR0:FACTOR1`: FACTOR0 until FROM, from there in a straight line to FACTOR1 at TO, and FACTOR1 on
 * - `spike:EVERY:FOR:FACTOR`: FACTOR for so long each time that EVERY has passed, the first time at EVERY
 *
 * @example parseOverTime('ramp:0:60s:1:3,spike:30s:2s:10')
 */
export function parseOverTime(spec: unknown): Parsed<OverTime> {
  if (typeof spec !== 'string') return { ok: false, problem: `${shown(spec ?? null)} is not a text; write ${WAYS}` }
  if (spec === '') return { ok: true, value: { factorAt: () => 1 } }
  const factors: FactorAt[] = []
  for (const term of spec.split(',')) {
    const parsed = parseTerm(term)
    if (!parsed.ok) return parsed
    factors.push(parsed.value)
  }
  const factorAt = (elapsedMs: number) => factors.reduce((product, factor) => product * factor(elapsedMs), 1)
  return { ok: true, value: { factorAt } }
}

function parseTerm(term: string): Parsed<FactorAt> {
  const parse = TERMS.get(term.split(':', 1)[0]!)
  return parse ? parse(term) : { ok: false, problem: `"${term}" is not a factor over time; write ${WAYS}` }
}

function step(text: string): Parsed<FactorAt> {
  const read = readOperands(text, {
    operands: { at: MOMENT, factor: FACTOR },
    noun: 'a factor over time',
    example: 'step:60s:2',
  })
  if (!read.ok) return read
  const { at, factor } = read.value
  return { ok: true, value: (elapsedMs) => (elapsedMs < at ? 1 : factor) }
}

function ramp(text: string): Parsed<FactorAt> {
  const read = readOperands(text, {
    operands: { from: MOMENT, to: MOMENT, factor0: FACTOR, factor1: FACTOR },
    noun: 'a factor over time',
    example: 'ramp:10s:60s:1:3',
  })
  if (!read.ok) return read
  const { from, to, factor0, factor1 } = read.value
  if (from > to) return { ok: false, problem: `"${text}": FROM must not be above TO` }
  const factorAt = (elapsedMs: number) => {
    // Before the line: where FROM is TO, there is none to divide by.
    if (elapsedMs >= to) return factor1
    if (elapsedMs <= from) return factor0
    return factor0 + ((elapsedMs - from) / (to - from)) * (factor1 - factor0)
  }
  return { ok: true, value: factorAt }
}

function spike(text: string): Parsed<FactorAt> {
  const read = readOperands(text, {
    operands: { every: MOMENT, for: MOMENT, factor: FACTOR },
    noun: 'a factor over time',
    example: 'spike:30s:2s:10',
  })
  if (!read.ok) return read
  const { every, for: lasting, factor } = read.value
  if (every === 0) return { ok: false, problem: `"${text}": EVERY must be above 0` }
  if (lasting > every) return { ok: false, problem: `"${text}": FOR must not be above EVERY` }
  return { ok: true, value: (elapsedMs) => (elapsedMs >= every && elapsedMs % every < lasting ? factor : 1) }
}
