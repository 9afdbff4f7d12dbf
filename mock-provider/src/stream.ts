import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from './clock.ts'
import type { MockDelay } from './truth.ts'

/** The text of one stream, event by event, in one dialect. All of it ASCII. */
export interface StreamScript {
  /** Content chunks, >= 1. */
  readonly chunks: number
  /** What stands before the first content chunk, with what all events carry: the delay, in the id, and the Unix time. */
  begin(delay: MockDelay, createdSec: number): string
  /** Content chunk `index` (from 0), written at `sentNs` (CLOCK_MONOTONIC). */
  chunk(index: number, sentNs: bigint): string
  /** What stands after the last content chunk. */
  end(): string
}

/** When the chunks of a stream are due: chunk k at start + first + k * interval, so that no lateness adds up. */
export interface StreamPace {
  /** The request fully read, ns. */
  startNs: number
  firstUs: number
  intervalNs: number
}

/** What a stream needs of whoever runs it. */
export interface StreamHost {
  clock: Clock
  /** CLOCK_MONOTONIC, ns. */
  monotonicNs: () => bigint
  unixSec: () => number
  /** Calls `release` at `dueNs` or soon after. */
  schedule(dueNs: number, stream: TokenStream): void
  /** The reader is slow: nothing is scheduled until it has taken what was written. */
  stalled(stream: TokenStream): void
  resumed(stream: TokenStream): void
  /** Nothing more will be written. */
  ended(stream: TokenStream): void
  /** Status line and headers, as the first chunk is about to be written. */
  writeHead(response: ServerResponse, delay: MockDelay): void
}

/** Written at once at most: what is overdue is joined up to here, then the reader's pace counts. */
const BATCH_CHARS = 16_384

/** One streamed answer on its way: writes what is due each time that it is released. */
export class TokenStream {
  readonly socket: Socket
  readonly #response: ServerResponse
  readonly #script: StreamScript
  readonly #pace: StreamPace
  readonly #cutAfter: number
  readonly #host: StreamHost
  #written = 0

  /** @param options.cut whether the connection ends in the middle of the stream */
  constructor(options: {
    response: ServerResponse
    socket: Socket
    script: StreamScript
    pace: StreamPace
    cut: boolean
    host: StreamHost
  }) {
    this.#response = options.response
    this.socket = options.socket
    this.#script = options.script
    this.#pace = options.pace
    this.#cutAfter = options.cut ? Math.ceil(options.script.chunks / 2) : Infinity
    this.#host = options.host
  }

  release(): void {
    if (this.socket.destroyed) {
      this.#host.ended(this)
      return
    }
    const { chunks } = this.#script
    const nowNs = this.#host.clock()
    // Both clocks in one breath: chunk 0 is then as late by its stamp as by the delay in the id. And one stamp for all
    // that goes out in one write.
    const sentNs = this.#host.monotonicNs()
    let text = this.#written === 0 ? this.#begin(nowNs) : ''
    while (this.#written < chunks && this.#dueNs() <= nowNs && text.length < BATCH_CHARS) {
      text += this.#script.chunk(this.#written++, sentNs)
      if (this.#written === this.#cutAfter) {
        this.#cut(text)
        return
      }
    }
    if (this.#written === chunks) {
      this.#response.end(text + this.#script.end(), 'latin1')
      this.#host.ended(this)
    } else if (text === '' || this.#response.write(text, 'latin1')) {
      this.#host.schedule(this.#dueNs(), this)
    } else {
      this.#host.stalled(this)
      this.#response.once('drain', () => {
        this.#host.resumed(this)
      })
    }
  }

  #dueNs(): number {
    const { startNs, firstUs, intervalNs } = this.#pace
    return startNs + firstUs * 1_000 + this.#written * intervalNs
  }

  #begin(nowNs: number): string {
    const { startNs, firstUs } = this.#pace
    const delay = { plannedUs: firstUs, actualUs: Math.floor((nowNs - startNs) / 1_000) }
    this.#host.writeHead(this.#response, delay)
    return this.#script.begin(delay, this.#host.unixSec())
  }

  // The caller gets what was written and then the end of the connection, not of the answer.
  #cut(text: string): void {
    this.#response.write(text, 'latin1')
    this.socket.destroySoon()
    this.#host.ended(this)
  }
}
