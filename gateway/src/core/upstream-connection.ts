import { type buildConnector, Client, type Dispatcher } from 'undici'

import { Link } from './linked-list.ts'
import type { RequestContext } from './request-context.ts'
import { SLOT } from './stage-clock.ts'

export type UpstreamSocket = Exclude<Parameters<buildConnector.Callback>[1], null>

/** What a connection reports to its pool. */
export interface ConnectionOwner {
  readonly origin: string
  readonly path: string
  readonly connect: buildConnector.connector
  /** The whole answer is read; the connection may serve the next request unless `reusable` is false. */
  answered(connection: UpstreamConnection, context: RequestContext, reusable: boolean): void
  /** The connection broke under a request. */
  broke(connection: UpstreamConnection, context: RequestContext, cause: Error): void
  /** The connection broke or was closed while idle. */
  closed(connection: UpstreamConnection): void
  opened(): void
}

/** Idle connections live this long unless the provider's keep-alive hint says less: a load test pauses, 4 s is nothing. */
const IDLE_TIMEOUT_MS = 600_000
/** An answer beyond this is not a chat completion; it must not fill the memory. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const NO_BYTES = Buffer.alloc(0)
const noop = (): void => undefined

/**
 * One connection to a provider: an undici Client that has one socket and sends one request at a time. It is its own
 * dispatch handler, so a request allocates no handler, and a late event of an aborted request finds no context.
 */
export class UpstreamConnection implements Dispatcher.DispatchHandler {
  readonly link = new Link<UpstreamConnection>(this)
  private readonly owner: ConnectionOwner
  private readonly client: Client
  /** Opened ahead and not yet handed to the client. */
  private readySocket: UpstreamSocket | null = null
  private readonly request: Dispatcher.DispatchOptions
  private socket: UpstreamSocket | null = null
  private context: RequestContext | null = null
  private status = 0
  private reusable = true
  private firstChunk: Buffer | null = null
  private moreChunks: Buffer[] | null = null

  constructor(owner: ConnectionOwner) {
    this.owner = owner
    this.request = { path: owner.path, method: 'POST', headersTimeout: 0, bodyTimeout: 0 }
    // Timeouts are the gateway's own deadlines: one list for all instead of two timers a request.
    this.client = new Client(owner.origin, {
      connect: (options, callback) => {
        this.connect(options, callback)
      },
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      keepAliveMaxTimeout: IDLE_TIMEOUT_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    })
    this.client.on('disconnect', this.lostSocket)
  }

  /** Takes a socket that is already open. */
  adopt(socket: UpstreamSocket): void {
    this.readySocket = socket
    socket.once('close', this.lostSocket)
  }

  send(context: RequestContext): void {
    this.context = context
    context.connection = this
    this.request.body = context.payload
    this.request.headers = context.upstreamHeaders as string[]
    context.payload = NO_BYTES
    this.client.dispatch(this.request, this)
    this.request.body = null
  }

  /** The event loop has been around since the last answer: undici's own wait for that is not needed. */
  checked(): void {
    if (this.socket !== null) markUnused(this.socket)
  }

  /** Ends the connection at once, whatever is on it; a request on it hears nothing more. */
  destroy(): void {
    this.context = null
    this.readySocket?.destroy()
    this.readySocket = null
    this.client.destroy(null, noop)
  }

  onConnect(): void {
    this.context?.clock.lap(SLOT.request_setup)
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    if (status < 200 || this.context === null) return true
    this.status = status
    this.reusable = readHeaders(headers, this.context.passedHeaders)
    return true
  }

  onData(chunk: Buffer): boolean {
    if (this.firstChunk === null) this.firstChunk = chunk
    else if (this.moreChunks === null) this.moreChunks = [chunk]
    else this.moreChunks.push(chunk)
    return true
  }

  onComplete(): void {
    const bytes = this.takeBytes()
    const context = this.context
    if (context === null) return
    context.clock.lap(SLOT.http_request)
    context.status = this.status
    context.answer = bytes
    this.context = null
    context.connection = null
    this.owner.answered(this, context, this.reusable)
  }

  onError(cause: Error): void {
    this.takeBytes()
    const context = this.context
    if (context === null) return
    this.context = null
    context.connection = null
    this.owner.broke(this, context, cause)
  }

  private connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    const socket = this.readySocket
    this.readySocket = null
    if (socket !== null && !socket.destroyed) {
      socket.removeListener('close', this.lostSocket)
      // Not in the same call: undici is in the middle of sending, and would not look again.
      this.socket = socket
      queueMicrotask(() => {
        callback(null, socket)
      })
      return
    }
    this.owner.connect(options, (...outcome) => {
      this.socket = outcome[1]
      if (outcome[0] === null) this.owner.opened()
      callback(...outcome)
    })
  }

  // A request that was handed over but not yet written stays: undici opens another socket for it.
  private readonly lostSocket = (): void => {
    this.socket = null
    if (this.context === null) this.owner.closed(this)
  }

  private takeBytes(): Buffer {
    const first = this.firstChunk
    const more = this.moreChunks
    this.firstChunk = this.moreChunks = null
    if (first === null) return NO_BYTES
    return more === null ? first : Buffer.concat([first, ...more])
  }
}

/**
 * undici lets a socket that served a request before wait for one more turn of the event loop before the next, to
 * notice bytes that the server sent unasked (GHSA-35p6-xmwp-9g52). Under load a turn is long: 1.5 ms a request in a
 * saturated gateway, more than all its own work. The pool lets connections rest for that turn before they are needed;
 * undici has no option to be told so, only this mark.
 */
function markUnused(socket: UpstreamSocket): void {
  usedMark ??= Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSocketUsed')
  if (usedMark !== undefined) Reflect.set(socket, usedMark, false)
}

let usedMark: symbol | undefined

const PASSED = new Set(['x-mock-delay', 'x-request-id', 'retry-after', 'openai-processing-ms', 'openai-version'])
const PASSED_PREFIX = 'x-ratelimit-'
const FIRST_LETTERS = new Set(Array.from('xXrRoO', (letter) => letter.charCodeAt(0)))
const CONNECTION = 'connection'

/**
 * Collects the headers that pass to the caller: what a caller can act on. Everything else is about this hop
 * (connection, length, encoding) or about the provider's front (cookies, server). Returns false for `connection: close`.
 */
function readHeaders(headers: readonly Buffer[], passed: string[]): boolean {
  let reusable = true
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!
    if (FIRST_LETTERS.has(name[0]!)) {
      const lower = name.toString('latin1').toLowerCase()
      if (PASSED.has(lower) || lower.startsWith(PASSED_PREFIX))
        passed.push(lower, headers[index + 1]!.toString('latin1'))
    } else if (name.length === CONNECTION.length && name.toString('latin1').toLowerCase() === CONNECTION) {
      reusable = headers[index + 1]!.toString('latin1').toLowerCase() !== 'close'
    }
  }
  return reusable
}
