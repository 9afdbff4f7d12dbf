import { parseChunkStamp } from '@gatebench/mock-provider/truth'

/** What the events of one stream say. */
export interface EventListener {
  /** A content chunk: which, and when the mock wrote it, ns of CLOCK_MONOTONIC. */
  onChunk(index: number, writtenNs: number): void
  /** `data: [DONE]` */
  onDone(): void
  /** The event of a stream that failed in the middle. */
  onError(event: string): void
}

const EVENT_END = '\n\n'

/** Server-sent events out of a body in pieces of any size. */
export class EventReader {
  readonly #listener: EventListener
  /** Start of an event whose end has not come. */
  #tail = ''

  constructor(listener: EventListener) {
    this.#listener = listener
  }

  read(bytes: Buffer, start: number, end: number): void {
    const text = this.#tail + bytes.toString('latin1', start, end)
    let at = 0
    for (let next = text.indexOf(EVENT_END); next >= 0; next = text.indexOf(EVENT_END, at)) {
      this.#event(text.slice(at, next))
      at = next + EVENT_END.length
    }
    this.#tail = at === text.length ? '' : text.slice(at)
  }

  #event(event: string): void {
    const stamp = parseChunkStamp(event)
    // ns since boot are whole numbers of a double for the first 104 days.
    if (stamp) this.#listener.onChunk(stamp.index, Number(stamp.sentNs))
    else if (event === 'data: [DONE]') this.#listener.onDone()
    else if (event.includes('"error"')) this.#listener.onError(event)
  }
}
