import type { GatewayConfig, KeyConfig } from '../config.ts'
import { type BatchMeans, type Measured, measureGateway } from './batch-measure.ts'
import { checkedChat, checkedEmbedding } from './checked-request.ts'
import { asGatewayError, GATEWAY_ERRORS, GatewayError } from './errors.ts'
import {
  type FailedTry,
  failedAnswer,
  gatewayFailure,
  invalidAnswer,
  networkFailure,
  providerFailure,
  relayFailure,
} from './failed-try.ts'
import { utf8AsLatin1 } from './latin1.ts'
import { nextTry } from './next-try.ts'
import { ProviderRuntime } from './provider-runtime.ts'
import { ContextPool, type RequestContext } from './request-context.ts'
import type { RequestLog, RequestRecord } from './request-log.ts'
import { requestRecord } from './request-record.ts'
import { Routes } from './routes.ts'
import { SLOT } from './stage-clock.ts'
import { StageHistograms } from './stage-histograms.ts'
import { openRelay } from './stream-relay.ts'
import { Traffic } from './traffic.ts'
import { WaitingBodies } from './waiting-bodies.ts'

/** What tells events from comments, which providers send to keep a connection alive. */
const DATA_LINE = /^data:/m

const CALLER_GONE = GATEWAY_ERRORS.caller_gone.status

/** A request that ended without success, for the log. */
export interface FailureRecord {
  status: number
  code: string
  provider: string
  model: string
}

export interface PipelineOptions<C extends RequestContext> {
  createContext: () => C
  /** In [0, 1); chooses among weighted keys and spreads the waits before retries. @default Math.random */
  random?: () => number
  onFailure?: (failure: FailureRecord) => void
  /** Counters that outlive this pipeline. @default new ones */
  traffic?: Traffic
  histograms?: StageHistograms
  /** What has been measured of this machine before. @default `start` measures it */
  measured?: Measured
  requestLog?: RequestLog
  /** The log writes synchronously: an answer waits for its row. @default false */
  logBeforeAnswer?: boolean
}

/**
 * The way of a request through the gateway, stage by stage: contexts go in with a parsed body, and `settled()` is called on
 * them when the answer is in hand. Between the two a request may wait, be tried again, or go to another provider.
 *
 * @example
 * const context = pipeline.admit('chat_completion')  // the request's headers are there; the clock runs
 * pipeline.serve(context, body)                      // context.settled() follows, once
 */
export class Pipeline<C extends RequestContext = RequestContext> {
  readonly config: GatewayConfig
  readonly providers: readonly ProviderRuntime[]
  readonly contexts: ContextPool<C>
  readonly histograms: StageHistograms
  readonly traffic: Traffic
  readonly requestLog: RequestLog | undefined
  private readonly logBeforeAnswer: boolean
  readonly waitingBodies: WaitingBodies
  private measured: Measured | undefined
  private readonly routes: Routes
  private readonly random: () => number
  private readonly onFailure: ((failure: FailureRecord) => void) | undefined

  constructor(config: GatewayConfig, options: PipelineOptions<C>) {
    this.config = config
    this.random = options.random ?? Math.random
    this.onFailure = options.onFailure
    this.traffic = options.traffic ?? new Traffic(config.prometheusLabels)
    this.histograms = options.histograms ?? new StageHistograms()
    this.waitingBodies = new WaitingBodies(config.maxWaitingBodyBytes)
    this.measured = options.measured
    this.requestLog = options.requestLog
    this.logBeforeAnswer = options.logBeforeAnswer ?? false
    this.contexts = new ContextPool(config.initialPoolSize, options.createContext)
    this.providers = config.providers.map(
      (provider) => new ProviderRuntime(provider, config.dropExcessRequests, this.events),
    )
    this.routes = new Routes(this.providers)
  }

  /** 0 until it has been measured. */
  get clockCostNs(): number {
    return this.measured?.clockCostNs ?? 0
  }

  get batchMeansNs(): BatchMeans {
    return this.measured?.batchMeansNs ?? {}
  }

  get waitingBodyBytes(): number {
    return this.waitingBodies.bytes
  }

