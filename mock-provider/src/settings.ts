import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { parseDistribution, type Distribution, type Quantity } from './distribution.ts'
import { parseOverTime } from './over-time.ts'
import {
  parseBoolean,
  parseDurationMs,
  parseInteger,
  parseShare,
  parseSizeBytes,
  within,
  type Parsed,
} from './units.ts'
import { parseErrorRates, parseFailKeys, parseHost, parseKeys } from './written-values.ts'

/** An hour: beyond any answer's delay, and its microseconds fit the room that the completion id leaves them. */
const LONGEST_MS = 3_600_000
const LARGEST_RESPONSE_BYTES = 64 * 1_048_576
const MOST_TOKENS = 1_000_000

const DELAY: Quantity = { parse: parseDurationMs, minimum: 0, maximum: LONGEST_MS, scale: 1_000, unit: ' ms' }
const TOKENS: Quantity = { parse: parseInteger, minimum: 1, maximum: MOST_TOKENS, scale: 1, unit: '' }
const SIZE: Quantity = {
  parse: parseSizeBytes,
  minimum: SMALLEST_RESPONSE_BYTES,
  maximum: LARGEST_RESPONSE_BYTES,
  scale: 1,
  unit: ' bytes',
}

/** One thing about the mock that can be set: by a flag, an environment variable, the file, or over HTTP. */
export interface Setting<T> {
  /** What is written behind the flag, for the help. */
  readonly value: string
  readonly help: string
  /** As written; undefined for none. */
  readonly default: unknown
  /** Reads what was written: text, or the JSON of the file. */
  readonly read: (written: unknown) => Parsed<T>
  /** Written several times as a flag, once for each member. */
  readonly isList?: boolean
}

/** Reads a text; a number of the file is taken as its text. */
function scalar<T>(parse: (text: string) => Parsed<T>): (written: unknown) => Parsed<T> {
  return (written) => {
    if (typeof written === 'string' || typeof written === 'number' || typeof written === 'boolean') {
      return parse(String(written))
    }
    return { ok: false, problem: `${JSON.stringify(written)} is neither a text nor a number` }
  }
}

const distribution =
  (quantity: Quantity) =>
  (written: unknown): Parsed<Distribution> =>
    parseDistribution(written, quantity)

/** A size is exact, or as large as the answer's tokens need. */
function readResponseSize(written: unknown): Parsed<Distribution | 'tokens'> {
  return written === 'tokens' ? { ok: true, value: 'tokens' } : parseDistribution(written, SIZE)
}

const duration = scalar(within({ minimum: 0, maximum: LONGEST_MS }, ' ms', parseDurationMs))
const share = scalar(parseShare)
const count = (minimum: number, maximum: number) => scalar(within({ minimum, maximum }, '', parseInteger))

const setting = <T>(
  value: string,
  fallback: unknown,
  read: (written: unknown) => Parsed<T>,
  help: string,
): Setting<T> => ({ value, default: fallback, read, help })

/** Settings of answers: they may change while the mock runs, and be set for a model or an API key alone. */
export const ANSWER_SETTINGS = {
  latency: setting('<delay>', 0, distribution(DELAY), 'delay of every answer'),
  jitter: setting('<duration>', 0, duration, 'uniform spread: a delay is latency +- jitter'),
  latencyPerPromptToken: setting('<duration>', 0, duration, 'added to each delay for every token of the prompt'),
  latencyOverTime: setting('<factors>', '', scalar(parseOverTime), 'factors on delays over time: step, ramp, spike'),
  servers: setting(
    '<n>',
    0,
    count(0, 1_000_000),
    'answers worked on at once, others wait their turn; 0 for any number',
  ),
  responseSize: setting('<size>', 1_370, readResponseSize, 'whole body of an answer, exact to the byte, or "tokens"'),
  firstToken: setting(
    '<delay>',
    undefined,
    distribution(DELAY),
    'delay of the first chunk of a stream (default: as --latency and --jitter say)',
  ),
  tokenInterval: setting('<delay>', 0, distribution(DELAY), 'time from token to token of a stream'),
  tokens: setting(
    '<count>',
    20,
    distribution(TOKENS),
    'tokens of a stream, and of answers with --response-size tokens',
  ),
  tokensPerChunk: setting('<n>', 1, count(1, MOST_TOKENS), 'tokens that come together in one chunk of a stream'),
  errorRate: setting('<share>', 0, share, 'share of requests answered with an error'),
  errorStatus: setting('<status>', 500, count(400, 599), 'status of those errors, 429 with Retry-After'),
  errorRates: setting('<shares>', '', parseErrorRates, 'shares by status: 429=1%,503=0.5%'),
  retryAfter: setting('<duration>', '1s', duration, 'Retry-After of errors with 429, in whole seconds'),
  resetRate: setting('<share>', 0, share, 'share of requests whose connection is reset'),
  hangRate: setting('<share>', 0, share, 'share of requests that are never answered'),
  cutRate: setting('<share>', 0, share, 'share of answers that are cut off in the middle'),
  stallRate: setting('<share>', 0, share, 'share of answers that stall in the middle'),
  stall: setting('<duration>', '5s', duration, 'how long they stall'),
  slowHeadersRate: setting('<share>', 0, share, 'share of answers whose headers come piece by piece'),
  slowHeaders: setting('<duration>', '5s', duration, 'how long those headers take'),
  truncateRate: setting('<share>', 0, share, 'share of answers whose JSON ends in the middle'),
  garbleRate: setting('<share>', 0, share, 'share of answers with JSON that does not parse'),
  closeRate: setting('<share>', 0, share, 'share of answers whose connection closes afterwards, unannounced'),
  requestsPerMinute: setting(
    '<n>',
    undefined,
    count(1, 1_000_000_000),
    'more by one API key get 429 (default: no limit)',
  ),
  tokensPerMinute: setting('<n>', undefined, count(1, 1_000_000_000), 'the same for tokens (default: no limit)'),
} satisfies Record<string, Setting<unknown>>

