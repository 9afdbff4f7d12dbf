import { Type, type Static } from 'typebox'
import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { readFlags } from './flags.ts'
import { parseDurationMs, parseInteger, parseSizeBytes, type Parsed } from './units.ts'

/** An hour: beyond any answer's delay, and its microseconds fit the room that the completion id leaves them. */
const LONGEST_MS = 3_600_000
const LARGEST_RESPONSE_BYTES = 64 * 1_048_576

interface Range {
  minimum: number
  maximum: number
}

const RANGES = {
  latencyMs: { minimum: 0, maximum: LONGEST_MS },
  jitterMs: { minimum: 0, maximum: LONGEST_MS },
  responseBytes: { minimum: SMALLEST_RESPONSE_BYTES, maximum: LARGEST_RESPONSE_BYTES },
  port: { minimum: 0, maximum: 65_535 },
  seed: { minimum: 0, maximum: 0xffff_ffff },
} satisfies Record<string, Range>

/** What the mock does, fully decided; the defaults stand in MOCK_DEFAULTS. */
export const MockConfigSchema = Type.Object({
  latencyMs: Type.Number({ ...RANGES.latencyMs, description: 'delay of every answer, ms' }),
  jitterMs: Type.Number({
    ...RANGES.jitterMs,
    description: 'uniform spread: a delay is latency +- jitter, ms; not above the latency; 0 for none',
  }),
  responseBytes: Type.Integer({ ...RANGES.responseBytes, description: 'whole body of an answer, bytes' }),
  port: Type.Integer({ ...RANGES.port, description: 'port to listen on; 0 for any free one' }),
  host: Type.String({ description: 'address to listen on' }),
  seed: Type.Integer({ ...RANGES.seed, description: 'seed of the jitter' }),
})

export type MockConfig = Static<typeof MockConfigSchema>

export const MOCK_DEFAULTS: Readonly<MockConfig> = {
  latencyMs: 0,
  jitterMs: 0,
  responseBytes: 1_370,
  port: 8_001,
  host: '127.0.0.1',
  seed: 1,
}

/** The command line cannot be used; `problems` names every flag at fault, its value, and what would be right. */
export class MockUsageError extends Error {
  readonly code = 'MOCK_USAGE'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super([`${count} in the command line`, ...problems.map((problem) => `  ${problem}`)].join('\n'))
    this.name = 'MockUsageError'
    this.problems = problems
  }
}

/**
 * The config that `argv` (without node and script) asks for, or the help text when it asks for that.
 * @throws {MockUsageError} with every problem at once
 */
export function parseMockConfig(argv: readonly string[]): { config: MockConfig } | { help: string } {
  const flags = readFlags(argv)
  if ('help' in flags) return flags
  const { texts, problems } = flags

  const read = <T>(flag: keyof typeof texts, parse: (text: string) => Parsed<T>, fallback: T): T => {
    const text = texts[flag]
    if (text === undefined) return fallback
    const parsed = parse(text)
    if (parsed.ok) return parsed.value
    problems.push(`--${flag}: ${parsed.problem}`)
    return fallback
  }
  const defaults = MOCK_DEFAULTS
  const config: MockConfig = {
    latencyMs: read('latency', within(RANGES.latencyMs, ' ms', parseDurationMs), defaults.latencyMs),
    jitterMs: read('jitter', within(RANGES.jitterMs, ' ms', parseDurationMs), defaults.jitterMs),
    responseBytes: read(
      'response-size',
      within(RANGES.responseBytes, ' bytes', parseSizeBytes),
      defaults.responseBytes,
    ),
    port: read('port', within(RANGES.port, '', parseInteger), defaults.port),
    host: read('host', parseHost, defaults.host),
    seed: read('seed', within(RANGES.seed, '', parseInteger), defaults.seed),
  }
  const latencyIsKnown = !problems.some((problem) => problem.startsWith('--latency'))
  if (latencyIsKnown && config.jitterMs > config.latencyMs) {
    problems.push(
      `--jitter: must not be above --latency (${config.latencyMs} ms), or delays would be negative; got ${config.jitterMs} ms`,
    )
  }
  if (problems.length > 0) throw new MockUsageError(problems)
  return { config }
}

function parseHost(text: string): Parsed<string> {
  if (/^[\w.:-]+$/.test(text)) return { ok: true, value: text }
  return { ok: false, problem: `"${text}" is not an address; write 127.0.0.1, 0.0.0.0 or a host name` }
}

function within({ minimum, maximum }: Range, unit: string, parse: (text: string) => Parsed<number>) {
  return (text: string): Parsed<number> => {
    const parsed = parse(text)
    if (!parsed.ok || (parsed.value >= minimum && parsed.value <= maximum)) return parsed
    const bound = parsed.value < minimum ? `at least ${minimum}` : `at most ${maximum}`
    return { ok: false, problem: `must be ${bound}${unit}, got ${parsed.value}${unit}` }
  }
}
