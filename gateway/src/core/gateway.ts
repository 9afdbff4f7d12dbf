import { ConfigError, type GatewayConfigFile, parseConfig } from '../config.ts'
import { CallContext } from './call-context.ts'
import { type ErrorBody, GatewayError, type GatewayErrorCode, gatewayErrorBody, NO_ORIGIN } from './errors.ts'
import { type FailureRecord, Pipeline } from './pipeline.ts'
import type { ChatRequest, EmbeddingRequest } from './providers/provider.ts'

export {
  ConfigError,
  type GatewayConfigFile,
  type ChatRequest,
  type EmbeddingRequest,
  type ErrorBody,
  type FailureRecord,
}

/** An answer in OpenAI's shape, with the gateway's `extra_fields`; the members named here are always there. */
export interface ChatCompletion {
  id: string
  choices: { index: number; message: { role: string; content: string | null }; finish_reason: string }[]
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
  extra_fields: { provider: string; resolved_model: string; request_type: string; latency: number }
  [member: string]: unknown
}

/** One event of a stream, in OpenAI's shape. */
export interface ChatCompletionChunk {
  id: string
  choices: { index: number; delta: { content?: string | null }; finish_reason: string | null }[]
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null
  [member: string]: unknown
}

/** An answer in OpenAI's shape. */
export interface Embeddings {
  data: { index: number; embedding: number[] | string }[]
  [member: string]: unknown
}

export interface CallOptions {
  /** Ends the request at once, wherever it is; the call then throws the signal's reason. */
  signal?: AbortSignal
  /** Values of the configured `prometheus_labels`. */
  labels?: Readonly<Record<string, string>>
}

export interface GatewayOptions {
  /** Where `env.NAME` values of the configuration come from. @default process.env */
  env?: Readonly<Record<string, string | undefined>>
  /** In [0, 1); chooses among weighted keys and spreads the waits before retries. @default Math.random */
  random?: () => number
  /** Hears of every request that failed. */
  onFailure?: (failure: FailureRecord) => void
}

/** A request that was not answered with success; `body` is what a caller over HTTP would have seen. */
export class GatewayRequestError extends Error {
  /** HTTP status: 400 to 599. */
  readonly status: number
  /** Stable for the gateway's own errors, see GATEWAY_ERRORS; of a provider's, what it calls it. */
  readonly code: string | null
  readonly body: ErrorBody

  constructor(body: ErrorBody) {
    super(body.error.message)
    this.name = 'GatewayRequestError'
    this.status = body.status_code
    this.code = body.error.code
    this.body = body
  }
}

/** So many chunks wait for a slow reader before the provider is made to wait. */
const CHUNKS_AHEAD = 16

/**
 * The gateway inside a program of yours: queues, keys, retries, fallbacks and connections, without HTTP in front.
 *
 * @example
 * const gateway = new Gateway({ providers: { openai: { keys: [{ value: 'env.OPENAI_API_KEY' }] } } })
 * const answer = await gateway.chatCompletion({ model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] })
 * console.log(answer.choices[0]?.message.content)
 * await gateway.close()
 */
export class Gateway {
  private readonly pipeline: Pipeline<CallContext>
  /** Ends of the calls that run. */
  private readonly running = new Set<(reason: Error) => void>()
  private closed = false

  /**
   * @param config in the shape of config.json
   * @throws ConfigError with every problem
   */
  constructor(config: GatewayConfigFile, { env = process.env, random, onFailure }: GatewayOptions = {}) {
    const parsed = parseConfig(config, env)
    if (parsed.config.requestLog) throw new ConfigError(['request_log: only the program keeps one; leave it out'])
    this.pipeline = new Pipeline(parsed.config, {
      createContext: () => new CallContext(),
      ...(random && { random }),
      ...(onFailure && { onFailure }),
    })
  }

  /** Opens the connections of `open_ahead` before the first request. Resolves with what could not be opened. */
  start(): Promise<string[]> {
    return this.pipeline.start()
  }

  /** @throws GatewayRequestError, or the signal's reason */
  chatCompletion(request: ChatRequest, options: CallOptions = {}): Promise<ChatCompletion> {
    const { stream: _streamed, ...whole } = request
    return this.call('chat_completion', whole, options) as Promise<ChatCompletion>
  }

  /** @throws GatewayRequestError, or the signal's reason */
  embeddings(request: EmbeddingRequest, options: CallOptions = {}): Promise<Embeddings> {
    return this.call('embedding', request, options) as Promise<Embeddings>
  }

