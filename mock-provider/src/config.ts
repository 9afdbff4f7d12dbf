import { Type, type Static } from 'typebox'
import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { readFlags, type FlagName, type ListFlagName } from './flags.ts'
import { parseDurationMs, parseInteger, parseShare, parseSizeBytes, type Parsed } from './units.ts'

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
  firstTokenMs: { minimum: 0, maximum: LONGEST_MS },
  tokenIntervalMs: { minimum: 0, maximum: LONGEST_MS },
  tokens: { minimum: 1, maximum: 1_000_000 },
  rate: { minimum: 0, maximum: 1 },
  errorStatus: { minimum: 400, maximum: 599 },
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
  responseBytes: Type.Integer({ ...RANGES.responseBytes, description: 'whole body of an answer with text, bytes' }),
  firstTokenMs: Type.Optional(
    Type.Number({
      ...RANGES.firstTokenMs,
      description: "delay of a stream's first content chunk, ms; absent: latency +- jitter",
    }),
  ),
  tokenIntervalMs: Type.Number({
    ...RANGES.tokenIntervalMs,
    description: "time from one content chunk's deadline to the next one's, ms",
  }),
  tokens: Type.Integer({ ...RANGES.tokens, description: 'content chunks of a stream, unless max_tokens is below' }),
  errorRate: Type.Number({ ...RANGES.rate, description: 'share of requests answered with errorStatus' }),
  errorStatus: Type.Integer({ ...RANGES.errorStatus, description: 'status of such an answer' }),
  resetRate: Type.Number({ ...RANGES.rate, description: 'share of requests whose connection is reset' }),
  hangRate: Type.Number({ ...RANGES.rate, description: 'share of requests that are never answered' }),
  cutRate: Type.Number({ ...RANGES.rate, description: 'share of answers, streams included, cut off in the middle' }),
  failKeys: Type.Array(Type.Object({ key: Type.String(), status: Type.Integer(RANGES.errorStatus) }), {
    description: 'API keys whose requests get a status of 400 to 599 at once',
  }),
  requireKeys: Type.Array(Type.String(), { description: 'the only API keys that are served; empty for any' }),
  port: Type.Integer({ ...RANGES.port, description: 'port to listen on; 0 for any free one' }),
  host: Type.String({ description: 'address to listen on' }),
  seed: Type.Integer({ ...RANGES.seed, description: 'seed of jitter and faults' }),
})

export type MockConfig = Static<typeof MockConfigSchema>

export const MOCK_DEFAULTS: Readonly<MockConfig> = {
  latencyMs: 0,
  jitterMs: 0,
  responseBytes: 1_370,
  tokenIntervalMs: 0,
  tokens: 20,
  errorRate: 0,
  errorStatus: 500,
  resetRate: 0,
  hangRate: 0,
  cutRate: 0,
  failKeys: [],
  requireKeys: [],
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

  const read = <T>(flag: FlagName, parse: (text: string) => Parsed<T>): T | undefined => {
    const text = texts[flag]
    return text === undefined ? undefined : parsed(flag, parse(text))
  }
  const readAll = <T>(flag: ListFlagName, parse: (text: string) => Parsed<T>): T[] | undefined => {
    const values = texts[flag]?.map((text) => parsed(flag, parse(text)))
    return values?.filter((value) => value !== undefined)
  }
  const parsed = <T>(flag: string, result: Parsed<T>): T | undefined => {
    if (result.ok) return result.value
    problems.push(`--${flag}: ${result.problem}`)
    return undefined
  }
  const given = {
    latencyMs: read('latency', within(RANGES.latencyMs, ' ms', parseDurationMs)),
    jitterMs: read('jitter', within(RANGES.jitterMs, ' ms', parseDurationMs)),
    responseBytes: read('response-size', within(RANGES.responseBytes, ' bytes', parseSizeBytes)),
    firstTokenMs: read('first-token', within(RANGES.firstTokenMs, ' ms', parseDurationMs)),
    tokenIntervalMs: read('token-interval', within(RANGES.tokenIntervalMs, ' ms', parseDurationMs)),
    tokens: read('tokens', within(RANGES.tokens, '', parseInteger)),
    errorRate: read('error-rate', parseShare),
    errorStatus: read('error-status', within(RANGES.errorStatus, '', parseInteger)),
    resetRate: read('reset-rate', parseShare),
    hangRate: read('hang-rate', parseShare),
    cutRate: read('cut-rate', parseShare),
    port: read('port', within(RANGES.port, '', parseInteger)),
    host: read('host', parseHost),
    seed: read('seed', within(RANGES.seed, '', parseInteger)),
    failKeys: readAll('fail-key', parseFailKey),
    requireKeys: readAll('require-key', parseKey),
  }
  const config = { ...MOCK_DEFAULTS, ...withoutUndefined(given) }
  const latencyIsKnown = !problems.some((problem) => problem.startsWith('--latency'))
  if (latencyIsKnown && config.jitterMs > config.latencyMs) {
    problems.push(
      `--jitter: must not be above --latency (${config.latencyMs} ms), or delays would be negative; got ${config.jitterMs} ms`,
    )
  }
  const { errorRate, resetRate, hangRate, cutRate } = config
  const faultRate = Number((errorRate + resetRate + hangRate + cutRate).toPrecision(12))
  if (faultRate > 1) {
    problems.push(
      `--error-rate, --reset-rate, --hang-rate and --cut-rate: a request has one fault at most, so their sum must be at most 1; got ${faultRate}`,
    )
  }
  if (problems.length > 0) throw new MockUsageError(problems)
  return { config }
}

function parseHost(text: string): Parsed<string> {
  if (/^[\w.:-]+$/.test(text)) return { ok: true, value: text }
  return { ok: false, problem: `"${text}" is not an address; write 127.0.0.1, 0.0.0.0 or a host name` }
}

function parseKey(text: string): Parsed<string> {
  if (/^[\x21-\x7e]+$/.test(text)) return { ok: true, value: text }
  return { ok: false, problem: `"${text}" is not an API key; write visible ASCII characters, at least one` }
}

function parseFailKey(text: string): Parsed<{ key: string; status: number }> {
  // The last one, because a key may hold "=" itself.
  const at = text.lastIndexOf('=')
  const key = parseKey(text.slice(0, Math.max(0, at)))
  if (!key.ok) return { ok: false, problem: `"${text}" is not a key with a status; write it as sk-dead=401` }
  const status = within(RANGES.errorStatus, '', parseInteger)(text.slice(at + 1))
  return status.ok ? { ok: true, value: { key: key.value, status: status.value } } : status
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

// A spread would let what was not given, as undefined, win over the default.
function withoutUndefined<T extends object>(values: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>
}

function within({ minimum, maximum }: Range, unit: string, parse: (text: string) => Parsed<number>) {
  return (text: string): Parsed<number> => {
    const parsed = parse(text)
    if (!parsed.ok || (parsed.value >= minimum && parsed.value <= maximum)) return parsed
    const bound = parsed.value < minimum ? `at least ${minimum}` : `at most ${maximum}`
    return { ok: false, problem: `must be ${bound}${unit}, got ${parsed.value}${unit}` }
  }
}
