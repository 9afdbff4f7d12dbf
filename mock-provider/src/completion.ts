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

const MODEL_ROOM_BYTES = 64

/** The longest that every part but the model may become: an hour planned, ten hours given. */
const WIDEST: CompletionFacts = {
  sequence: Number.MAX_SAFE_INTEGER,
  delay: { plannedUs: 3_600_000_000, actualUs: 36_000_000_000 },
  createdSec: 9_999_999_999,
  model: '"'.repeat(MODEL_ROOM_BYTES),
  promptTokens: 99_999_999,
}

/** Below this a body of the shape has no room for a model of 64 bytes (as JSON) beside the longest id and counts. */
export function smallestBytes(shape: BodyShape): number {
  return (shape.before(WIDEST) + shape.after(WIDEST, 99_999_999, true)).length
}

/** The smallest size that every dialect has room for: that of OpenAI, whose envelope is the largest. */
export const SMALLEST_RESPONSE_BYTES = smallestBytes(CHAT_COMPLETION)

const FILLER_SENTENCE = 'The mock provider answers at length and says nothing, so that sizes and delays are known. '

/**
 * Composes bodies of one size and shape (OpenAI's `chat.completion`, or another dialect's), exact to the byte: the content
 * takes up the length that id, model and counts leave. All of it is ASCII, so that string length is byte length.
 */
export class CompletionTemplate {
  /** Longest model, as `asciiJson` gives it, that fits into every body. */
  readonly modelRoomBytes: number
  readonly #shape: BodyShape
  readonly #responseBytes: number
  readonly #completionTokens: number
  readonly #filler: string

  /** @param responseBytes at least SMALLEST_RESPONSE_BYTES */
  constructor(responseBytes: number, shape: BodyShape = CHAT_COMPLETION) {
    if (responseBytes < SMALLEST_RESPONSE_BYTES) {
      throw new RangeError(`responseBytes must be at least ${SMALLEST_RESPONSE_BYTES}, got ${responseBytes}`)
    }
    this.modelRoomBytes = MODEL_ROOM_BYTES + responseBytes - smallestBytes(shape)
    this.#shape = shape
    this.#responseBytes = responseBytes
    this.#completionTokens = estimateTokens(responseBytes)
    this.#filler = FILLER_SENTENCE.repeat(Math.ceil(responseBytes / FILLER_SENTENCE.length))
  }

  compose(facts: CompletionFacts): string {
    const { maxTokens = Infinity } = facts
    const capped = maxTokens < this.#completionTokens
    const before = this.#shape.before(facts)
    const after = this.#shape.after(facts, capped ? maxTokens : this.#completionTokens, capped)
    return before + this.#filler.slice(0, this.#responseBytes - before.length - after.length) + after
  }
}
