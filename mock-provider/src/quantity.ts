import { within, type Parsed } from './units.ts'

/** What some numbers count: how one is written, which are allowed, and in what unit they come out. */
export interface Quantity {
  readonly parse: (text: string) => Parsed<number>
  /** Smallest that is allowed, in the unit that `parse` yields. */
  readonly minimum: number
  /** Largest that is allowed, in the same unit. */
  readonly maximum: number
  /** Of one parsed unit, in the unit that comes out: 1000 for ms parsed and us drawn. */
  readonly scale: number
  /** The parsed unit as it stands behind a number in a message: ' ms', or ''. */
  readonly unit: string
}

/** A number of the quantity, in the unit that comes out, not rounded. */
export function readQuantity(text: string, { parse, scale, unit, ...range }: Quantity): Parsed<number> {
  const parsed = within(range, unit, parse)(text)
  return parsed.ok ? { ok: true, value: parsed.value * scale } : parsed
}

/**
 * The operands of something that is written as `kind:FIRST:SECOND`, by name.
 * @param form.operands in the order in which they are written; messages show their names in capitals
 * @param form.noun what the whole text is, for messages: 'a distribution'
 * @param form.example a whole text that is right
 * @example readOperands('gamma:1s:300ms', { operands: { mean: DELAY, sd: DELAY }, ... }) // mean 1000000, sd 300000
 */
export function readOperands<Name extends string>(
  text: string,
  form: { operands: Readonly<Record<Name, Quantity>>; noun: string; example: string },
): Parsed<Record<Name, number>> {
  const [kind, ...texts] = text.split(':')
  const operands = Object.entries<Quantity>(form.operands)
  if (texts.length !== operands.length) {
    const names = operands.map(([name]) => name.toUpperCase())
    const right = [kind, ...names].join(':')
    return { ok: false, problem: `"${text}" is not ${form.noun}; write ${right}, as ${form.example}` }
  }
  const values: Partial<Record<string, number>> = {}
  for (const [at, [name, quantity]] of operands.entries()) {
    const value = readQuantity(texts[at]!, quantity)
    if (!value.ok) return { ok: false, problem: `"${text}": ${name.toUpperCase()}: ${value.problem}` }
    values[name] = value.value
  }
  return { ok: true, value: values as Record<Name, number> }
}

/** @example parseDecimal('1.5') // { ok: true, value: 1.5 } */
export function parseDecimal(text: string): Parsed<number> {
  if (/^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text)) return { ok: true, value: Number(text) }
  return { ok: false, problem: `"${text}" is not a number; write it in digits, as 2 or 1.5` }
}
