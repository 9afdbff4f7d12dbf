import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from './clock.ts'
import type { MockConfig } from './config.ts'
import { DelayQueue } from './delay-queue.ts'
import { randomFaults, type FaultModel } from './fault-model.ts'
import { uniformLatency, type LatencyModel } from './latency-model.ts'
import type { ProviderError } from './provider-error.ts'
import { seededRandom } from './random.ts'
import { TokenStream, type StreamHost, type StreamScript } from './stream.ts'
import { formatDelayHeader, MOCK_DELAY_HEADER, type MockDelay } from './truth.ts'
import { WholeAnswer, type AnswerHost, type Exchange } from './whole-answer.ts'

/** How one endpoint of a dialect writes its answers. All of them ASCII, and none may throw. */
export interface Wire<Request> {
  /** The body of an answer that is given whole. */
  body(request: Request, sequence: number, delay: MockDelay, createdSec: number): string
  /** The stream that the request asks for; undefined when it asks for none. */
  stream?(request: Request, sequence: number): StreamScript | undefined
  /** The body of an answer that is no success. */
  error(error: ProviderError): string
}

interface Due {
  release(): void
}

const KEEP_ALIVE_SEC = 600
// Another stream of chance than that of the delays: a rate of faults leaves the planned delays as they are.
const FAULT_SEED_OFFSET = 0x7fff_ffff

/** Gives every answer, or what a fault makes of it, at its time. */
export class Answers {
  readonly #clock: Clock
  readonly #queue: DelayQueue<Due>
  readonly #latency: LatencyModel
  readonly #faults: FaultModel
  readonly #firstTokenUs: number | undefined
  readonly #tokenIntervalNs: number
  readonly #host: AnswerHost
  readonly #streamHost: StreamHost
  /** Streams under way, by connection. */
  readonly #streams = new Map<Socket, Set<TokenStream>>()
  /** Streams that wait for their reader instead of a time. */
  readonly #stalled = new Set<TokenStream>()
  readonly #hung = new Set<Socket>()
  #nextSequence = 1
  #draining = false
  #drained: (() => void) | undefined

  /** @param monotonicNs CLOCK_MONOTONIC, for the stamps of chunks */
  constructor(config: MockConfig, clock: Clock, monotonicNs: () => bigint) {
    const { latencyMs, jitterMs, seed, firstTokenMs, tokenIntervalMs } = config
    this.#clock = clock
    this.#queue = new DelayQueue<Due>({
      clock,
      release: (due) => {
        due.release()
        this.#settle()
      },
    })
    this.#latency = uniformLatency({ latencyMs, jitterMs, random: seededRandom(seed) })
    this.#faults = randomFaults(config, seededRandom((seed + FAULT_SEED_OFFSET) >>> 0))
    this.#firstTokenUs = firstTokenMs === undefined ? undefined : Math.round(firstTokenMs * 1_000)
    this.#tokenIntervalNs = Math.round(tokenIntervalMs * 1e6)
    this.#host = {
      clock,
      finishHead: (response, head, delay) => this.#finishHead(response, head, delay),
      hang: (socket) => {
        if (this.#draining) socket.destroy()
        else if (!socket.destroyed) this.#hung.add(socket)
      },
    }
    this.#streamHost = this.#hostOfStreams(monotonicNs)
  }

  /** Answers that wait for their time, streams under way included. */
  get waiting(): number {
    return this.#queue.size + this.#stalled.size
  }

  /** Requests that are never answered. */
  get hanging(): number {
    return this.#hung.size
  }

  /** Plans the answer, and gives it when it is due. */
  give<Request>(exchange: Exchange<Request>): void {
    const { wire, request, response, receivedNs } = exchange
    const drawn = this.#faults.next()
    const fault = exchange.fault ?? drawn
    const sequence = this.#nextSequence++
    const script = wire.stream?.(request, sequence)
    const plannedUs = script && this.#firstTokenUs !== undefined ? this.#firstTokenUs : this.#latency.nextDelayUs()
    const due: Due =
      script && (!fault || fault.kind === 'cut')
        ? this.#startStream(response, script, receivedNs, plannedUs, fault !== undefined)
        : new WholeAnswer(this.#host, exchange, sequence, plannedUs, fault)
    if (plannedUs === 0) {
      due.release()
    } else {
      this.#queue.add(receivedNs + plannedUs * 1_000, due)
      this.#queue.releaseDue()
    }
  }

  /** The connection is gone: what was to be given on it, is given up. */
  connectionClosed(socket: Socket): void {
    this.#hung.delete(socket)
    for (const stream of this.#streams.get(socket) ?? []) {
      this.#queue.remove(stream)
      this.#streamHost.ended(stream)
    }
  }

  /** Resolves when every answer has been given; what hangs is dropped at once. */
  async drain(): Promise<void> {
    this.#draining = true
    for (const socket of this.#hung) socket.destroy()
    if (this.waiting > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
  }

  #startStream(
    response: ServerResponse,
    script: StreamScript,
    startNs: number,
    firstUs: number,
    cut: boolean,
  ): TokenStream {
    const { socket } = response.req
    const pace = { startNs, firstUs, intervalNs: this.#tokenIntervalNs }
    const stream = new TokenStream({ response, socket, script, pace, cut, host: this.#streamHost })
    const others = this.#streams.get(socket)
    if (others) others.add(stream)
    else this.#streams.set(socket, new Set([stream]))
    return stream
  }

  #hostOfStreams(monotonicNs: () => bigint): StreamHost {
    return {
      clock: this.#clock,
      monotonicNs,
      unixSec: () => Math.floor(Date.now() / 1_000),
      schedule: (dueNs, stream) => {
        this.#queue.add(dueNs, stream)
      },
      stalled: (stream) => this.#stalled.add(stream),
      resumed: (stream) => {
        this.#stalled.delete(stream)
        stream.release()
      },
      ended: (stream) => {
        this.#stalled.delete(stream)
        const streams = this.#streams.get(stream.socket)
        streams?.delete(stream)
        if (streams?.size === 0) this.#streams.delete(stream.socket)
        this.#settle()
      },
      writeHead: (response, delay) => {
        const head = ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache']
        response.writeHead(200, this.#finishHead(response, head, delay))
      },
    }
  }

  #finishHead(response: ServerResponse, head: string[], delay: MockDelay): string[] {
    response.shouldKeepAlive &&= !this.#draining
    head.push(MOCK_DELAY_HEADER, formatDelayHeader(delay))
    // The hint is for clients that would otherwise give up an idle connection after a few seconds (undici: 4).
    if (response.shouldKeepAlive) head.push('keep-alive', `timeout=${KEEP_ALIVE_SEC}`)
    return head
  }

  #settle(): void {
    if (this.#draining && this.waiting === 0) this.#drained?.()
  }
}
