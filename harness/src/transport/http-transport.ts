import type { Clock } from '../clock.ts'
import type { Attempt } from '../outcome.ts'
import type { RequestTemplate } from '../plan.ts'
import { Connection, type AnswerExpectation, type ConnectionOwner } from './connection.ts'
import type { Transport } from './transport.ts'

export interface HttpTransportOptions {
  /** `http://host:port`, with an optional path that is put before the request's. */
  url: string
  request: RequestTemplate
  /** Most connections, and so most requests in flight, > 0. */
  connections: number
  /** Give up on a request after this many ms; 0 waits for ever. Kept to within a twentieth, at most 50 ms. */
  timeoutMs: number
  clock: Clock
}

/** Connects under way at once: more overflow the accept queue of a server that has yet to warm up. */
const OPENING_MAX = 256
const READ_BUFFER_BYTES = 65_536

/**
 * HTTP/1.1 over plain connections that are opened ahead and reused last-in-first-out in constant time: the few that a
 * load needs stay warm, and none is looked for.
 */
export class HttpTransport implements Transport, ConnectionOwner {
  readonly clock: Clock
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
  readonly inFlightMax: number
  readonly expects: AnswerExpectation
  inFlight = 0

  readonly #options: HttpTransportOptions
  readonly #address: { host: string; port: number }
  readonly #requestBytes: Buffer
  readonly #open = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #sweeper: NodeJS.Timeout | undefined
  #closing = false
  #whenEmpty: (() => void) | undefined

  constructor(options: HttpTransportOptions) {
    this.#options = options
    this.clock = options.clock
    this.expects = options.request
    this.inFlightMax = options.connections
    const url = new URL(options.url)
    // Brackets belong to the URL's notation of an IPv6 address, not to the address.
    this.#address = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) }
    this.#requestBytes = renderRequest(url, options.request)
    if (options.timeoutMs > 0) {
      this.#sweeper = setInterval(
        () => {
          this.#sweep()
        },
        Math.min(50, Math.max(1, options.timeoutMs / 20)),
      )
      this.#sweeper.unref()
    }
  }

  /** Opens every connection ahead. Rejects with the system's error when one cannot be opened. */
  async open(): Promise<void> {
    // Counted, not compared with what stands: a server that closes each connection at once would keep this busy for ever.
    let left = this.inFlightMax - this.#open.size
    const openers = Array.from({ length: Math.min(OPENING_MAX, left) }, async () => {
      while (left-- > 0 && !this.#closing) await this.#openIdle()
    })
    await Promise.all(openers)
  }

  send(index: number, dueNs: number, done: (attempt: Attempt) => void): void {
    this.inFlight++
    let connection = this.#idle.pop()
    while (connection?.gone) connection = this.#idle.pop()
    const opened = connection === undefined
    connection ??= this.#connect()
    connection.send(this.#requestBytes, index, dueNs, opened, done)
  }

  /** Gives up on what is in flight, as interrupted. */
  abandon(): void {
    for (const connection of this.#open) {
      if (connection.overdue(Infinity)) connection.abort({ kind: 'transport_error', code: 'INTERRUPTED' })
    }
  }

  /** Closes every connection; resolves when all are closed. */
  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#sweeper)
    if (this.#open.size === 0) return
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve))
    for (const connection of this.#open) connection.abort({ kind: 'transport_error', code: 'INTERRUPTED' })
    await empty
  }

  ended(connection: Connection, reusable: boolean): void {
    this.inFlight--
    if (reusable) this.#idle.push(connection)
  }

  closed(connection: Connection): void {
    this.#open.delete(connection)
    if (this.#open.size === 0) this.#whenEmpty?.()
  }

  #connect(onOpen?: (failure?: string) => void): Connection {
    const connection = new Connection(this, this.#address, onOpen)
    this.#open.add(connection)
    return connection
  }

  #openIdle(): Promise<void> {
    return new Promise((resolve, reject) => {
      const connection = this.#connect((failure) => {
        if (failure !== undefined) {
          reject(new Error(failure))
          return
        }
        this.#idle.push(connection)
        resolve()
      })
    })
  }

  #sweep(): void {
    const limitNs = this.clock.nowNs() - this.#options.timeoutMs * 1e6
    for (const connection of this.#open) {
      if (connection.overdue(limitNs)) connection.abort({ kind: 'timeout', afterMs: this.#options.timeoutMs })
    }
  }
}

/** The bytes of the request, the same for every one that is sent. */
export function renderRequest(url: URL, { method, path, headers, body }: RequestTemplate): Buffer {
  const prefix = url.pathname.replace(/\/+$/, '')
  const lines = [
    `${method} ${prefix}${path} HTTP/1.1`,
    `host: ${url.host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(method === 'POST' ? [`content-length: ${Buffer.byteLength(body)}`] : []),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
