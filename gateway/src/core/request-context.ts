import { Link } from './linked-list.ts'
import type { ChatRequest } from './providers/provider.ts'
import type { Route } from './routes.ts'
import { StageClock } from './stage-clock.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

const NO_BYTES = Buffer.alloc(0)

/** Where a request is on its way through the gateway; decides what has to be undone when it ends early. */
export type RequestState = 'free' | 'reading' | 'queued' | 'preparing' | 'upstream' | 'settled'

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
  /** One of its provider's workers is busy with it. */
  holdsWorker = false
  route: Route | null = null
  /** The parsed body; dropped once it is marshaled. */
  body: ChatRequest | null = null
  /** The marshaled body; dropped once it is written. */
  payload = ''
  /** Head of the request to the provider, the chosen key in it, up to the value of content-length. */
  upstreamHead = ''
  /** The chosen key's value, to be kept out of every answer. */
  secret = ''
  connection: UpstreamConnection | null = null
  /** The provider's answer: status, body, and the headers that pass: name, value, name, value. */
  status = 0
  answer: Buffer = NO_BYTES
  readonly passedHeaders: string[] = []
  /** Body for the caller, as latin1 text: one character a byte. */
  reply = ''

  /** The answer is in hand: write it. Called once a request, unless the caller is gone. */
  abstract settled(): void

  /** Drops every reference, so that a context in the free list keeps nothing alive. */
  reset(): void {
    this.state = 'free'
    this.holdsWorker = false
    this.route = null
    this.body = null
    this.payload = ''
    this.upstreamHead = ''
    this.secret = ''
    this.connection = null
    this.status = 0
    this.answer = NO_BYTES
    this.reply = ''
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
