import type { GatewayConfig, KeyConfig } from '../config.ts'
import { type BatchMeans, measureBatchMeans } from './batch-measure.ts'
import {
  GATEWAY_ERRORS,
  GatewayError,
  gatewayErrorBody,
  providerErrorBody,
  REQUEST_TYPE,
  upstreamError,
} from './errors.ts'
import { utf8AsLatin1 } from './latin1.ts'
import { ProviderRuntime } from './provider-runtime.ts'
import { checkedRequest } from './chat-request.ts'
import { ContextPool, type RequestContext } from './request-context.ts'
import { Routes } from './routes.ts'
import { measureClockCostNs, SLOT } from './stage-clock.ts'
import { StageHistograms } from './stage-histograms.ts'
import { GatewayTraffic } from './traffic.ts'

const CALLER_GONE = GATEWAY_ERRORS.caller_gone.status

/** A request that ended without success, for the log. */
export interface FailureRecord {
  status: number
  code: string
  provider: string
  model: string
}

export interface GatewayOptions<C extends RequestContext> {
  createContext: () => C
  /** In [0, 1); chooses among weighted keys. @default Math.random */
  random?: () => number
  onFailure?: (failure: FailureRecord) => void
}

/**
 * The gateway without a server in front: contexts go in with a parsed body, and `settled()` is called on them when
 * the answer is in hand.
 *
 * @example
 * const context = gateway.admit()        // the request's headers are there; the clock runs
 * gateway.chatCompletion(context, body)  // context.settled() follows, once
 */
export class Gateway<C extends RequestContext = RequestContext> {
  readonly config: GatewayConfig
  readonly providers: readonly ProviderRuntime[]
  readonly contexts: ContextPool<C>
  readonly histograms = new StageHistograms()
  readonly traffic = new GatewayTraffic()
  clockCostNs = 0
  batchMeansNs: BatchMeans = {}
  private readonly routes: Routes
  private readonly random: () => number
  private readonly onFailure: ((failure: FailureRecord) => void) | undefined

  constructor(config: GatewayConfig, options: GatewayOptions<C>) {
    this.config = config
    this.random = options.random ?? Math.random
    this.onFailure = options.onFailure
    this.contexts = new ContextPool(config.initialPoolSize, options.createContext)
    this.providers = config.providers.map(
      (provider) => new ProviderRuntime(provider, config.dropExcessRequests, this.events),
    )
    this.routes = new Routes(this.providers)
  }

  /** Measures the clock, opens connections ahead. Resolves with what could not be opened: a warning, not a failure. */
  async start(): Promise<string[]> {
    this.clockCostNs = measureClockCostNs()
    this.batchMeansNs = measureBatchMeans()
    const warnings: string[] = []
    for (const { name, pool, config } of this.providers) {
      const failure = await pool.openAhead(config.network.openAhead)
      if (failure) {
        const { openAhead, baseUrl } = config.network
        warnings.push(
          `providers.${name}: opened ${pool.counters.open} of ${openAhead} connections to ${baseUrl.origin} ahead: ${failure.message}`,
        )
      }
    }
    return warnings
  }

  /** A request's headers are there: its clock starts. */
  admit(): C {
    const context = this.contexts.acquire()
    context.clock.start()
    return context
  }

  /** The body is there. Ends in exactly one `context.settled()`, unless the caller leaves before. */
  chatCompletion(context: C, body: unknown): void {
    try {
      const request = checkedRequest(body)
      const route = this.routes.resolve(request)
      context.body = request
      context.route = route
      context.state = 'queued'
      context.clock.lap(SLOT.request_reading)
      route.provider.deadlines.add(context.deadlineLink)
      route.provider.queue.enter(context.waitLink)
    } catch (error) {
      this.reject(context, error)
    }
  }

  /** The request cannot be served: answers with the error. */
  reject(context: RequestContext, error: unknown): void {
    const reason = error instanceof GatewayError ? error : new GatewayError('internal_error', 'internal error')
    if (context.state === 'reading') context.clock.lap(SLOT.request_reading)
    const { route } = context
    const body = gatewayErrorBody(reason, { provider: route?.provider.name ?? '', model: route?.requested ?? '' })
    this.answerError(context, reason.status, reason.code, body)
  }

  /** The caller is gone: everything that still happens for it stops now. */
  abandon(context: RequestContext): void {
    if (context.state === 'free' || context.state === 'settled') return
    this.stop(context)
    this.recordFailure(context, CALLER_GONE, 'caller_gone')
    context.status = CALLER_GONE
    this.finish(context)
  }

  close(): void {
    for (const { pool, deadlines } of this.providers) {
      deadlines.close()
      pool.close()
    }
  }

