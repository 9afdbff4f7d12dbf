import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Wire } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Fault } from './fault-model.ts'
import { ProviderError } from './provider-error.ts'
import type { MockDelay } from './truth.ts'

/** What an answer that is given whole needs of whoever gives it. */
export interface AnswerHost {
  clock: Clock
  /** Adds to a head what every answer says. */
  finishHead(response: ServerResponse, head: string[], delay: MockDelay): string[]
  /** The connection is kept without an answer, until the caller leaves or the mock drains. */
  hang(socket: Socket): void
}

/** A request, where its answer goes, and the fault that the request itself asks for. */
export interface Exchange<Request> {
  wire: Wire<Request>
  request: Request
  response: ServerResponse
  /** When the last byte of the request was read. */
  receivedNs: number
  fault: Fault | undefined
}

/** One answer that is given whole, or what a fault makes of it. */
export class WholeAnswer<Request> {
  // All in one object: with thousands waiting, each one more is copied by the scavenger again and again.
  readonly #host: AnswerHost
  readonly #wire: Wire<Request>
  readonly #request: Request
  readonly #response: ServerResponse
  readonly #receivedNs: number
  readonly #sequence: number
  readonly #plannedUs: number
  readonly #fault: Fault | undefined

  /** @param fault in place of the one that the request asks for, which may be none */
  constructor(
    host: AnswerHost,
    { wire, request, response, receivedNs }: Exchange<Request>,
    sequence: number,
    plannedUs: number,
    fault: Fault | undefined,
  ) {
    this.#host = host
    this.#wire = wire
    this.#request = request
    this.#response = response
    this.#receivedNs = receivedNs
    this.#sequence = sequence
    this.#plannedUs = plannedUs
    this.#fault = fault
  }

  release(): void {
    const response = this.#response
    const fault = this.#fault
    if (response.destroyed) return
    switch (fault?.kind) {
      case undefined:
        response.end(this.#begin(), 'latin1')
        break
      case 'cut': {
        const body = this.#begin()
        response.write(body.slice(0, body.length >> 1), 'latin1')
        this.#socket.destroySoon()
        break
      }
      case 'error':
        this.#fail(fault.status, fault.retryAfterSec)
        break
      case 'reset':
        this.#socket.resetAndDestroy()
        break
      case 'hang':
        this.#host.hang(this.#socket)
    }
  }

  // Not response.socket: that is null while an earlier request of the connection waits for its answer.
  get #socket(): Socket {
    return this.#response.req.socket
  }

  /** Writes the head; yields the body that goes with it. */
  #begin(): string {
    const createdSec = Math.floor(Date.now() / 1_000)
    const delay = this.#delay()
    const body = this.#wire.body(this.#request, this.#sequence, delay, createdSec)
    this.#response.writeHead(200, this.#host.finishHead(this.#response, headOf(body), delay))
    return body
  }

  #fail(status: number, retryAfterSec: number | undefined): void {
    const response = this.#response
    const message = `the mock provider was told to answer this request with ${status}`
    const error = new ProviderError(status, message, { retryAfterSec })
    const body = this.#wire.error(error)
    const head = headOf(body)
    if (error.retryAfterSec !== undefined) head.push('retry-after', String(error.retryAfterSec))
    response.writeHead(status, this.#host.finishHead(response, head, this.#delay()))
    response.end(body, 'latin1')
  }

  #delay(): MockDelay {
    return { plannedUs: this.#plannedUs, actualUs: Math.floor((this.#host.clock() - this.#receivedNs) / 1_000) }
  }
}

function headOf(body: string): string[] {
  return ['content-type', 'application/json', 'content-length', String(body.length)]
}
