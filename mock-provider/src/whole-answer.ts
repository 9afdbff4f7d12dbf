import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AnswerSink } from './answer-sink.ts'
import type { Clock } from './clock.ts'
import type { BodySize } from './completion.ts'
import type { Fault } from './fault-model.ts'
import { ProviderError } from './provider-error.ts'
import { garbled } from './stream.ts'
import type { MockDelay } from './truth.ts'
import type { RawHeaders, Wire, WireRequest } from './wire/wire.ts'

/** What an answer that is given whole needs of whoever gives it. */
export interface AnswerHost {
  clock: Clock
  /** Adds to a head what every answer says. */
  finishHead(response: ServerResponse, head: string[], delay: MockDelay): string[]
  /** The connection is kept without an answer, until the caller leaves or the mock drains. */
  hang(socket: Socket): void
  /** Goes on with `item` after so long, unless the caller leaves. */
  resumeAfter(forMs: number, item: { release(): void }, response: ServerResponse): void
  /** Where the answer is written instead, when its head is to be slow. */
  slowHead(response: ServerResponse, forMs: number): AnswerSink
  /** The answer, or what a fault made of it, is on its way. @param status undefined for none */
  given(keyLabel: string, delay: MockDelay, status: number | undefined): void
}

/** What the mock has decided of one answer. */
export interface AnswerPlan extends BodySize {
  sequence: number
  /** Delay of the whole answer; of a stream, of its first content chunk. */
  plannedUs: number
  fault: Fault | undefined
  /** Headers of the answer besides its own, an error's included; undefined for none. */
  head: RawHeaders | undefined
}

/** A request, how it is answered, and where. */
export interface Exchange<Request extends WireRequest> {
  wire: Wire<Request>
  request: Request
  response: ServerResponse
  /** The label under which its API key is counted. */
  keyLabel: string
  /** When the last byte of the request was read. */
  receivedNs: number
}

/** One answer that is given whole, or what a fault makes of it. */
export class WholeAnswer<Request extends WireRequest> {
  // All in one object: with thousands waiting, each one more is copied by the scavenger again and again.
  readonly #host: AnswerHost
  readonly #exchange: Exchange<Request>
  readonly #plan: AnswerPlan
  /** Second half of an answer that has stalled. */
  #rest: string | undefined

  constructor(host: AnswerHost, exchange: Exchange<Request>, plan: AnswerPlan) {
    this.#host = host
    this.#exchange = exchange
    this.#plan = plan
  }

  release(): void {
    const { response } = this.#exchange
    const { fault } = this.#plan
    if (response.destroyed) return
    if (this.#rest !== undefined) {
      response.end(this.#rest, 'latin1')
      return
    }
    if (fault?.kind === 'error') {
      this.#fail(fault.status, fault.retryAfterSec)
    } else if (fault?.kind === 'reset') {
      this.#given(undefined)
      this.#socket.resetAndDestroy()
    } else if (fault?.kind === 'hang') {
      this.#given(undefined)
      this.#host.hang(this.#socket)
    } else {
      this.#answer(fault)
    }
  }

  // Not response.socket: that is null while an earlier request of the connection waits for its answer.
  get #socket(): Socket {
    return this.#exchange.response.req.socket
  }

  #answer(fault: Exclude<Fault, { kind: 'error' | 'reset' | 'hang' }> | undefined): void {
    const { wire, request, response } = this.#exchange
    const { sequence, responseBytes, tokens } = this.#plan
    const delay = this.#given(200)
    const createdSec = Math.floor(Date.now() / 1_000)
    const body = wire.body(request, { sequence, delay, createdSec, responseBytes, tokens })
    switch (fault?.kind) {
      case undefined:
        this.#give(response, body, delay)
        break
      case 'truncate':
        this.#give(response, body.slice(0, body.length >> 1), delay)
        break
      case 'garble':
        this.#give(response, garbled(body), delay)
        break
      case 'slow-headers':
        this.#give(this.#host.slowHead(response, fault.forMs), body, delay)
        break
      case 'close':
        closeAfter(response)
        this.#give(response, body, delay)
        break
      case 'cut':
        this.#giveHalf(body, delay)
        this.#socket.destroySoon()
        break
      case 'stall':
        this.#giveHalf(body, delay)
        this.#rest = body.slice(body.length >> 1)
        this.#host.resumeAfter(fault.forMs, this, response)
    }
  }

  #give(sink: AnswerSink, body: string, delay: MockDelay): void {
    this.#begin(sink, body, delay)
    sink.end(body, 'latin1')
  }

  #giveHalf(body: string, delay: MockDelay): void {
    const { response } = this.#exchange
    this.#begin(response, body, delay)
    response.write(body.slice(0, body.length >> 1), 'latin1')
  }

  #begin(sink: AnswerSink, body: string, delay: MockDelay): void {
    const { wire, request, response } = this.#exchange
    const head = headOf(body)
    if (wire.head) head.push(...wire.head(request, { sequence: this.#plan.sequence, delay }))
    if (this.#plan.head) head.push(...this.#plan.head)
    sink.writeHead(200, this.#host.finishHead(response, head, delay))
  }

  #fail(status: number, retryAfterSec: number | undefined): void {
    const { wire, response } = this.#exchange
    const message = `the mock provider was told to answer this request with ${status}`
    const error = new ProviderError(status, message, { retryAfterSec })
    const body = wire.error(error)
    const head = headOf(body)
    if (wire.errorHead) head.push(...wire.errorHead(error))
    if (this.#plan.head) head.push(...this.#plan.head)
    if (error.retryAfterSec !== undefined) head.push('retry-after', String(error.retryAfterSec))
    response.writeHead(status, this.#host.finishHead(response, head, this.#given(status)))
    response.end(body, 'latin1')
  }

  #given(status: number | undefined): MockDelay {
    const { receivedNs } = this.#exchange
    const actualUs = Math.floor((this.#host.clock() - receivedNs) / 1_000)
    const delay = { plannedUs: this.#plan.plannedUs, actualUs }
    this.#host.given(this.#exchange.keyLabel, delay, status)
    return delay
  }
}

/** The connection ends after the answer, which does not say so. */
export function closeAfter(response: ServerResponse): void {
  response.once('finish', () => {
    response.req.socket.destroySoon()
  })
}

function headOf(body: string): string[] {
  return ['content-type', 'application/json', 'content-length', String(body.length)]
}