  private readonly events = {
    taken: (context: RequestContext): void => {
      context.clock.lap(SLOT.queue_wait)
      context.state = 'preparing'
      context.holdsWorker = true
      try {
        this.prepare(context)
      } catch (error) {
        context.clock.lap(SLOT.key_selection)
        this.reject(context, error)
        return
      }
      context.state = 'upstream'
      const { provider } = context.route!
      provider.traffic.upstreamRequests++
      provider.pool.send(context)
    },
    answered: (context: RequestContext): void => {
      context.route!.provider.traffic.upstreamLatencyS.observe(context.clock.ns[SLOT.http_request]! / 1e9)
      if (context.status >= 200 && context.status < 300) this.answer(context)
      else this.answerProviderError(context)
    },
    failed: (context: RequestContext, cause: Error): void => {
      context.clock.lap(SLOT.http_request)
      this.reject(context, upstreamError(context.route!.provider.name, cause))
    },
    expired: (context: RequestContext): void => {
      const { name, config } = context.route!.provider
      const limit = `${config.network.timeoutMs} ms`
      const queued = context.state === 'queued'
      this.stop(context)
      context.clock.lap(queued ? SLOT.queue_wait : SLOT.http_request)
      const error = queued
        ? new GatewayError('queue_timeout', `waited ${limit} in the queue of ${name}`)
        : new GatewayError('upstream_timeout', `${name} did not answer within ${limit}`)
      this.reject(context, error)
    },
  }

  /** The stages from the chosen key to the bytes for the provider. */
  private prepare(context: RequestContext): void {
    const { clock } = context
    const { provider, model } = context.route!
    const { adapter } = provider
    const request = context.body!

    const key: KeyConfig = provider.keys.pick(model, this.random())
    clock.lap(SLOT.key_selection)

    const messages = adapter.formatMessages(request)
    clock.lap(SLOT.message_formatting)

    const params = adapter.prepareParams(request)
    clock.lap(SLOT.params_preparation)

    const body = adapter.prepareBody(model, messages, params)
    clock.lap(SLOT.request_body_preparation)

    context.payload = adapter.marshal(body)
    context.body = null
    clock.lap(SLOT.json_marshaling)

    context.secret = key.value
    context.upstreamHead = provider.headFor(key)
  }

  private answer(context: RequestContext): void {
    const { clock } = context
    const { provider, model } = context.route!
    try {
      const { reply, inputTokens, outputTokens } = provider.adapter.parseAnswer(context.answer, {
        provider: provider.name,
        resolvedModel: model,
        latencyMs: Math.round(clock.totalNs / 1e6),
        requestType: REQUEST_TYPE,
      })
      context.reply = reply
      provider.traffic.inputTokens += inputTokens
      provider.traffic.outputTokens += outputTokens
    } catch {
      clock.lap(SLOT.response_parsing)
      this.reject(
        context,
        new GatewayError('upstream_invalid_response', `${provider.name} answered ${context.status} with invalid JSON`),
      )
      return
    }
    clock.lap(SLOT.response_parsing)
    provider.traffic.successes++
    clock.lap(SLOT.error_handling)
    this.settle(context)
  }

  private answerProviderError(context: RequestContext): void {
    const { provider, requested } = context.route!
    const origin = { provider: provider.name, model: requested }
    if (context.status < 400) {
      const message = `${provider.name} answered ${context.status}, which is neither a success nor an error`
      this.reject(context, new GatewayError('upstream_invalid_response', message))
      return
    }
    const body = providerErrorBody(context.status, context.answer.toString(), origin)
    this.answerError(context, context.status, body.error.code ?? body.error.type, body)
  }

  private answerError(context: RequestContext, status: number, code: string, body: object): void {
    this.recordFailure(context, status, code)
    let text = JSON.stringify(body)
    // Some providers repeat the key that they did not like.
    if (context.secret !== '') text = text.replaceAll(JSON.stringify(context.secret).slice(1, -1), '[key]')
    context.status = status
    context.reply = utf8AsLatin1(text)
    context.clock.lap(SLOT.error_handling)
    this.settle(context)
  }

  private recordFailure(context: RequestContext, status: number, code: string): void {
    const { route } = context
    route?.provider.traffic.failed(status)
    this.onFailure?.({ status, code, provider: route?.provider.name ?? '', model: route?.requested ?? '' })
  }

  private settle(context: RequestContext): void {
    context.state = 'settled'
    try {
      context.settled()
    } finally {
      context.clock.lap(SLOT.response_sending)
      this.finish(context)
    }
  }

  /** Takes the request out of the queue, the line for a connection, or off its connection. */
  private stop(context: RequestContext): void {
    const provider = context.route?.provider
    if (!provider) return
    if (context.state === 'queued') provider.queue.withdraw(context.waitLink)
    else if (context.state === 'upstream') provider.pool.cancel(context)
  }

  /** Counts the request, gives its worker back and its context to the free list. */
  private finish(context: RequestContext): void {
    const { clock, route, status, holdsWorker } = context
    this.traffic.finished(status, clock.totalNs, clock.ns[SLOT.http_request]!)
    if (status !== CALLER_GONE) this.histograms.record(clock.ns)
    if (route) route.provider.deadlines.remove(context.deadlineLink)
    this.contexts.release(context as C)
    // Last, because the worker takes the next request at once: that one must find this one's context free.
    if (holdsWorker) route!.provider.queue.leave()
  }
}
