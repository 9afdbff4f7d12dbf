import type { Clock } from '../clock.ts'

/** How long things were held by the line's own clock; the two times are absent when nothing was. */
export interface Held {
  count: number
  meanUs?: number
  maxUs?: number
}

/**
 * Holds each thing for the same time, in order.
 *
 * While it holds something it looks at the clock on every turn of the event loop, which takes all of a core, and it does
 * nothing while it holds nothing. A timer of node counts in ms; SystemClock's alarms sleep between turns, during which
 * what arrives is not read, so that it would wait for longer than this clock tells. On every turn sockets are read as
 * well, and what is held is late by one turn at most, a few us.
 */
export class DelayLine {
  readonly #delayNs: number
  readonly #clock: Pick<Clock, 'nowNs'>
  readonly #nextTurn: (callback: () => void) => void
  readonly #waiting: { sinceNs: number; release: (heldNs: number) => void }[] = []
  #turning = false

  /** `nextTurn` calls back once, after the event loop has read its sockets: setImmediate. */
  constructor(options: { delayNs: number; clock: Pick<Clock, 'nowNs'>; nextTurn: (callback: () => void) => void }) {
    this.#delayNs = options.delayNs
    this.#clock = options.clock
    this.#nextTurn = options.nextTurn
  }

  /**
   * Calls `release` as soon as it can after the delay, with the time that it really held it; within this call where
   * nothing is to be waited for. A release must not push.
   */
  push(release: (heldNs: number) => void): void {
    this.#waiting.push({ sinceNs: this.#clock.nowNs(), release })
    // Many sockets may be read in one turn: what falls due meanwhile does not wait for its end.
    this.#releaseDue()
    if (this.#turning || this.#waiting.length === 0) return
    this.#turning = true
    this.#nextTurn(this.#turn)
  }

  readonly #turn = (): void => {
    this.#releaseDue()
    this.#turning = this.#waiting.length > 0
    if (this.#turning) this.#nextTurn(this.#turn)
  }

  #releaseDue(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const heldNs = this.#clock.nowNs() - first.sinceNs
      if (heldNs < this.#delayNs) return
      this.#waiting.shift()
      first.release(heldNs)
    }
  }
}

/** Count, mean and maximum of times held. */
export class HeldTally {
  #count = 0
  #sumNs = 0
  #maxNs = 0

  add(heldNs: number): void {
    this.#count++
    this.#sumNs += heldNs
    this.#maxNs = Math.max(this.#maxNs, heldNs)
  }

  held(): Held {
    if (this.#count === 0) return { count: 0 }
    return { count: this.#count, meanUs: toUs(this.#sumNs / this.#count), maxUs: toUs(this.#maxNs) }
  }
}

/** To the ns. */
function toUs(ns: number): number {
  return Math.round(ns) / 1e3
}
