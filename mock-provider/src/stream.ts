import type { Socket } from 'node:net'
import type { AnswerSink } from './answer-sink.ts'
import type { Clock } from './clock.ts'
import type { Fault } from './fault-model.ts'
import { chunkText, type MockDelay } from './truth.ts'

/** The text of one stream, event by event, in one dialect. All of it latin1: one char a byte. */
export interface StreamScript {
  /** @default server-sent events */
  readonly contentType?: string
  /** Content chunks, >= 1. */
  readonly chunks: number
  /** What stands before the first content chunk, with what all events carry: the delay, in the id, and the Unix time. */
  begin(delay: MockDelay, createdSec: number): string
  /** Content chunk `index` (from 0). `text` is what a chunk of text says: plain ASCII without quotes. */
  chunk(index: number, text: string): string
  /** What stands after the last content chunk. */
  end(): string
}

/** When the chunks of a stream are due: at absolute times, so that no lateness adds up. */
export interface StreamPace {
  /** The request fully read, ns. */
  startNs: number
  /** The first content chunk is due so long after that. */
  firstUs: number
  /** Time from one chunk's deadline to the next one's, ns; asked once for each chunk after the first, in order. */
  nextIntervalNs: () => number
}

/** Faults that leave a stream its beginning. */
export type StreamFault = Extract<Fault, { kind: 'cut' | 'stall' | 'truncate' | 'garble' }>

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
}

/** Written at once at most: what is overdue is joined up to here, then the reader's pace counts. */
const BATCH_CHARS = 16_384

/** What a stream is, and where it goes. */
export interface StreamOptions {
  sink: AnswerSink
  socket: Socket
  script: StreamScript
  pace: StreamPace
  /** Writes status line and headers, as the first chunk is about to be written. */
  writeHead: (delay: MockDelay) => void
  /** Text of a chunk after its stamp. */
  filler: (index: number) => string
  /** Halfway through the stream; undefined for none. */
  fault: StreamFault | undefined
  host: StreamHost
}

/** One streamed answer on its way: writes what is due each time that it is released. */
export class TokenStream {
  readonly socket: Socket
  readonly #sink: AnswerSink
  readonly #script: StreamScript
  readonly #pace: StreamPace
  readonly #writeHead: (delay: MockDelay) => void
  readonly #filler: (index: number) => string
  readonly #fault: StreamFault | undefined
  readonly #midway: number
  readonly #host: StreamHost
  #written = 0
  /** When the next chunk is due. */
  #dueNs: number
  /** The same, after the first chunk was due and without a stall. */
  #plannedNs = 0

  constructor({ sink, socket, script, pace, writeHead, filler, fault, host }: StreamOptions) {
    this.#sink = sink
    this.socket = socket
    this.#script = script
    this.#pace = pace
    this.#writeHead = writeHead
    this.#filler = filler
    this.#fault = fault
    this.#midway = fault ? Math.ceil(script.chunks / 2) : Infinity
    this.#host = host
    this.#dueNs = pace.startNs + pace.firstUs * 1_000
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
    while (this.#written < chunks && this.#dueNs <= nowNs && text.length < BATCH_CHARS) {
      text += this.#nextChunk(sentNs)
      if (this.#written === this.#midway && this.#fault && this.#breakOff(this.#fault, text)) return
    }
    // A stall of the only chunk comes before the end.
    if (this.#written === chunks && this.#dueNs <= nowNs) {
      this.#sink.end(text + this.#script.end(), 'latin1')
      this.#host.ended(this)
    } else if (text === '' || this.#sink.write(text, 'latin1')) {
      this.#host.schedule(this.#dueNs, this)
    } else {
      this.#host.stalled(this)
      this.#sink.once('drain', () => {
        this.#host.resumed(this)
      })
    }
  }

  #nextChunk(sentNs: bigint): string {
    const index = this.#written++
    const stamp = chunkText(index, sentNs, Math.round(this.#plannedNs / 1_000))
    const chunk = this.#script.chunk(index, stamp + this.#filler(index))
    if (this.#written < this.#script.chunks) {
      const intervalNs = this.#pace.nextIntervalNs()
      this.#plannedNs += intervalNs
      this.#dueNs += intervalNs
    }
    const isGarbled = this.#written === this.#midway && this.#fault?.kind === 'garble'
    return isGarbled ? garbled(chunk) : chunk
  }

  #begin(nowNs: number): string {
    const { startNs, firstUs } = this.#pace
    const delay = { plannedUs: firstUs, actualUs: Math.floor((nowNs - startNs) / 1_000) }
    this.#writeHead(delay)
    return this.#script.begin(delay, this.#host.unixSec())
  }

  /** @returns whether the stream ends here */
  #breakOff(fault: StreamFault, text: string): boolean {
    switch (fault.kind) {
      case 'cut':
        // The caller gets what was written and then the end of the connection, not of the answer.
        this.#sink.write(text, 'latin1')
        this.socket.destroySoon()
        break
      case 'truncate':
        this.#sink.end(text, 'latin1')
        break
      case 'stall':
        this.#dueNs += fault.forMs * 1e6
        return false
      case 'garble':
        return false
    }
    this.#host.ended(this)
    return true
  }
}

/** JSON without its last bracket, and whatever stands around that. */
export function garbled(text: string): string {
  const at = text.lastIndexOf('}')
  return text.slice(0, at) + text.slice(at + 1)
}
