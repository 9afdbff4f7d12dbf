import { completionId, type MockDelay } from './truth.ts'

/** What an answer's body is made from. */
export interface CompletionFacts {
  sequence: number
  delay: MockDelay
  /** Unix time, seconds. */
  createdSec: number
  /** As `asciiJson` gives it. */
  model: string
  promptTokens: number
  /** Cap on the tokens of the answer, as the request has it; undefined for none. */
  maxTokens?: number | undefined
}

/** How long a body is to be. */
export interface BodySize {
  /** The whole body, exact; undefined for as much as its tokens need. */
  responseBytes: number | undefined
  /** Tokens of the answer where its bytes do not decide that. */
  tokens: number
}

/** One dialect's answer in plain text, around its content. All of it ASCII. */
export interface BodyShape {
  before(facts: CompletionFacts): string
  /** @param capped whether maxTokens is what ended the answer */
  after(facts: CompletionFacts, completionTokens: number, capped: boolean): string
}

/** English text in OpenAI's tokenizers comes to about four characters a token. */
const CHARS_PER_TOKEN = 4

/** JSON in ASCII alone, so that string length is byte length: what a parser reads from it is the value. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Tokens that text of so many characters comes to, about. */
export function estimateTokens(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN)
}

const CHAT_COMPLETION: BodyShape = {
  before: ({ sequence, delay, createdSec, model }) =>
    `{"id":"${completionId(sequence, delay)}","object":"chat.completion","created":${createdSec},"model":${model},"choices":[{"index":0,"message":{"role":"assistant","content":"`,
  after: ({ promptTokens }, completionTokens, capped) =>
    `","refusal":null},"logprobs":null,"finish_reason":"${capped ? 'length' : 'stop'}"}],"usage":{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}}`,
}

/** The longest that every part but the model may become: an hour planned, ten hours given. */
const WIDEST: CompletionFacts = {
  sequence: Number.MAX_SAFE_INTEGER,
  delay: { plannedUs: 3_600_000_000, actualUs: 36_000_000_000 },
  createdSec: 9_999_999_999,
  model: '',
  promptTokens: 99_999_999,
}

const FILLER_SENTENCE = 'The mock provider answers at length and says nothing, so that sizes and delays are known. '
let filler = FILLER_SENTENCE

/** Text of so many characters. */
function fillerText(chars: number): string {
  while (filler.length < chars) filler += filler
  return filler.slice(0, chars)
}

/**
 * Composes bodies of one shape (OpenAI's `chat.completion`, or another dialect's), exact to the byte: the content takes
 * up the length that id, model and counts leave. All of it is ASCII, so that string length is byte length.
 */
export class CompletionTemplate {
  readonly #shape: BodyShape
  readonly #envelopeBytes: number

  constructor(shape: BodyShape = CHAT_COMPLETION) {
    this.#shape = shape
    this.#envelopeBytes = (shape.before(WIDEST) + shape.after(WIDEST, 99_999_999, true)).length
  }

  /** The least that a body for this model (as `asciiJson` gives it) may be asked to be: room for the longest id and counts. */
  smallestBytes(model: string): number {
    return this.#envelopeBytes + model.length
  }

  /** @param size its bytes not below `smallestBytes` of the model */
  compose(facts: CompletionFacts, { responseBytes, tokens }: BodySize): string {
    const { maxTokens = Infinity } = facts
    const wantedTokens = responseBytes === undefined ? tokens : estimateTokens(responseBytes)
    const capped = maxTokens < wantedTokens
    const completionTokens = capped ? maxTokens : wantedTokens
    const before = this.#shape.before(facts)
    const after = this.#shape.after(facts, completionTokens, capped)
    const chars =
      responseBytes === undefined ? completionTokens * CHARS_PER_TOKEN : responseBytes - before.length - after.length
    return before + fillerText(chars) + after
  }
}

const MODEL_ROOM_BYTES = 64

/** The smallest size that may be asked for: OpenAI's chat completion with a model of 64 bytes (as JSON). */
export const SMALLEST_RESPONSE_BYTES = new CompletionTemplate().smallestBytes('"'.repeat(MODEL_ROOM_BYTES))
