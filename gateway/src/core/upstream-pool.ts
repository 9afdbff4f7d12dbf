import { buildConnector } from 'undici'

import { GatewayError } from './errors.ts'
import { LinkedList } from './linked-list.ts'
import type { RequestContext } from './request-context.ts'
import { type ConnectionOwner, UpstreamConnection, type UpstreamSocket } from './upstream-connection.ts'

export interface UpstreamPoolOptions {
  baseUrl: URL
  /** Connections open at once, >= 1. */
  maxConnections: number
  /** Give up on opening a connection after this many ms. */
  connectTimeoutMs: number
}

/** Who hears what came of a request on one of the pool's connections. */
export interface PoolEvents {
  streamed(context: RequestContext, bytes: Buffer): void
  answered(context: RequestContext): void
  failed(context: RequestContext, cause: Error): void
}

export interface PoolCounters {
  open: number
  idle: number
  inUse: number
  waiting: number
  openedTotal: number
}

/** Connects under way at once while opening ahead: more overflows the accept queue of a common listener. */
const PARALLEL_CONNECTS = 256

/**
 * Connections to one provider. Idle ones are taken last in, first out, in constant time: the hot ones stay hot, and
 * the search for a free one does not grow with their number, which is what makes undici's own Pool collapse at
 * thousands of connections.
 */
export class UpstreamPool implements ConnectionOwner {
  private readonly connect: buildConnector.connector
  private readonly options: UpstreamPoolOptions
  private readonly events: PoolEvents
  private readonly all = new Set<UpstreamConnection>()
  private readonly idle = new LinkedList<UpstreamConnection>()
  /** Released in this turn of the event loop and in the one before; see `rest`. */
  private resting = new LinkedList<UpstreamConnection>()
  private rested = new LinkedList<UpstreamConnection>()
  private turning = false
  private readonly waiting = new LinkedList<RequestContext>()
  private openedTotal = 0
  private isClosed = false

  constructor(options: UpstreamPoolOptions, events: PoolEvents) {
    this.options = options
    this.events = events
    this.connect = buildConnector({ timeout: options.connectTimeoutMs })
  }

  get counters(): PoolCounters {
    const idle = this.idle.length + this.resting.length + this.rested.length
    const open = this.all.size
    return { open, idle, inUse: open - idle, waiting: this.waiting.length, openedTotal: this.openedTotal }
  }

  /** Opens connections before there are requests. Stops at the first that fails, with that error, and when closed. */
  async openAhead(count: number): Promise<Error | undefined> {
    const target = Math.min(count, this.options.maxConnections)
    let failure: Error | undefined
    const opener = async (): Promise<void> => {
      while (!this.isClosed && failure === undefined && this.all.size < target) {
        const connection = this.add()
        try {
          const socket = await this.openSocket()
          if (this.all.has(connection)) {
            connection.adopt(socket)
            this.idle.push(connection.link)
          } else {
            // The pool was closed meanwhile.
            socket.destroy()
          }
        } catch (error) {
          if (!this.all.delete(connection)) return
          connection.destroy()
          failure = error instanceof Error ? error : new Error(String(error))
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(PARALLEL_CONNECTS, target) }, opener))
    return failure
  }

  /**
   * Sends the context's payload, at once or as soon as a connection is there, in order of arrival.
   * @throws GatewayError `shutting_down` when the pool is closed
   */
  send(context: RequestContext): void {
    if (this.isClosed) {
      throw new GatewayError('shutting_down', 'the connections to the provider are closed; send the request again')
    }
    const connection = this.waiting.length === 0 ? this.take() : undefined
    if (connection === undefined) this.waiting.push(context.waitLink)
    else connection.send(context)
  }

  /** The request is not wanted any more: it leaves the line, or its connection is destroyed. */
  cancel(context: RequestContext): void {
    if (this.waiting.remove(context.waitLink)) return
    const connection = context.connection
    if (connection === null) return
    context.connection = null
    this.drop(connection)
    this.serveWaiting()
  }

  /** Ends all connections, also those that are only being opened. Requests on them or in line hear nothing more. */
  close(): void {
    this.isClosed = true
    for (const connection of this.all) this.drop(connection)
  }

  streamed(context: RequestContext, bytes: Buffer): void {
    this.events.streamed(context, bytes)
  }

  answered(connection: UpstreamConnection, context: RequestContext, reusable: boolean): void {
    if (reusable) this.rest(connection)
    else this.drop(connection)
    this.events.answered(context)
    this.serveWaiting()
  }

  broke(connection: UpstreamConnection, context: RequestContext, cause: Error): void {
    this.drop(connection)
    this.events.failed(context, cause)
    this.serveWaiting()
  }

  closed(connection: UpstreamConnection): void {
    this.drop(connection)
    this.serveWaiting()
  }

  private take(): UpstreamConnection | undefined {
    if (this.isClosed) return undefined
    for (let idle = this.idle.pop(); idle; idle = this.idle.pop()) {
      if (!idle.stale) return idle
      this.drop(idle)
    }
    return this.all.size < this.options.maxConnections ? this.add() : undefined
  }

  /**
   * A connection is idle only after the event loop has been once around since its answer: bytes that the provider sent
   * unasked have then been read, and have closed it, instead of passing for the answer to somebody else's request.
   */
  private rest(connection: UpstreamConnection): void {
    this.resting.push(connection.link)
    if (!this.turning) {
      this.turning = true
      setImmediate(this.turn)
    }
  }

  private readonly turn = (): void => {
    for (let next = this.rested.shift(); next; next = this.rested.shift()) this.idle.push(next.link)
    const looked = this.rested
    this.rested = this.resting
    this.resting = looked
    this.turning = this.rested.length > 0
    if (this.turning) setImmediate(this.turn)
    this.serveWaiting()
  }

  private serveWaiting(): void {
    while (this.waiting.length > 0) {
      const connection = this.take()
      if (connection === undefined) return
      connection.send(this.waiting.shift()!)
    }
  }

  private add(): UpstreamConnection {
    const connection = new UpstreamConnection(this)
    this.all.add(connection)
    return connection
  }

  private drop(connection: UpstreamConnection): void {
    if (!this.all.delete(connection)) return
    for (const list of [this.idle, this.resting, this.rested]) list.remove(connection.link)
    connection.destroy()
  }

  openSocket(): Promise<UpstreamSocket> {
    const { hostname, host, protocol, port } = this.options.baseUrl
    return new Promise((resolve, reject) => {
      this.connect({ hostname: hostname.replace(/^\[|\]$/g, ''), host, protocol, port }, (error, socket) => {
        if (error) {
          reject(error)
          return
        }
        this.openedTotal++
        resolve(socket)
      })
    })
  }
}
