import { type Link, LinkedList } from './linked-list.ts'
import { nowMs } from './stage-clock.ts'

/** Something that may expire. */
export interface Expiring {
  deadlineMs: number
}

/**
 * Deadlines that all lie the same time ahead: the order of arrival is the order of expiry, so one list and one timer
 * serve thousands of requests, and a request that is answered in time never touches a timer.
 */
export class Deadlines<T extends Expiring> {
  private readonly afterMs: number
  private readonly expired: (item: T) => void
  private readonly list = new LinkedList<T>()
  private timer: NodeJS.Timeout | undefined

  constructor(afterMs: number, expired: (item: T) => void) {
    this.afterMs = afterMs
    this.expired = expired
  }

  get pending(): number {
    return this.list.length
  }

  add(link: Link<T>): void {
    link.value.deadlineMs = nowMs() + this.afterMs
    this.list.push(link)
    this.timer ??= setTimeout(this.sweep, this.afterMs).unref()
  }

  /** Something has happened: the whole time again from now. */
  restart(link: Link<T>): void {
    this.list.remove(link)
    this.add(link)
  }

  remove(link: Link<T>): void {
    this.list.remove(link)
  }

  close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private readonly sweep = (): void => {
    // Timers tick in ms: whoever is due within the next one is due now.
    const now = nowMs() + 1
    const due: T[] = []
    while (this.list.first !== undefined && this.list.first.deadlineMs <= now) due.push(this.list.shift()!)
    // The newest first: an old one that ends makes room, and room must not go to one that is due as well.
    for (const item of due.reverse()) this.expired(item)
    const first = this.list.first
    this.timer =
      first === undefined ? undefined : setTimeout(this.sweep, Math.max(1, Math.ceil(first.deadlineMs - now))).unref()
  }
}
