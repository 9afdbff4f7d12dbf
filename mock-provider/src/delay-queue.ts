import type { Clock } from './clock.ts'

/** Where the queue gets its wake-ups from: the one timer that it keeps armed. */
export interface Alarm {
  /** Calls `wake` once, about `delayMs` from now, in place of what was set before. */
  set(delayMs: number): void
  clear(): void
}

/** A real timer, at Node's resolution of 1 ms. */
export function timerAlarm(wake: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined
  return {
    set(delayMs) {
      clearTimeout(timer)
      timer = setTimeout(wake, delayMs)
    },
    clear() {
      clearTimeout(timer)
    },
  }
}

const INITIAL_CAPACITY = 1_024

/**
 * Thousands of delays in one binary heap (keys in typed arrays, ties in order of arrival) behind one timer.
 * `releaseDue` may also be called at any other time: under load each arriving request does, which makes releases finer
 * than the timer's 1 ms. Nothing is released before it is due.
 */
export class DelayQueue<T> {
  readonly #clock: Clock
  readonly #release: (item: T) => void
  readonly #alarm: Alarm
  #dueNs = new Float64Array(INITIAL_CAPACITY)
  #order = new Float64Array(INITIAL_CAPACITY)
  readonly #items: T[] = []
  #nextOrder = 0
  #armedForNs = Infinity
  #releasing = false

  constructor(options: { clock: Clock; release: (item: T) => void; alarm?: (wake: () => void) => Alarm }) {
    this.#clock = options.clock
    this.#release = options.release
    this.#alarm = (options.alarm ?? timerAlarm)(() => {
      this.#armedForNs = Infinity
      this.releaseDue()
    })
  }

  /** Items that wait. */
  get size(): number {
    return this.#items.length
  }

  /** Releases `item` as soon after `dueNs` (on the queue's clock) as it can. */
  add(dueNs: number, item: T): void {
    const at = this.#items.length
    if (at === this.#dueNs.length) this.#grow()
    this.#items.push(item)
    this.#siftUp(at, dueNs, this.#nextOrder++, item)
    if (!this.#releasing && dueNs < this.#armedForNs) this.#arm()
  }

  /** Releases, in order, everything that is due by now; what a release makes due is released as well. */
  releaseDue(): void {
    if (this.#releasing) return
    this.#releasing = true
    try {
      while (this.#items.length > 0 && this.#dueNs[0]! <= this.#clock()) this.#release(this.#removeHead())
    } finally {
      this.#releasing = false
      this.#arm()
    }
  }

  // An alarm that is set too early is cheap (it finds nothing due and sets the next); one per change of head is not.
  #arm(): void {
    if (this.#items.length === 0) {
      if (this.#armedForNs !== Infinity) this.#alarm.clear()
      this.#armedForNs = Infinity
      return
    }
    const headNs = this.#dueNs[0]!
    if (headNs >= this.#armedForNs) return
    this.#armedForNs = headNs
    this.#alarm.set(Math.max(0, (headNs - this.#clock()) / 1e6))
  }

  /** Takes out an item that waits; false when it does not. Linear: for what is given up, not for what falls due. */
  remove(item: T): boolean {
    const at = this.#items.indexOf(item)
    if (at === -1) return false
    const last = this.#items.pop()!
    const size = this.#items.length
    if (at < size) {
      const dueNs = this.#dueNs[size]!
      const order = this.#order[size]!
      // The last item takes the free place, and goes from there to where it belongs: down, or up in another branch.
      if (at > 0 && this.#isBefore(dueNs, order, (at - 1) >> 1)) this.#siftUp(at, dueNs, order, last)
      else this.#siftDown(at, dueNs, order, last)
    }
    if (size === 0 && !this.#releasing) this.#arm()
    return true
  }

  #removeHead(): T {
    const head = this.#items[0]!
    const last = this.#items.pop()!
    const size = this.#items.length
    if (size > 0) this.#siftDown(0, this.#dueNs[size]!, this.#order[size]!, last)
    return head
  }

  #siftUp(from: number, dueNs: number, order: number, item: T): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(dueNs, order, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#place(at, dueNs, order, item)
  }

  #siftDown(from: number, dueNs: number, order: number, item: T): void {
    const size = this.#items.length
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && this.#isBefore(this.#dueNs[child + 1]!, this.#order[child + 1]!, child)) child++
      if (this.#isBefore(dueNs, order, child)) break
      this.#move(child, at)
      at = child
    }
    this.#place(at, dueNs, order, item)
  }

  #isBefore(dueNs: number, order: number, other: number): boolean {
    const otherNs = this.#dueNs[other]!
    return dueNs < otherNs || (dueNs === otherNs && order < this.#order[other]!)
  }

  #move(from: number, to: number): void {
    this.#place(to, this.#dueNs[from]!, this.#order[from]!, this.#items[from]!)
  }

  #place(at: number, dueNs: number, order: number, item: T): void {
    this.#dueNs[at] = dueNs
    this.#order[at] = order
    this.#items[at] = item
  }

  #grow(): void {
    this.#dueNs = doubled(this.#dueNs)
    this.#order = doubled(this.#order)
  }
}

function doubled(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2)
  larger.set(array)
  return larger
}