  /** Measures the clock, opens connections ahead. Resolves with what could not be opened: a warning, not a failure. */
  async start(): Promise<string[]> {
    this.measured ??= measureGateway()
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
  admit(operation: 'chat_completion' | 'embedding'): C {
    const context = this.contexts.acquire()
    context.type = operation
    context.clock.start()
    context.labels = this.traffic.unlabelled
    context.waitingBodies = this.waitingBodies
    return context
  }

  /**
   * The body of a request will be kept from here until it goes upstream, or the request ends.
   * @param bytes of it so far, or as announced
   * @throws GatewayError `waiting_bodies_full`
   */
  holdBody(context: RequestContext, bytes: number): void {
    this.waitingBodies.hold(context, bytes)
  }

  /** The body is there. Ends in exactly one `context.settled()`, unless the caller leaves before. */
  serve(context: C, body: unknown): void {
    try {
      if (context.type === 'embedding') {
        context.body = checkedEmbedding(body)
      } else {
        const chat = checkedChat(body)
        if (chat.stream === true) context.type = 'chat_completion_stream'
        context.body = chat
      }
      context.route = this.routes.resolve(context.body)
      context.fallbacks = this.routes.fallbacks(context.body)
    } catch (error) {
      this.reject(context, error)
      return
    }
    context.clock.lap(SLOT.request_reading)
    this.enqueue(context)
  }

  /** The request cannot be served: answers with the error. */
  reject(context: RequestContext, error: unknown): void {
    const reason = asGatewayError(error)
    if (context.state === 'reading') context.clock.lap(SLOT.request_reading)
    this.answerFailure(context, gatewayFailure(context, reason))
  }

  /** The caller is gone: everything that still happens for it stops now. */
  abandon(context: RequestContext): void {
    if (context.state === 'free' || context.state === 'settled') return
    context.clock.lap(context.waitingSlot)
    this.stop(context)
    context.status = CALLER_GONE
    context.errorCode = 'caller_gone'
    if (context.route !== null) this.series(context).failed(CALLER_GONE)
    this.reportFailure(context)
    this.finish(context)
  }

  /** The caller takes more of its stream. */
  resume(context: RequestContext): void {
    if (context.connection?.isPaused !== true) return
    context.route!.provider.idleDeadlines.restart(context.deadlineLink)
    context.connection.resume()
  }

  close(): void {
    for (const provider of this.providers) provider.close()
  }

  private readonly events = {
    taken: (context: RequestContext): void => {
      context.clock.lap(SLOT.queue_wait)
      context.state = 'preparing'
      context.holdsWorker = true
      try {
        const { provider, model } = context.route!
        const key = provider.keys.pick(model, this.random())
        context.clock.lap(SLOT.key_selection)
        this.send(context, key)
      } catch (error) {
        context.clock.lap(SLOT.key_selection)
        this.tryFailed(context, gatewayFailure(context, error))
      }
    },
    streamed: (context: RequestContext, bytes: Buffer): void => {
      this.relay(context, bytes)
    },
    answered: (context: RequestContext): void => {
      const triedNs = context.clock.ns[SLOT.http_request]! - context.upstreamNsBefore
      this.series(context).upstreamLatencyS.observe(triedNs / 1e9)
      if (context.status < 200 || context.status >= 300) this.tryFailed(context, providerFailure(context))
      else if (context.type === 'chat_completion_stream') this.streamEnded(context)
      else this.answer(context)
    },
    failed: (context: RequestContext, cause: Error): void => {
      context.clock.lap(context.waitingSlot)
      // Complete, though the provider cut its connection instead of ending the answer.
      if (context.relay?.isDone()) this.streamEnded(context)
      else this.tryFailed(context, networkFailure(context, cause))
    },
    expired: (context: RequestContext): void => {
      const { name, config } = context.route!.provider
      const limit = `${config.network.timeoutMs} ms`
      const queued = context.state === 'queued'
      context.clock.lap(context.waitingSlot)
      this.stop(context)
      const error = queued
        ? new GatewayError('queue_timeout', `waited ${limit} in the queue of ${name}`)
        : new GatewayError('upstream_timeout', `${name} did not answer within ${limit}`)
      this.tryFailed(context, gatewayFailure(context, error))
    },
    idled: (context: RequestContext): void => {
      const { name, config } = context.route!.provider
      const { isPaused = false } = context.connection ?? {}
      this.stop(context)
      context.clock.lap(SLOT.http_request)
      if (context.relay?.isDone()) {
        // Complete, though the provider keeps its connection open.
        this.streamEnded(context)
      } else if (isPaused) {
        // It takes nothing, so it cannot be told either.
        context.cutOff()
        this.abandon(context)
      } else {
        const limit = `${config.network.streamIdleTimeoutMs} ms`
        const error = new GatewayError('stream_idle_timeout', `${name} sent nothing of the stream for ${limit}`)
        this.breakStream(context, gatewayFailure(context, error))
      }
    },
  }

  private enqueue(context: RequestContext): void {
    const { provider } = context.route!
    context.state = 'queued'
    provider.deadlines.add(context.deadlineLink)
    try {
      provider.queue.enter(context.waitLink)
    } catch (error) {
      context.clock.lap(SLOT.queue_wait)
      this.tryFailed(context, gatewayFailure(context, error))
    }
  }

  /** The stages from the chosen key to the bytes for the provider, and off they go. */
  private send(context: RequestContext, key: KeyConfig): void {
    const { clock, type } = context
    const { provider } = context.route!
    const request = context.body!
    const operation = provider.operation(type)
    const model = provider.modelFor(key, context.route!.model)

    const messages = operation.formatMessages(request)
    clock.lap(SLOT.message_formatting)

    const params = operation.prepareParams(request)
    clock.lap(SLOT.params_preparation)

    const body = operation.prepareBody(model, messages, params)
    clock.lap(SLOT.request_body_preparation)

    context.payload = JSON.stringify(body)
    if (type === 'chat_completion_stream') {
      context.relay = openRelay(provider.adapter, request, context.route!.requested)
    }
    context.keepsBody = provider.mayRetry || context.fallbacks.length > context.fallbackIndex
    if (!context.keepsBody) context.body = null
    clock.lap(SLOT.json_marshaling)

    context.key = key
    context.upstreamHead = provider.headFor(key, type, model)
    context.state = 'upstream'
    context.tries++
    context.upstreamNsBefore = clock.ns[SLOT.http_request]!
    this.series(context).upstreamRequests++
    provider.pool.send(context)
  }

  private answer(context: RequestContext): void {
    const { clock, type } = context
    const { provider, model } = context.route!
    try {
      const { reply, inputTokens, outputTokens } = provider.operation(type).parseAnswer(context.answer, {
        provider: provider.name,
        resolvedModel: model,
        latencyMs: Math.round(clock.totalNs / 1e6),
        requestType: type,
      })
      context.reply = reply
      context.inputTokens = inputTokens
      context.outputTokens = outputTokens
    } catch {
      clock.lap(SLOT.response_parsing)
      this.tryFailed(context, invalidAnswer(context, `${context.status} with invalid JSON`))
      return
    }
    clock.lap(SLOT.response_parsing)
    this.succeeded(context)
    clock.lap(SLOT.error_handling)
    this.settle(context)
  }

  private relay(context: RequestContext, bytes: Buffer): void {
    const { clock } = context
    const { idleDeadlines, endDeadlines } = context.route!.provider
    const relay = context.relay!
    // What follows a stream's last event is nobody's.
    if (relay.isDone()) return
    const events = relay.push(bytes)
    clock.lap(SLOT.response_parsing)
    // Whatever arrives says that the stream is alive, also what gives the caller nothing.
    if (context.streamBegun) idleDeadlines.restart(context.deadlineLink)
    const failure = relayFailure(context, relay)
    // What came before the failure is the caller's, unless it has nothing yet: then another try may give it the whole.
    if (events !== '' && (failure === undefined || context.streamBegun)) this.handOver(context, events)
    if (failure !== undefined) {
      this.stop(context)
      this.tryFailed(context, failure)
    } else if (events !== '' && relay.isDone()) {
      idleDeadlines.remove(context.deadlineLink)
      endDeadlines.add(context.deadlineLink)
    }
  }

  private handOver(context: RequestContext, events: string): void {
    const { clock } = context
    const { provider } = context.route!
    const isComment = !DATA_LINE.test(events)
    // Only says that the provider is alive: nothing yet that would rule out another try.
    if (isComment && !context.streamBegun) return
    if (!context.streamBegun) {
      context.streamBegun = true
      context.state = 'streaming'
      context.releaseBody()
      provider.deadlines.remove(context.deadlineLink)
      provider.idleDeadlines.add(context.deadlineLink)
      context.streamStarted()
    }
    const takesMore = context.streamed(events)
    clock.lap(SLOT.response_sending)
    if (!isComment) this.timeToken(context)
    if (!takesMore) context.connection?.pause()
  }

  private timeToken(context: RequestContext): void {
    const now = context.clock.boundaryMs
    const series = this.series(context)
    if (context.firstTokenNs === 0) {
      context.firstTokenNs = context.clock.totalNs
      this.histograms.recordStream('first_token', context.firstTokenNs)
      series.firstTokenS.observe(context.firstTokenNs / 1e9)
    } else {
      const betweenNs = (now - context.lastTokenMs) * 1e6
      this.histograms.recordStream('between_tokens', betweenNs)
      series.betweenTokensS.observe(betweenNs / 1e9)
    }
    context.lastTokenMs = now
  }

  /** The provider has sent all that it will. */
  private streamEnded(context: RequestContext): void {
    const { clock } = context
    const { provider } = context.route!
    const relay = context.relay!
    if (context.answer.length > 0) {
      this.tryFailed(context, invalidAnswer(context, `${context.status} without an event stream`))
      return
    }
    const last = relay.end()
    clock.lap(SLOT.response_parsing)
    if (!relay.isDone()) {
      const error = new GatewayError('upstream_reset', `${provider.name} ended the stream before its last event`)
      this.tryFailed(context, gatewayFailure(context, error, 'same_key'))
      return
    }
    if (last !== '') this.handOver(context, last)
    context.status = 200
    context.inputTokens = relay.translator.inputTokens
    context.outputTokens = relay.translator.outputTokens
    this.succeeded(context)
    clock.lap(SLOT.error_handling)
    this.settle(context)
  }

  /** Decides what follows a try that failed: another try, another provider, or the answer. */
  private tryFailed(context: RequestContext, failure: FailedTry): void {
    const { clock } = context
    if (context.streamBegun) {
      this.breakStream(context, failure)
      return
    }
    context.relay = null
    const next = nextTry(context, failure, this.random)
    clock.lap(SLOT.error_handling)
    if (next.key === undefined) {
      this.giveUp(context, next.failure)
      return
    }
    const { key } = context
    if (next.key !== key) {
      this.series(context).keyRotated(key!.name, failure.remedy === 'dead_key' ? 'dead' : 'rate_limited')
    }
    this.tryAgain(context, next.key, next.waitMs)
  }

  private tryAgain(context: RequestContext, key: KeyConfig, waitMs: number): void {
    context.retries++
    context.forgetAnswer()
    const again = (): void => {
      context.retryTimer = undefined
      context.clock.lap(SLOT.retry_backoff)
      context.state = 'preparing'
      try {
        this.send(context, key)
      } catch (error) {
        this.tryFailed(context, gatewayFailure(context, error))
      }
    }
    context.state = 'backing_off'
    if (waitMs === 0) again()
    else context.retryTimer = setTimeout(again, waitMs)
  }

  /** This provider will not answer: on to the next, or to the caller with what the first one said. */
  private giveUp(context: RequestContext, failure: FailedTry): void {
    const { route, fallbackIndex, fallbacks } = context
    const next = fallbacks[fallbackIndex]
    if (route === null || next === undefined || failure.code === 'internal_error') {
      this.answerFailure(context, failure)
      return
    }
    context.firstFailure ??= failedAnswer(context, failure)
    const series = this.series(context)
    series.failed(failure.status)
    series.retried(Math.max(0, context.tries - 1))
    context.clock.lap(SLOT.error_handling)
    const { provider } = route
    provider.deadlines.remove(context.deadlineLink)
    const heldWorker = context.holdsWorker
    context.holdsWorker = false
    context.forgetAnswer()
    context.key = null
    context.rotation = null
    context.tries = 0
    context.route = next
    context.fallbackIndex++
    this.enqueue(context)
    if (heldWorker) provider.queue.leave()
  }

  private answerFailure(context: RequestContext, failure: FailedTry): void {
    const { status, code, reply, passedHeaders } = context.firstFailure ?? failedAnswer(context, failure)
    if (context.route !== null) this.series(context).failed(failure.status)
    context.passedHeaders.splice(0, Infinity, ...passedHeaders)
    context.status = status
    context.errorCode = code
    context.reply = reply
    this.reportFailure(context)
    context.clock.lap(SLOT.error_handling)
    this.settle(context)
  }

  /** The stream has begun, so its error comes as its last event. */
  private breakStream(context: RequestContext, failure: FailedTry): void {
    this.series(context).failed(failure.status)
    context.status = failure.status
    context.errorCode = failure.code
    this.reportFailure(context)
    context.clock.lap(SLOT.error_handling)
    context.streamed(utf8AsLatin1(`data: ${JSON.stringify(failure.body)}\n\n`))
    this.settle(context)
  }

  private succeeded(context: RequestContext): void {
    const series = this.series(context)
    series.successes++
    series.inputTokens += context.inputTokens
    series.outputTokens += context.outputTokens
  }

  private series({ labels, route }: RequestContext) {
    return labels!.route(route!.provider.name, route!.model)
  }

  private reportFailure({ status, errorCode, route }: RequestContext): void {
    this.onFailure?.({
      status,
      code: errorCode,
      provider: route?.provider.name ?? '',
      model: route?.requested ?? '',
    })
  }

  private record(context: RequestContext): RequestRecord {
    return requestRecord(context, this.traffic.labelNames, Date.now())
  }

  /** The row of a log in synchronous mode comes before the answer; else both are off the request's path. */
  private settle(context: RequestContext): void {
    const written = this.logBeforeAnswer ? this.requestLog?.add(this.record(context)) : undefined
    if (written === undefined) {
      this.deliver(context)
      return
    }
    context.state = 'logging'
    context.logWrite = written
    void written.finally(() => {
      // Its caller may have left, and the context may serve another request by now.
      if (context.logWrite === written) this.deliver(context)
    })
  }

  private deliver(context: RequestContext): void {
    context.state = 'settled'
    try {
      context.settled()
    } finally {
      context.clock.lap(SLOT.response_sending)
      // Not of callers who left: where they did, a stage is cut short.
      this.histograms.record(context.clock.ns)
      this.finish(context)
    }
  }

  /** Takes the request out of the queue, the line for a connection, off its connection, or out of its wait. */
  private stop(context: RequestContext): void {
    const provider = context.route?.provider
    clearTimeout(context.retryTimer)
    context.retryTimer = undefined
    if (!provider) return
    if (context.state === 'queued') provider.queue.withdraw(context.waitLink)
    else if (context.state === 'upstream' || context.state === 'streaming') provider.pool.cancel(context)
  }

  /** Counts the request, gives its worker back and its context to the free list. */
  private finish(context: RequestContext): void {
    const { clock, route, status, type, holdsWorker } = context
    if (route !== null) this.series(context).retried(Math.max(0, context.tries - 1))
    context.labels!.finished(type, status, clock.totalNs, clock.ns[SLOT.http_request]!)
    if (context.logWrite === null) void this.requestLog?.add(this.record(context))
    if (route) {
      route.provider.deadlines.remove(context.deadlineLink)
      route.provider.idleDeadlines.remove(context.deadlineLink)
      route.provider.endDeadlines.remove(context.deadlineLink)
    }
    context.releaseBody()
    this.contexts.release(context as C)
    // Last, because the worker takes the next request at once: that one must find this one's context free.
    if (holdsWorker) route!.provider.queue.leave()
  }
}
