import type { RequestLog, RequestLogCounters, RequestRecord } from '../core/request-log.ts'
import { CLOSE_LIMIT_MS, settledWithin } from './close-limit.ts'
import { type LogStore, StoreError } from './log-store.ts'
import { packOne } from './packed-batch.ts'
import { RequestLogError } from './request-log-error.ts'

/** A log that writes each row by itself, before its request is answered. Tries once: a row that fails is dropped. */
export class SynchronousLog implements RequestLog {
  readonly counters: RequestLogCounters = { written: 0, dropped: 0, waiting: 0, failures: 0, batches: 0 }
  private readonly store: LogStore
  private readonly maxWaiting: number
  private readonly warn: (message: string) => void
  private warned = false
  private closed = false
  private onIdle = (): void => undefined
  private closing: Promise<void> | undefined

  private constructor(store: LogStore, maxWaiting: number, warn: (message: string) => void) {
    this.store = store
    this.maxWaiting = maxWaiting
    this.warn = warn
  }

  /** @throws RequestLogError when the database cannot be used; one that is merely away is a warning. */
  static async open(store: LogStore, maxWaiting: number, warn: (message: string) => void): Promise<SynchronousLog> {
    const log = new SynchronousLog(store, maxWaiting, warn)
    try {
      await store.open()
    } catch (error) {
      if (!(error instanceof StoreError && error.passing)) {
        throw new RequestLogError(`cannot use the ${store.name}: ${String(error)}`)
      }
      log.failed(error)
    }
    return log
  }

  async add(record: RequestRecord): Promise<void> {
    if (this.closed || this.counters.waiting >= this.maxWaiting) {
      this.counters.dropped++
      return
    }
    this.counters.waiting++
    try {
      await this.store.write(packOne(record))
      this.counters.written++
      this.counters.batches++
    } catch (error) {
      this.counters.dropped++
      this.failed(error)
    }
    if (--this.counters.waiting === 0) this.onIdle()
  }

  close(limitMs = CLOSE_LIMIT_MS): Promise<void> {
    this.closing ??= this.closeWithin(limitMs)
    return this.closing
  }

  private async closeWithin(limitMs: number): Promise<void> {
    this.closed = true
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve
      if (this.counters.waiting === 0) resolve()
    })
    await settledWithin(
      idle.then(() => this.store.close()),
      limitMs,
    )
    this.store.destroy()
  }

  private failed(error: unknown): void {
    this.counters.failures++
    // Once: under overload rows fail and succeed by turns, thousands a second.
    if (this.warned) return
    this.warned = true
    const reason = error instanceof Error ? error.message : String(error)
    this.warn(
      `request log: cannot write to ${this.store.name}; rows that fail are dropped and counted, this is told once: ${reason}`,
    )
  }
}
