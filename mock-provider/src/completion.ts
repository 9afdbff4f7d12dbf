import { completionId, type MockDelay } from './truth.ts'

/** What an answer's body is made from. */
export interface CompletionFacts {
  sequence: number
  delay: MockDelay
  /** Unix time, seconds. */
  createdSec: number
  /** From `modelJson`. */
  model: string
  promptTokens: number
}

/** English text in OpenAI's tokenizers comes to about four characters a token. */
const CHARS_PER_TOKEN = 4

/** The model's name as an ASCII JSON string: what a parser reads from it is the name as requested. */
export function modelJson(model: string): string {
  return JSON.stringify(model).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Tokens that text of so many characters comes to, about. */
export function estimateTokens(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN)
}

function beforeContent({ sequence, delay, createdSec, model }: CompletionFacts): string {
  return `{"id":"${completionId(sequence, delay)}","object":"chat.completion","created":${createdSec},"model":${model},"choices":[{"index":0,"message":{"role":"assistant","content":"`
}

function afterContent({ promptTokens }: CompletionFacts, completionTokens: number): string {
  return `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}}`
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

/** Below this a body has no room for a model of 64 bytes (as JSON) beside the longest id and counts. */
export const SMALLEST_RESPONSE_BYTES = (beforeContent(WIDEST) + afterContent(WIDEST, 99_999_999)).length

const FILLER_SENTENCE = 'The mock provider answers at length and says nothing, so that sizes and delays are known. '

/**
 * Composes bodies of one size in OpenAI's `chat.completion` shape, exact to the byte: the content takes up the length
 * that id, model and counts leave. All of it is ASCII, so that string length is byte length.
 */
export class CompletionTemplate {
  /** Longest `modelJson` that fits into every body. */
  readonly modelRoomBytes: number
  readonly #responseBytes: number
  readonly #completionTokens: number
  readonly #filler: string

  /** @param responseBytes at least SMALLEST_RESPONSE_BYTES */
  constructor(responseBytes: number) {
    if (responseBytes < SMALLEST_RESPONSE_BYTES) {
      throw new RangeError(`responseBytes must be at least ${SMALLEST_RESPONSE_BYTES}, got ${responseBytes}`)
    }
    this.modelRoomBytes = MODEL_ROOM_BYTES + responseBytes - SMALLEST_RESPONSE_BYTES
    this.#responseBytes = responseBytes
    this.#completionTokens = estimateTokens(responseBytes)
    this.#filler = FILLER_SENTENCE.repeat(Math.ceil(responseBytes / FILLER_SENTENCE.length))
  }

  compose(facts: CompletionFacts): string {
    const before = beforeContent(facts)
    const after = afterContent(facts, this.#completionTokens)
    return before + this.#filler.slice(0, this.#responseBytes - before.length - after.length) + after
  }
}
