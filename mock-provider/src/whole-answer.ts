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

/** A request, what was planned for it, and where its answer goes. */
export interface Planned<Request> {
  wire: Wire<Request>
  request: Request
  response: ServerResponse
  /** When the last byte of the request was read. */
  receivedNs: number
  sequence: number
  plannedUs: number
  fault: Fault | undefined
}

/** One answer that is given whole, or what a fault makes of it. */
export class WholeAnswer<Request> {
  readonly #host: AnswerHost
  readonly #planned: Planned<Request>

  constructor(host: AnswerHost, planned: Planned<Request>) {
    this.#host = host
    this.#planned = planned
  }

  release(): void {
    const { response, fault } = this.#planned
    if (response.destroyed) return
    // Not response.socket: that is null while an earlier request of the connection waits for its answer.
    const { socket } = response.req
    switch (fault?.kind) {
      case undefined:
        response.end(this.#begin(), 'latin1')
        break
      case 'cut': {
        const body = this.#begin()
        response.write(body.slice(0, body.length >> 1), 'latin1')
        socket.destroySoon()
        break
      }
      case 'error':
        this.#fail(fault.status, fault.retryAfterSec)
        break
      case 'reset':
        socket.resetAndDestroy()
        break
      case 'hang':
        this.#host.hang(socket)
    }
  }

  /** Writes the head; yields the body that goes with it. */
  #begin(): string {
    const { wire, request, response, sequence } = this.#planned
    const createdSec = Math.floor(Date.now() / 1_000)
    const delay = this.#delay()
    const body = wire.body(request, sequence, delay, createdSec)
    response.writeHead(200, this.#host.finishHead(response, headOf(body), delay))
    return body
  }

  #fail(status: number, retryAfterSec: number | undefined): void {
    const { wire, response } = this.#planned
    const message = `the mock provider was told to answer this request with ${status}`
    const error = new ProviderError(status, message, { retryAfterSec })
    const body = wire.error(error)
    const head = headOf(body)
    if (error.retryAfterSec !== undefined) head.push('retry-after', String(error.retryAfterSec))
    response.writeHead(status, this.#host.finishHead(response, head, this.#delay()))
    response.end(body, 'latin1')
  }

  #delay(): MockDelay {
    const { receivedNs, plannedUs } = this.#planned
    return { plannedUs, actualUs: Math.floor((this.#host.clock() - receivedNs) / 1_000) }
  }
}

function headOf(body: string): string[] {
  return ['content-type', 'application/json', 'content-length', String(body.length)]
}
