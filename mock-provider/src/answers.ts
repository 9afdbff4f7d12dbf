import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ChunkSink, SlowHeadSink, type AnswerSink } from './answer-sink.ts'
import type { Behaviour } from './behaviour.ts'
import type { Clock } from './clock.ts'
import { estimateTokens } from './completion.ts'
import { DelayQueue } from './delay-queue.ts'
import type { Fault } from './fault-model.ts'
import { badRequest } from './provider-error.ts'
import { TokenStream, type StreamFault, type StreamHost, type StreamScript } from './stream.ts'
import { formatDelayHeader, MOCK_DELAY_HEADER, type MockDelay } from './truth.ts'
import { closeAfter, WholeAnswer, type AnswerHost, type AnswerPlan, type Exchange } from './whole-answer.ts'
import type { RawHeaders, WireRequest } from './wire/wire.ts'

interface Due {
  release(): void
}

/** Counts what was given. */
export interface AnswerCounter {
  /** @param status undefined where a fault left the request without any */
  answered(keyLabel: string, status: number | undefined): void
  /** An answer, or the first chunk of a stream, went out. */
  delayed(delay: MockDelay): void
}

/** What runs beside the answers. */
export interface AnswersOptions {
  clock: Clock
  /** CLOCK_MONOTONIC, for the stamps of chunks. */
  monotonicNs: () => bigint
  counter: AnswerCounter
  /** Sequence numbers are `first`, `first + step`, ...: those of several workers never meet. @default 1, 1 */
  sequences?: { first: number; step: number }
}

/** An answer that was planned, and is to be given. */
export interface PlannedAnswer extends AnswerPlan {
  /** Undefined for an answer that is given whole. */
  script: StreamScript | undefined
  tokensPerChunk: number
  nextIntervalNs: () => number
}

const KEEP_ALIVE_SEC = 600

/** Gives every answer, or what a fault makes of it, at its time. */
export class Answers {
  readonly #clock: Clock
  readonly #queue: DelayQueue<Due>
  readonly #host: AnswerHost
  readonly #streamHost: StreamHost
  /** Streams under way, by connection. */
  readonly #streams = new Map<Socket, Set<TokenStream>>()
  /** Answers that wait for their reader, or for their slow head, instead of a time. */
  readonly #held = new Set<object>()
  readonly #hung = new Set<Socket>()
  readonly #sequenceStep: number
  #nextSequence: number
  #draining = false
  #drained: (() => void) | undefined

