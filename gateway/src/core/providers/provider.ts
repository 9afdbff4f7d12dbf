/** A chat completion as callers send it: only what the gateway itself looks at; everything else passes through. */
export interface ChatRequest {
  model: string
  messages: unknown[]
  provider?: unknown
  stream?: unknown
  fallbacks?: unknown
  [parameter: string]: unknown
}

/** The parts of an answer that the gateway looks at. */
export interface ParsedAnswer {
  /** The answer to the caller, its bytes as latin1 text: one character a byte, whatever they encode. */
  reply: string
  inputTokens: number
  outputTokens: number
}

/** What the gateway adds to an answer. */
export interface ExtraFields {
  provider: string
  resolvedModel: string
  latencyMs: number
  requestType: string
}

/**
 * Translates between OpenAI's chat completions and one provider's own. Each method is one stage, so that each can be
 * timed, and each is pure.
 */
export interface ProviderAdapter {
  /** Path behind the base URL. */
  readonly chatPath: string
  /** The header that carries the key. */
  authHeader(secret: string): [name: string, value: string]
  formatMessages(request: ChatRequest): unknown
  prepareParams(request: ChatRequest): Record<string, unknown>
  prepareBody(model: string, messages: unknown, params: Record<string, unknown>): Record<string, unknown>
  /** JSON as text; it becomes bytes together with the head, as it is written. */
  marshal(body: Record<string, unknown>): string
  /** @throws SyntaxError when the bytes are not a JSON object */
  parseAnswer(bytes: Buffer, extra: ExtraFields): ParsedAnswer
}
