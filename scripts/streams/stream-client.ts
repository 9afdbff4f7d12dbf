import { connect, type Socket } from 'node:net'
import { HttpSyntaxError, ResponseParser } from '@gatebench/gateway/http1'
import { EventReader, type EventListener } from './event-reader.ts'
import type { Tally } from './tally.ts'

/** One for all streams of a process: reads are handled one at a time, before the next. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)

/** One stream over a plain socket of its own, which is opened before it is wanted. */
export class StreamClient implements EventListener {
  readonly opened: Promise<void>
  readonly ended: Promise<void>
  readonly #socket: Socket
  readonly #tally: Tally
  readonly #events = new EventReader(this)
  readonly #parser = new ResponseParser({
    onBody: (bytes, start, end) => {
      this.#events.read(bytes, start, end)
    },
  })
  #expected = 0
  #next = 0
  #lost = 0
  #baseNs = Infinity
  #receivedNs = 0
  #done = false
  #failure: string | undefined
  #end: (() => void) | undefined

  constructor(url: URL, tally: Tally) {
    this.#tally = tally
    this.ended = new Promise((resolve) => (this.#end = resolve))
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (byteCount, bytes) => {
          this.#read(bytes as Buffer, byteCount)
          return true
        },
      },
    })
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve).once('error', reject)
    })
    this.#socket.on('error', (error: NodeJS.ErrnoException) => (this.#failure ??= error.code ?? error.message))
    this.#socket.on('close', () => {
      this.#finish('closed before its end')
    })
  }

  /** @param chunks how many the request asks for */
  start(request: string, chunks: number): void {
    this.#expected = chunks
    this.#socket.write(request, 'latin1')
  }

  /** Does not wait for the rest. */
  giveUp(): void {
    this.#finish('no end in time')
  }

  onChunk(index: number, writtenNs: number): void {
    if (index < this.#next) {
      this.#lost++
      return
    }
    this.#lost += index - this.#next
    this.#next = index + 1
    // No chunk is written before it is due: the earliest by the pace of the stream gives the pace its origin.
    const { intervalNs } = this.#tally
    this.#baseNs = Math.min(this.#baseNs, writtenNs - index * intervalNs)
    this.#tally.chunk(this.#baseNs + index * intervalNs, writtenNs, this.#receivedNs)
  }

  onDone(): void {
    this.#done = true
  }

  onError(event: string): void {
    this.#failure ??= event
  }

  #read(bytes: Buffer, byteCount: number): void {
    this.#receivedNs = Number(process.hrtime.bigint())
    try {
      this.#parser.execute(bytes, 0, byteCount)
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error
      this.#failure ??= `not HTTP: ${error.message}`
    }
    if (this.#parser.complete || this.#failure !== undefined) this.#finish(`status ${this.#parser.status}`)
  }

  /** @param failure what it is when there was no [DONE] and no better reason is known */
  #finish(failure: string): void {
    if (this.#end === undefined) return
    this.#end()
    this.#end = undefined
    this.#socket.destroy()
    this.#tally.ended(this.#lost + this.#expected - this.#next, this.#done ? undefined : (this.#failure ?? failure))
  }
}