  constructor({ clock, monotonicNs, counter, sequences = { first: 1, step: 1 } }: AnswersOptions) {
    this.#clock = clock
    this.#nextSequence = sequences.first
    this.#sequenceStep = sequences.step
    this.#queue = new DelayQueue<Due>({
      clock,
      release: (due) => {
        due.release()
        this.#settle()
      },
    })
    this.#host = {
      clock,
      finishHead: (response, head, delay) => this.#finishHead(response, head, delay),
      hang: (socket) => {
        if (this.#draining) socket.destroy()
        else if (!socket.destroyed) this.#hung.add(socket)
      },
      resumeAfter: (forMs, item, response) => {
        this.#queue.add(clock() + forMs * 1e6, item)
        response.once('close', () => {
          if (response.writableEnded) return
          this.#queue.remove(item)
          this.#settle()
        })
      },
      slowHead: (response, forMs) => this.#slowHead(response, forMs),
      given: (keyLabel, delay, status) => {
        counter.answered(keyLabel, status)
        if (status === 200) counter.delayed(delay)
      },
    }
    this.#streamHost = this.#hostOfStreams(monotonicNs)
  }

  /** Answers that wait for their time, streams under way included. */
  get waiting(): number {
    return this.#queue.size + this.#held.size
  }

  /** Requests that are never answered. */
  get hanging(): number {
    return this.#hung.size
  }

  /**
   * Decides everything about an answer.
   * @param askedFault what the request itself asks for; it wins over the behaviour's faults
   * @param admit asked with the tokens of the answer before that takes a number, a delay or a server; yields what the
   * answer says of limits
   * @throws {ProviderError} 400 when the size that was drawn has no room for the answer; and what `admit` throws
   */
  plan<Request extends WireRequest>(
    exchange: Pick<Exchange<Request>, 'wire' | 'request' | 'receivedNs'>,
    behaviour: Behaviour,
    askedFault: Fault | undefined,
    admit: (answerTokens: number) => RawHeaders | undefined,
  ): PlannedAnswer {
    const { wire, request, receivedNs } = exchange
    const drawnFault = behaviour.nextFault()
    const sequence = this.#nextSequence
    const tokens = behaviour.nextTokens()
    const { tokensPerChunk } = behaviour
    const script = wire.stream?.(request, { sequence, tokens, tokensPerChunk })
    const responseBytes = script ? undefined : behaviour.nextResponseBytes()
    const smallestBytes = wire.smallestBytes?.(request) ?? 0
    if (responseBytes !== undefined) checkRoom(smallestBytes, responseBytes)
    const isSized = responseBytes !== undefined && smallestBytes > 0
    const answerTokens = isSized ? estimateTokens(responseBytes) : tokens
    const head = admit(Math.min(answerTokens, request.maxTokens ?? Infinity))
    this.#nextSequence += this.#sequenceStep
    const { promptTokens } = request
    const intervals = () => behaviour.intervalsOf(sequence)
    const plannedUs = script
      ? behaviour.nextFirstTokenUs({ promptTokens, receivedNs }, () => sumOf(intervals(), script.chunks - 1) / 1_000)
      : behaviour.nextDelayUs({ promptTokens, receivedNs })
    const fault = askedFault ?? drawnFault
    // Drawn intervals have a generator of their own, which an answer that is given whole can do without.
    const nextIntervalNs = script ? intervals() : noInterval
    return { sequence, plannedUs, responseBytes, tokens, fault, head, script, tokensPerChunk, nextIntervalNs }
  }

  /** Gives the answer when it is due. */
  give<Request extends WireRequest>(exchange: Exchange<Request>, plan: PlannedAnswer): void {
    const { fault, plannedUs, script } = plan
    const isStream = script !== undefined && (fault === undefined || !endsWithoutStream(fault))
    const due: Due = isStream
      ? this.#startStream(exchange, script, plan)
      : new WholeAnswer<Request>(this.#host, exchange, plan)
    if (plannedUs === 0) {
      due.release()
    } else {
      this.#queue.add(exchange.receivedNs + plannedUs * 1_000, due)
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

  #startStream<Request extends WireRequest>(
    exchange: Exchange<Request>,
    script: StreamScript,
    { sequence, plannedUs, fault, head: planned, tokens, tokensPerChunk, nextIntervalNs }: PlannedAnswer,
  ): TokenStream {
    const { wire, request, response, keyLabel, receivedNs } = exchange
    const { socket } = response.req
    if (fault?.kind === 'close') closeAfter(response)
    const sink = fault?.kind === 'slow-headers' ? this.#slowHead(response, fault.forMs) : new ChunkSink(response)
    const stream = new TokenStream({
      sink,
      socket,
      script,
      pace: { startNs: receivedNs, firstUs: plannedUs, nextIntervalNs },
      writeHead: (delay) => {
        this.#host.given(keyLabel, delay, 200)
        const head = ['content-type', script.contentType ?? EVENT_STREAM, 'cache-control', 'no-cache']
        if (wire.head) head.push(...wire.head(request, { sequence, delay }))
        if (planned) head.push(...planned)
        sink.writeHead(200, this.#finishHead(response, head, delay))
      },
      filler: fillerOf(Math.min(tokens, request.maxTokens ?? Infinity), tokensPerChunk),
      fault: fault && isStreamFault(fault) ? fault : undefined,
      host: this.#streamHost,
    })
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
      stalled: (stream) => this.#held.add(stream),
      resumed: (stream) => {
        this.#held.delete(stream)
        stream.release()
      },
      ended: (stream) => {
        this.#held.delete(stream)
        const streams = this.#streams.get(stream.socket)
        streams?.delete(stream)
        if (streams?.size === 0) this.#streams.delete(stream.socket)
        this.#settle()
      },
    }
  }

  #slowHead(response: ServerResponse, forMs: number): AnswerSink {
    const sink: SlowHeadSink = new SlowHeadSink(
      response,
      forMs,
      () => {
        this.#held.delete(sink)
        this.#settle()
      },
      () => this.#held.add(sink),
    )
    return sink
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

const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/** @throws {ProviderError} 400 */
function checkRoom(smallestBytes: number, responseBytes: number): void {
  if (responseBytes >= smallestBytes) return
  throw badRequest(
    `an answer with this model takes at least ${smallestBytes} bytes, and its size here is ${responseBytes}; raise --response-size, or name a shorter model`,
    'model',
  )
}

/** Faults that leave nothing of a stream. */
function endsWithoutStream({ kind }: Fault): boolean {
  return kind === 'error' || kind === 'reset' || kind === 'hang'
}

function isStreamFault(fault: Fault): fault is StreamFault {
  return ['cut', 'stall', 'truncate', 'garble'].includes(fault.kind)
}

const noInterval = (): number => 0
const noFiller = (): string => ''

/** A word for each token of a chunk after its first. */
function fillerOf(tokens: number, tokensPerChunk: number): (index: number) => string {
  if (tokensPerChunk === 1) return noFiller
  return (index) => 'more '.repeat(Math.min(tokensPerChunk, tokens - index * tokensPerChunk) - 1)
}

function sumOf(next: () => number, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += next()
  return sum
}
