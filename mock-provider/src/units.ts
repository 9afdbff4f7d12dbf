/** A value read from text, or one sentence on what is wrong with it and what would be right. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string }

const DURATION = /^(\d+(?:\.\d+)?)(ms|s)?$/
const SIZE = /^(\d+(?:\.\d+)?)(B|KB|MB|KiB|MiB)?$/
const BYTES_PER_UNIT: Record<string, number> = { B: 1, KB: 1_000, MB: 1_000_000, KiB: 1_024, MiB: 1_048_576 }

/** @example parseDurationMs('1.5s') // { ok: true, value: 1500 } */
export function parseDurationMs(text: string): Parsed<number> {
  const match = DURATION.exec(text)
  if (!match) return { ok: false, problem: `"${text}" is not a duration; write 1500, 1500ms or 1.5s` }
  return { ok: true, value: tidy(Number(match[1]) * (match[2] === 's' ? 1_000 : 1)) }
}

/** @example parseSizeBytes('1.37KB') // { ok: true, value: 1370 } */
export function parseSizeBytes(text: string): Parsed<number> {
  const match = SIZE.exec(text)
  if (!match) return { ok: false, problem: `"${text}" is not a size; write 10320, 1.37KB or 1KiB` }
  const bytes = tidy(Number(match[1]) * BYTES_PER_UNIT[match[2] ?? 'B']!)
  if (Number.isInteger(bytes)) return { ok: true, value: bytes }
  return { ok: false, problem: `"${text}" is ${bytes} bytes; must be a whole number of bytes` }
}

/** @example parseShare('0.01') and parseShare('1%') // { ok: true, value: 0.01 } */
export function parseShare(text: string): Parsed<number> {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text)
  const share = match ? tidy(Number(match[1]) / (match[2] ? 100 : 1)) : NaN
  if (share >= 0 && share <= 1) return { ok: true, value: share }
  return { ok: false, problem: `"${text}" is not a share; write a number from 0 to 1, as 0.01, or 1%` }
}

export function parseInteger(text: string): Parsed<number> {
  if (/^\d+$/.test(text)) return { ok: true, value: Number(text) }
  return { ok: false, problem: `"${text}" is not a whole number; write digits only` }
}

export function parseBoolean(text: string): Parsed<boolean> {
  if (text === 'true' || text === 'false') return { ok: true, value: text === 'true' }
  return { ok: false, problem: `"${text}" is neither true nor false` }
}

/** The parser, for values in a range alone. @param unit as it stands behind a number: ' ms', or '' */
export function within(
  { minimum, maximum }: { minimum: number; maximum: number },
  unit: string,
  parse: (text: string) => Parsed<number>,
) {
  return (text: string): Parsed<number> => {
    const parsed = parse(text)
    if (!parsed.ok || (parsed.value >= minimum && parsed.value <= maximum)) return parsed
    const bound = parsed.value < minimum ? `at least ${minimum}` : `at most ${maximum}`
    return { ok: false, problem: `must be ${bound}${unit}, got ${parsed.value}${unit}` }
  }
}

// 1.001 * 1000 is 1000.9999999999999 in binary floating point: what was written has fewer digits than that.
function tidy(value: number): number {
  return Number(value.toPrecision(12))
}
