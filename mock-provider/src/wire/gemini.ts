import { asciiJson, CompletionTemplate, estimateTokens, type BodyShape } from '../completion.ts'
import type { StreamScript } from '../stream.ts'
import { geminiId, type MockDelay } from '../truth.ts'
import { geminiError } from './gemini-error.ts'
import type { GeminiRequest } from './gemini-request.ts'
import type { ToolCall } from './tool-call.ts'
import { streamLength, type StreamFacts, type Wire } from './wire.ts'

type FinishReason = 'STOP' | 'MAX_TOKENS'

// Google writes the id last. It is first here, so that whoever reads the beginning of a long answer finds the delay.
function beforePart(id: string, model: string): string {
  return `{"responseId":"${id}","modelVersion":${model},"candidates":[{"content":{"parts":[`
}

/** @param finishReason undefined while more is to come */
function afterPart(finishReason: FinishReason | undefined, promptTokens: number, outputTokens: number): string {
  const finish = finishReason ? `,"finishReason":"${finishReason}"` : ''
  return `],"role":"model"}${finish},"index":0}],"usageMetadata":{"promptTokenCount":${promptTokens},"candidatesTokenCount":${outputTokens},"totalTokenCount":${promptTokens + outputTokens}}}`
}

const TEXT_ANSWER: BodyShape = {
  before: ({ sequence, delay, model }) => `${beforePart(geminiId(sequence, delay), model)}{"text":"`,
  after: ({ promptTokens }, outputTokens, capped) =>
    `"}${afterPart(capped ? 'MAX_TOKENS' : 'STOP', promptTokens, outputTokens)}`,
}

const TEMPLATE = new CompletionTemplate(TEXT_ANSWER)

function functionCallPart({ name, argumentsJson }: ToolCall, sequence: number): string {
  return `{"functionCall":{"id":"call_${sequence}","name":${asciiJson(name)},"args":${argumentsJson}}}`
}

/** Generated content as Gemini gives it. Source: https://ai.google.dev/api/generate-content */
export const geminiWire: Wire<GeminiRequest> = {
  smallestBytes: ({ model, toolCall }) => (toolCall ? 0 : TEMPLATE.smallestBytes(model)),
  body({ model, promptTokens, maxTokens, toolCall }, facts) {
    const { sequence, delay, createdSec } = facts
    if (!toolCall) return TEMPLATE.compose({ sequence, delay, createdSec, model, promptTokens, maxTokens }, facts)
    const outputTokens = estimateTokens(toolCall.argumentsJson.length)
    const before = beforePart(geminiId(sequence, delay), model)
    // A call is a stop of the model's own: there is no finish reason for it.
    return before + functionCallPart(toolCall, sequence) + afterPart('STOP', promptTokens, outputTokens)
  },
  stream: (request, facts) => (request.stream ? new GeminiStream(request, facts) : undefined),
  error: geminiError,
}

/** What stands around the answers of a stream. */
interface Framing {
  contentType: string
  first: string
  next: string
  after: string
  end: string
}

// With Google's line ends. No event follows the last answer: what ends the stream is its finish reason.
const EVENTS: Framing = {
  contentType: 'text/event-stream',
  first: 'data: ',
  next: 'data: ',
  after: '\r\n\r\n',
  end: '',
}
const ARRAY: Framing = { contentType: 'application/json', first: '[', next: ',\r\n', after: '', end: ']' }

/**
 * Each chunk is an answer of its own, with the tokens up to here; the last one has the finish reason. A function call is
 * never in pieces. Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
 */
class GeminiStream implements StreamScript {
  readonly contentType: string
  readonly chunks: number
  readonly #request: GeminiRequest
  readonly #sequence: number
  readonly #framing: Framing
  readonly #tokensPerChunk: number
  readonly #outputTokens: number
  readonly #finishReason: FinishReason
  /** Undefined for a stream of text. */
  readonly #callPart: string | undefined
  #beforePart = ''

  constructor(request: GeminiRequest, facts: StreamFacts) {
    const { toolCall, sse } = request
    const { tokens, chunks, capped } = streamLength(request, facts)
    this.#request = request
    this.#sequence = facts.sequence
    this.#framing = sse ? EVENTS : ARRAY
    this.contentType = this.#framing.contentType
    this.chunks = toolCall ? 1 : chunks
    this.#tokensPerChunk = facts.tokensPerChunk
    this.#outputTokens = toolCall ? estimateTokens(toolCall.argumentsJson.length) : tokens
    this.#finishReason = capped && !toolCall ? 'MAX_TOKENS' : 'STOP'
    this.#callPart = toolCall && functionCallPart(toolCall, facts.sequence)
  }

  begin(delay: MockDelay): string {
    this.#beforePart = beforePart(geminiId(this.#sequence, delay), this.#request.model)
    return ''
  }

  chunk(index: number, text: string): string {
    const { first, next, after } = this.#framing
    const part = this.#callPart ?? `{"text":"${text}"}`
    const isLast = index === this.chunks - 1
    const outputTokens = isLast ? this.#outputTokens : (index + 1) * this.#tokensPerChunk
    const rest = afterPart(isLast ? this.#finishReason : undefined, this.#request.promptTokens, outputTokens)
    return (index === 0 ? first : next) + this.#beforePart + part + rest + after
  }

  end(): string {
    return this.#framing.end
  }
}
