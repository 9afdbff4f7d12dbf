import { connect, type Socket } from 'node:net'
import { SystemClock } from '../../harness/src/clock.ts'
import type { Outcome } from '../../harness/src/outcome.ts'
import type { RequestTemplate } from '../../harness/src/plan.ts'
import { HttpTransport, renderRequest } from '../../harness/src/transport/http-transport.ts'

export interface SideLoadOptions {
  /** Of the gateway. */
  url: string
  streamsPerSec: number
  /** Callers who leave: half of them in a stream. */
  leaversPerSec: number
  /** A leaver stays at most so long, ms. */
  stayMaxMs: number
  /** 0 to 1. */
  random: () => number
}

/** Outcomes by kind: `200`, `504`, `timeout`, `ECONNRESET`. */
export type Kinds = Map<string, number>

const TICK_MS = 5
const STREAM_TIMEOUT_MS = 20_000

const MESSAGES = [{ role: 'user', content: 'Does everything come back when the load is over?' }]

function request(stream: boolean): RequestTemplate {
  const body = JSON.stringify({ model: 'openai/gpt-4o-mini', messages: MESSAGES, stream })
  return { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' }, body }
}

/** Beside the main load: streams that are read to their end, and callers who leave at any instant. */
export class SideLoad {
  readonly #options: SideLoadOptions
  readonly #transport: HttpTransport
  readonly #leavers = new Set<Socket>()
  readonly #leaverRequests: readonly Buffer[]
  readonly #timer: NodeJS.Timeout
  readonly #beganMs = performance.now()
  #streamsBegun = 0
  #leaversBegun = 0
  #kinds: Kinds = new Map()
  #whenIdle: (() => void) | undefined

  constructor(options: SideLoadOptions) {
    this.#options = options
    const clock = new SystemClock()
    const connections = Math.ceil(options.streamsPerSec * 5)
    this.#transport = new HttpTransport({
      url: options.url,
      request: request(true),
      connections,
      timeoutMs: STREAM_TIMEOUT_MS,
      clock,
    })
    this.#leaverRequests = [false, true].map((stream) => renderRequest(new URL(options.url), request(stream)))
    this.#timer = setInterval(() => {
      this.#tick()
    }, TICK_MS)
  }

  /** Callers who have left so far. */
  get left(): number {
    return this.#leaversBegun
  }

  /** What became of the streams since the last call. */
  takeKinds(): Kinds {
    const kinds = this.#kinds
    this.#kinds = new Map()
    return kinds
  }

  /** Begins nothing more, waits for what runs, closes every connection. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#busy) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    await this.#transport.close()
  }

  get #busy(): boolean {
    return this.#transport.inFlight > 0 || this.#leavers.size > 0
  }

  #tick(): void {
    const elapsedSec = (performance.now() - this.#beganMs) / 1_000
    for (; this.#streamsBegun < elapsedSec * this.#options.streamsPerSec; this.#streamsBegun++) this.#stream()
    for (; this.#leaversBegun < elapsedSec * this.#options.leaversPerSec; this.#leaversBegun++) this.#leaver()
  }

  #stream(): void {
    if (this.#transport.inFlight >= this.#transport.inFlightMax) {
      this.#count('not sent: too many in flight')
      return
    }
    this.#transport.send(this.#streamsBegun, this.#transport.clock.nowNs(), ({ outcome }) => {
      this.#count(kindOf(outcome))
      this.#settle()
    })
  }

  #leaver(): void {
    const { url, random, stayMaxMs } = this.#options
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    this.#leavers.add(socket)
    // It may be told that it is gone, and what it is sent is not looked at.
    socket.on('error', () => undefined).resume()
    socket.write(this.#leaverRequests[this.#leaversBegun % 2]!)
    const timer = setTimeout(() => {
      // Half of them say goodbye (FIN), half do not (RST).
      if (random() < 0.5) socket.destroy()
      else socket.resetAndDestroy()
    }, random() * stayMaxMs)
    socket.once('close', () => {
      clearTimeout(timer)
      this.#leavers.delete(socket)
      this.#settle()
    })
  }

  #count(kind: string): void {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1)
  }

  #settle(): void {
    // A later turn: of a request that has just ended, the connection is still being put away.
    setImmediate(() => {
      if (!this.#busy) this.#whenIdle?.()
    })
  }
}

function kindOf(outcome: Outcome): string {
  if (outcome.kind === 'ok' || outcome.kind === 'http_error') return String(outcome.status)
  return outcome.kind === 'transport_error' ? outcome.code : outcome.kind
}
