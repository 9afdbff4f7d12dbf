/** What a caller asks for; also `request_type` in answers, metrics and the request log. */
export type RequestType = 'chat_completion' | 'chat_completion_stream' | 'embedding'

/** A request body as callers send it: only what the gateway itself looks at; everything else passes through. */
export interface GatewayRequest {
  model: string
  provider?: unknown
  fallbacks?: unknown
  [parameter: string]: unknown
}

/** A chat completion in OpenAI's shape. */
export interface ChatRequest extends GatewayRequest {
  messages: unknown[]
  stream?: unknown
}

/** `POST /v1/embeddings` in OpenAI's shape. */
export interface EmbeddingRequest extends GatewayRequest {
  input: unknown
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
  requestType: RequestType
}

/** An error that a provider reports inside a stream, where there is no status line any more. */
export interface StreamFailure {
  /** The HTTP status that the provider would have answered with at the start, 400 to 599: retries are decided by it. */
  status: number
  type: string
  code: string | null
  message: string
}

/**
 * Turns one provider's stream of events into OpenAI's, event by event, without holding any back. Made anew for each
 * stream; it may keep state from event to event.
 */
export interface StreamTranslator {
  /**
   * Takes one whole event as latin1 text (a character a byte), the blank line at its end included, and returns what
   * the caller gets for it: no, one or several whole events, latin1 again.
   *
   * @throws SyntaxError when the event is not what the provider's protocol has
   */
  translate(event: string): string
  /**
   * The provider has closed its answer properly: what the caller still gets, latin1 again. Where only the last event was
   * left out it is made up for, and `done` is true afterwards; where `done` stays false the answer was cut short.
   */
  end(): string
  /** The event that ends a stream properly has come; a connection that ends before it has broken. */
  readonly done: boolean
  /** Set by the event that reports an error. What `translate` returns for that event is an error in OpenAI's shape. */
  readonly failure: StreamFailure | undefined
  /** As the provider has reported so far; 0 when it has not. */
  readonly inputTokens: number
  readonly outputTokens: number
}

/**
 * One operation in a provider's own terms: the request from OpenAI's shape, the answer back to it. Each method is one
 * stage, so that each can be timed, and each is pure.
 *
 * @example
 * const body = prepareBody(model, formatMessages(request), prepareParams(request))
 */
export interface Operation<Request extends GatewayRequest = GatewayRequest> {
  /** @throws GatewayError `invalid_request` naming what the provider has no form for */
  formatMessages(request: Request): unknown
  /** @throws GatewayError `invalid_request` naming what the provider has no form for */
  prepareParams(request: Request): Record<string, unknown>
  /** @param model the provider's own name for it */
  prepareBody(model: string, messages: unknown, params: Record<string, unknown>): Record<string, unknown>
  /** @throws SyntaxError when the bytes are not the provider's answer to this operation */
  parseAnswer(bytes: Buffer, extra: ExtraFields): ParsedAnswer
}

/** What a stream's translator needs to know of the request. */
export interface StreamRequest {
  /** As the caller named it: what the chunks say where the provider's do not. */
  model: string
  /** The caller asked for the usage in a last chunk (`stream_options.include_usage`). */
  includeUsage: boolean
  /** How many choices the caller asked for (`n`). @default 1 */
  choices?: number
}

/** Speaks one provider's protocol. Adapters are stateless and shared; a provider is an adapter and a configuration. */
export interface ProviderAdapter {
  /**
   * Path and query behind the base URL, percent-encoded.
   * @param model the provider's own name for it: a deployment, where it has those
   * @throws GatewayError `invalid_request` when no path can name the model
   */
  path(type: RequestType, model: string, options: EndpointOptions): string
  /** Headers that carry the key, and those that the protocol demands; without a key when `secret` is empty. */
  headers(secret: string): readonly (readonly [name: string, value: string])[]
  readonly chat: Operation<ChatRequest>
  readonly openStream: (request: StreamRequest) => StreamTranslator
  /** Absent when the provider has none. */
  readonly embeddings?: Operation<EmbeddingRequest>
}

/** Settings of a configured provider that its paths depend on. */
export interface EndpointOptions {
  /** Azure's `api-version`. @default '2024-10-21' */
  apiVersion?: string
}
