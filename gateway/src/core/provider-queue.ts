import { GatewayError } from './errors.ts'
import { type Link, LinkedList } from './linked-list.ts'

export interface ProviderQueueOptions<T> {
  /** Requests being processed at once, >= 1. */
  concurrency: number
  /** Requests that may wait, >= concurrency. */
  bufferSize: number
  /** Full: true rejects at once, false waits behind the buffer, in order of arrival. */
  dropExcess: boolean
  /** A worker took the job. It must end in one `leave`, sooner or later. */
  process: (job: T) => void
}

/**
 * One provider's bounded queue and its workers. The line of those who wait for room in a full buffer and the buffer
 * itself are one list: whoever is among its first `bufferSize` is in the buffer, and the order is the same.
 */
export class ProviderQueue<T> {
  private readonly options: ProviderQueueOptions<T>
  private readonly line = new LinkedList<T>()
  private taking = false
  active = 0

  constructor(options: ProviderQueueOptions<T>) {
    this.options = options
  }

  /** Waiting in the buffer. */
  get buffered(): number {
    return Math.min(this.line.length, this.options.bufferSize)
  }

  /** Waiting for room in the buffer. */
  get waitingForRoom(): number {
    return this.line.length - this.buffered
  }

  /** @throws GatewayError `queue_full` when the buffer is full and excess is dropped */
  enter(link: Link<T>): void {
    if (this.active < this.options.concurrency && this.line.length === 0) {
      this.active++
      this.options.process(link.value)
      return
    }
    if (this.options.dropExcess && this.line.length >= this.options.bufferSize) {
      throw new GatewayError('queue_full', 'request dropped: queue is full')
    }
    this.line.push(link)
  }

  /** A job that still waits goes away. False when it is not waiting. */
  withdraw(link: Link<T>): boolean {
    return this.line.remove(link)
  }

  /** A worker is done with its job and takes the next. */
  leave(): void {
    this.active--
    // A job that fails at once leaves inside `process`: a loop, or a long line of such jobs would overflow the stack.
    if (this.taking) return
    this.taking = true
    try {
      while (this.active < this.options.concurrency) {
        const job = this.line.shift()
        if (job === undefined) return
        this.active++
        this.options.process(job)
      }
    } finally {
      this.taking = false
    }
  }
}