  /**
   * The answer's chunks as they arrive. A loop that is left early ends the request at the provider, and a loop that is
   * slow makes the provider wait.
   *
   * @throws GatewayRequestError, or the signal's reason: before the first chunk, or after some
   *
   * @example
   * for await (const chunk of gateway.stream({ model: 'openai/gpt-4o-mini', messages })) {
   *   process.stdout.write(chunk.choices[0]?.delta.content ?? '')
   * }
   */
  async *stream(request: ChatRequest, options: CallOptions = {}): AsyncGenerator<ChatCompletionChunk, void, undefined> {
    const { signal } = options
    const chunks: unknown[] = []
    let end: { error?: unknown } | undefined
    let settled = false
    let wake: (() => void) | undefined
    const context = this.admit('chat_completion', options)
    const finish = (error?: unknown): void => {
      forget()
      end ??= error === undefined ? {} : { error }
      wake?.()
    }
    context.attach({
      settled: (status, reply) => {
        settled = true
        finish(status === 200 ? undefined : requestError(status, reply))
      },
      chunk: (chunk) => {
        if (isErrorBody(chunk)) finish(new GatewayRequestError(chunk))
        else chunks.push(chunk)
        wake?.()
        return chunks.length < CHUNKS_AHEAD
      },
      cutOff: () => {
        finish(ownError('stream_idle_timeout', 'nothing of the stream was taken for the idle limit'))
      },
      unreadable: () => {
        finish(ownError('upstream_invalid_response', 'the provider sent a chunk that is not JSON'))
        // Not here: the pipeline is at work on this very request.
        queueMicrotask(() => {
          if (!settled) this.pipeline.abandon(context)
        })
      },
    })
    const quit = (reason: Error): void => {
      if (end) return
      chunks.length = 0
      finish(reason)
      this.pipeline.abandon(context)
    }
    const forget = this.remember(quit, signal)
    this.pipeline.serve(context, { ...request, stream: true })
    try {
      for (;;) {
        while (chunks.length > 0) {
          yield chunks.shift() as ChatCompletionChunk
          if (end === undefined && chunks.length < CHUNKS_AHEAD) this.pipeline.resume(context)
        }
        if (end?.error !== undefined) throw end.error as Error
        if (end) return
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      if (end === undefined) {
        finish()
        this.pipeline.abandon(context)
      }
    }
  }

  /**
   * Takes no further calls, waits for those that run, closes every connection.
   * @param limitMs after this long the rest is ended too: those calls throw GatewayRequestError `shutting_down`
   */
  async close(limitMs = 30_000): Promise<void> {
    this.closed = true
    const giveUpAt = performance.now() + limitMs
    while (this.pipeline.contexts.inUse > 0 && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    for (const quit of this.running) quit(ownError('shutting_down', 'the gateway was closed while the call ran'))
    this.pipeline.close()
  }

  private call(operation: 'chat_completion' | 'embedding', request: unknown, options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const context = this.admit(operation, options)
      const quit = (reason: Error): void => {
        forget()
        this.pipeline.abandon(context)
        reject(reason)
      }
      const forget = this.remember(quit, options.signal)
      context.attach({
        settled: (status, reply) => {
          forget()
          if (status >= 200 && status < 300) resolve(JSON.parse(reply))
          else reject(requestError(status, reply))
        },
        // Those are of streams.
        chunk: () => true,
        cutOff: () => undefined,
        unreadable: () => undefined,
      })
      this.pipeline.serve(context, request)
    })
  }

  /** The signal, or the closing of the gateway, ends the call; what is returned ends that. */
  private remember(quit: (reason: Error) => void, signal: AbortSignal | undefined): () => void {
    const onAbort = (): void => {
      quit(signal!.reason as Error)
    }
    signal?.addEventListener('abort', onAbort)
    this.running.add(quit)
    return () => {
      signal?.removeEventListener('abort', onAbort)
      this.running.delete(quit)
    }
  }

  private admit(operation: 'chat_completion' | 'embedding', { signal, labels }: CallOptions): CallContext {
    if (this.closed) throw new Error('the gateway is closed')
    signal?.throwIfAborted()
    const { traffic, config } = this.pipeline
    const context = this.pipeline.admit(operation)
    if (labels) context.labels = traffic.labelSet(config.prometheusLabels.map((name) => labels[name] ?? ''))
    return context
  }
}

function requestError(status: number, reply: string): Error {
  const body: unknown = reply === '' ? undefined : JSON.parse(reply)
  return isErrorBody(body) ? new GatewayRequestError(body) : new Error(`the request ended with status ${status}`)
}

function ownError(code: GatewayErrorCode, message: string): GatewayRequestError {
  return new GatewayRequestError(gatewayErrorBody(new GatewayError(code, message), NO_ORIGIN))
}

function isErrorBody(value: unknown): value is ErrorBody {
  if (typeof value !== 'object' || value === null || !('is_gateway_error' in value) || !('error' in value)) return false
  const { error } = value
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
}
