import type { KeyConfig } from '../config.ts'
import type { KeyRotation } from './key-rotation.ts'
import type { LabelSet } from './labels.ts'
import { Link } from './linked-list.ts'
import type { GatewayRequest, RequestType } from './providers/provider.ts'
import type { Route } from './routes.ts'
import { SLOT, StageClock } from './stage-clock.ts'
import type { StreamRelay } from './stream-relay.ts'
import type { UpstreamConnection } from './upstream-connection.ts'
import type { WaitingBodies } from './waiting-bodies.ts'

const NO_BYTES = Buffer.alloc(0)
const NO_ROUTES: readonly Route[] = []

/** Where a request is on its way through the gateway; decides what has to be undone when it ends early. */
export type RequestState =
  'free' | 'reading' | 'queued' | 'preparing' | 'upstream' | 'streaming' | 'backing_off' | 'logging' | 'settled'

/** An answer that is not a success, ready for the caller. */
export interface FailedAnswer {
  status: number
  /** Stable code of the gateway's own errors; of a provider's, whatever it calls it. */
  code: string
  /** Body, as latin1 text. */
  reply: string
  passedHeaders: readonly string[]
}

/**
 * Everything the gateway keeps of one request. Contexts are allocated once and used again and again, so a request
 * itself allocates next to nothing. The transport in front subclasses it and says what to do with the answer.
 */
export abstract class RequestContext {
  readonly clock = new StageClock()
  /** Place in the provider's queue, later in the line for a connection. */
  readonly waitLink = new Link<RequestContext>(this)
  readonly deadlineLink = new Link<RequestContext>(this)
  deadlineMs = 0
  state: RequestState = 'free'
  type: RequestType = 'chat_completion'
  /** Whose counters it moves. */
  labels: LabelSet | null = null
  /** One of its provider's workers is busy with it. */
  holdsWorker = false
  /** Counted among the waiting bodies. */
  bodyBytes = 0
  waitingBodies: WaitingBodies | null = null
  /** Another try may need the body, so it stays after it has been written. */
  keepsBody = false
  route: Route | null = null
  /** Where it goes when `route` fails, in order. */
  fallbacks: readonly Route[] = NO_ROUTES
  /** 0 with the first provider, 1 with the first fallback, ... */
  fallbackIndex = 0
  /** What the first provider answered, when a fallback is being tried. */
  firstFailure: FailedAnswer | null = null
  /** With the present provider so far. */
  tries = 0
  /** With all providers. */
  retries = 0
  /** The row that is being written before the answer may go; null when there is none, or not yet. */
  logWrite: Promise<void> | null = null
  rotation: KeyRotation | null = null
  retryTimer: NodeJS.Timeout | undefined
  /** The parsed body; dropped once no further try can need it. */
  body: GatewayRequest | null = null
  /** The marshaled body; dropped once it is written. */
  payload = ''
  /** Head of the request to the provider, the chosen key in it, up to the value of content-length. */
  upstreamHead = ''
  key: KeyConfig | null = null
  connection: UpstreamConnection | null = null
  /** Time in http_request before the present try, ns. */
  upstreamNsBefore = 0
  /** The provider's answer: status, body, and the headers that pass: name, value, name, value. */
  status = 0
  answer: Buffer = NO_BYTES
  readonly passedHeaders: string[] = []
  /** Stable code of what went wrong; '' for a success. */
  errorCode = ''
  /** Body for the caller, as latin1 text: one character a byte. */
  reply = ''
  relay: StreamRelay | null = null
  /** Something of the stream is with the caller: from here on there is no other answer. */
  streamBegun = false
  firstTokenNs = 0
  lastTokenMs = 0
  inputTokens = 0
  outputTokens = 0

  /** The answer is in hand, or the stream at its end: write it. Called once a request, unless the caller is gone. */
  abstract settled(): void

  /** The first of a stream's events are about to come. */
  abstract streamStarted(): void

  /** Takes events, whole ones, as latin1 text. False asks for a pause until `Pipeline.resume`. */
  abstract streamed(events: string): boolean

  /** The caller takes nothing of its stream any more: cut it off. */
  abstract cutOff(): void

  /** The slot of what it spends its time on while nothing happens to it. */
  get waitingSlot(): number {
    switch (this.state) {
      case 'reading':
        return SLOT.request_reading
      case 'queued':
        return SLOT.queue_wait
      case 'backing_off':
        return SLOT.retry_backoff
      case 'upstream':
        // Until it is written it waits for a connection.
        return this.payload === '' ? SLOT.http_request : SLOT.request_setup
      case 'streaming':
        return SLOT.http_request
      case 'free':
      case 'preparing':
      case 'logging':
      case 'settled':
        return SLOT.response_sending
    }
  }

  /** The body has gone upstream. */
  bodyWritten(): void {
    if (!this.keepsBody) this.releaseBody()
  }

  releaseBody(): void {
    this.body = null
    this.waitingBodies?.release(this)
  }

  /** Drops every reference, so that a context in the free list keeps nothing alive. */
  reset(): void {
    this.state = 'free'
    this.type = 'chat_completion'
    this.labels = null
    this.holdsWorker = false
    this.bodyBytes = 0
    this.waitingBodies = null
    this.keepsBody = false
    this.logWrite = null
    this.route = null
    this.fallbacks = NO_ROUTES
    this.fallbackIndex = 0
    this.firstFailure = null
    this.tries = 0
    this.retries = 0
    this.rotation = null
    this.body = null
    this.payload = ''
    this.upstreamHead = ''
    this.key = null
    this.connection = null
    this.upstreamNsBefore = 0
    this.errorCode = ''
    this.reply = ''
    this.relay = null
    this.streamBegun = false
    this.firstTokenNs = 0
    this.lastTokenMs = 0
    this.inputTokens = 0
    this.outputTokens = 0
    this.forgetAnswer()
  }

  /** Ready for the answer to another try. */
  forgetAnswer(): void {
    this.status = 0
    this.answer = NO_BYTES
    this.passedHeaders.length = 0
  }
}

/** Last-in-first-out free list of contexts. */
export class ContextPool<C extends RequestContext> {
  private readonly create: () => C
  private readonly free: C[] = []
  /** Made so far, the initial ones included. */
  total = 0
  /** Made because the free list was empty. */
  grown = 0

  constructor(initialSize: number, create: () => C) {
    this.create = create
    for (let index = 0; index < initialSize; index++) this.free.push(create())
    this.total = initialSize
  }

  get inUse(): number {
    return this.total - this.free.length
  }

  acquire(): C {
    let context = this.free.pop()
    if (context === undefined) {
      context = this.create()
      this.total++
      this.grown++
    }
    context.state = 'reading'
    return context
  }

  release(context: C): void {
    if (context.state === 'free') throw new Error('context was released twice')
    context.reset()
    this.free.push(context)
  }
}
