import { utf8AsLatin1 } from '../latin1.ts'
import { eventData, eventObject } from './event-data.ts'
import type { StreamFailure, StreamRequest, StreamTranslator } from './provider.ts'
import { failureEvent, streamFailure } from './stream-failure.ts'
import { tokens } from './tokens.ts'

export const DONE_EVENT = 'data: [DONE]\n\n'

/**
 * Matches a chunk that has to be parsed: usage, an error, or the end of a choice. Inside a JSON text a quote is always
 * escaped, so what a model writes cannot match; and `null`, which most chunks say of all three, does not.
 */
const NOTEWORTHY = /"(?:usage|error|finish_reason)"(?!\s*:\s*null)/

/** What errors inside streams are called, here and at compatible servers. */
const STATUS_OF_ERROR: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['BadRequestError', 400],
  ['context_length_exceeded', 400],
  ['authentication_error', 401],
  ['invalid_api_key', 401],
  ['insufficient_quota', 429],
  ['permission_error', 403],
  ['permission_denied', 403],
  ['not_found_error', 404],
  ['rate_limit', 429],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['tokens', 429],
  ['requests', 429],
  ['server_error', 500],
  ['overloaded', 503],
  ['overloaded_error', 503],
  ['service_unavailable', 503],
  ['timeout', 504],
])

/**
 * Relays a stream that is in the caller's protocol already: events pass as they are, and only what the gateway must know
 * is looked at. Where OpenAI sends `[DONE]` and some compatible servers do not, a stream whose choices all have their
 * `finish_reason` ends properly too.
 */
export class OpenAiStream implements StreamTranslator {
  done = false
  failure: StreamFailure | undefined = undefined
  inputTokens = 0
  outputTokens = 0
  private readonly choices: number
  private readonly finished = new Set<unknown>()

  constructor(request: StreamRequest) {
    this.choices = request.choices ?? 1
  }

  translate(event: string): string {
    if (this.done || this.failure) return ''
    // What nearly every event starts with; the rest takes the way by its lines.
    if (event.startsWith('data: {')) return NOTEWORTHY.test(event) ? this.read(event, eventData(event)!) : event
    const data = eventData(event)
    if (data === undefined) return event
    const trimmed = data.trim()
    if (trimmed === '[DONE]') {
      this.done = true
      return event
    }
    // A keep-alive to some servers, invalid JSON to the official clients.
    if (trimmed === '') return ''
    if (!trimmed.startsWith('{')) throw new SyntaxError('the event holds neither a JSON object nor [DONE]')
    return NOTEWORTHY.test(data) ? this.read(event, data) : event
  }

  end(): string {
    if (this.done || this.failure || this.finished.size < this.choices) return ''
    this.done = true
    return DONE_EVENT
  }

  private read(event: string, data: string): string {
    const chunk = eventObject(data)
    this.count(chunk)
    if (Array.isArray(chunk.choices)) {
      for (const choice of chunk.choices as ({ index?: unknown; finish_reason?: unknown } | null)[]) {
        if (typeof choice?.finish_reason === 'string') this.finished.add(choice.index ?? 0)
      }
    }
    const error = errorOf(chunk)
    if (!error) return event
    this.failure = streamFailure(error, STATUS_OF_ERROR)
    return error === chunk.error ? event : utf8AsLatin1(failureEvent(this.failure))
  }

  private count(chunk: Record<string, unknown>): void {
    // Groq reports usage unasked, in a member of its own.
    const own = chunk.x_groq as { usage?: unknown } | null | undefined
    const usage = (chunk.usage ?? own?.usage) as
      { prompt_tokens?: unknown; completion_tokens?: unknown } | null | undefined
    this.inputTokens = tokens(usage?.prompt_tokens, this.inputTokens)
    this.outputTokens = tokens(usage?.completion_tokens, this.outputTokens)
  }
}

/** `{"error": {...}}` as OpenAI writes it; `{"error": "text"}` and `{"object": "error", ...}` at compatible servers. */
function errorOf(chunk: Record<string, unknown>): Record<string, unknown> | undefined {
  if (typeof chunk.error === 'string') return { message: chunk.error }
  if (typeof chunk.error === 'object' && chunk.error !== null) return chunk.error as Record<string, unknown>
  return chunk.object === 'error' ? chunk : undefined
}