/** Settings that may change while the mock runs, besides those of answers. */
export const RUNNING_SETTINGS = {
  refuseConnections: setting('<bool>', false, scalar(parseBoolean), 'whether new connections are refused'),
  refuseRate: setting('<share>', 0, share, 'share of new connections that are reset at once'),
  failKeys: {
    ...setting('<key=status>', [], parseFailKeys, 'requests with this API key get this status at once; repeatable'),
    isList: true,
  },
  requireKeys: {
    ...setting('<key>', [], parseKeys, 'refuse other API keys with 401; repeatable (default: any key goes)'),
    isList: true,
  },
  seed: setting('<n>', 1, count(0, 0xffff_ffff), 'seed of everything that is drawn'),
} satisfies Record<string, Setting<unknown>>

/** Settings that are decided when the mock starts. */
export const START_SETTINGS = {
  port: setting('<n>', 8_001, count(0, 65_535), 'port to listen on, 0 for any free one'),
  host: setting('<address>', '127.0.0.1', scalar(parseHost), 'address to listen on'),
  workers: setting('<n>', 1, count(1, 64), 'processes that answer, each with its own draws, servers and limits'),
  bodyLimit: setting(
    '<size>',
    '10MiB',
    scalar(within({ minimum: 1_024, maximum: 1_073_741_824 }, ' bytes', parseSizeBytes)),
    'largest request body',
  ),
  adminKey: setting(
    '<key>',
    undefined,
    scalar(parseAdminKey),
    'API key that /admin asks for (default: none, and callers of this machine alone)',
  ),
} satisfies Record<string, Setting<unknown>>

function parseAdminKey(text: string): Parsed<string> {
  const keys = parseKeys([text])
  return keys.ok ? { ok: true, value: text } : keys
}

type ValuesOf<Table> = { [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never }

export type AnswerSettingName = keyof typeof ANSWER_SETTINGS

type Optional = 'firstToken' | 'requestsPerMinute' | 'tokensPerMinute' | 'adminKey'
type WithOptional<T> = Omit<T, Optional> & Partial<Pick<T, Optional & keyof T>>

/** The settings of answers, read. */
export type AnswerValues = WithOptional<ValuesOf<typeof ANSWER_SETTINGS>>
export type RunningValues = ValuesOf<typeof RUNNING_SETTINGS>
export type StartValues = WithOptional<ValuesOf<typeof START_SETTINGS>>

/** Every setting of the tables, by name. */
export const TABLE: Readonly<Record<string, Setting<unknown>>> = {
  ...ANSWER_SETTINGS,
  ...RUNNING_SETTINGS,
  ...START_SETTINGS,
}

/** Their defaults as they are written, where there are any. */
export const TABLE_DEFAULTS: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(TABLE).flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
)

/** What the numbers of a drawn setting are, by its name. */
export const QUANTITIES: Readonly<Partial<Record<string, Quantity>>> = {
  latency: DELAY,
  firstToken: DELAY,
  tokenInterval: DELAY,
  tokens: TOKENS,
  responseSize: SIZE,
}
