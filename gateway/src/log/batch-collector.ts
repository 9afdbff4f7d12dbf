import type { RequestLogCounters, RequestRecord } from '../core/request-log.ts'
import { BatchPacker, type PackedBatch } from './packed-batch.ts'

/** Calls `callback` once after `ms`, unless what it returned is called before. */
export type StartTimer = (callback: () => void, ms: number) => () => void

export interface BatchCollectorOptions {
  /** Rows that are given away at once. */
  batchSize: number
  /** The longest that a record stays here while the writer keeps up, ms. */
  batchIntervalMs: number
  /** Most records that wait, here and at the writer together. */
  maxWaiting: number
  startTimer: StartTimer
  /** Takes a batch to the writer; its fate comes back through `settled`. */
  send: (batch: PackedBatch) => void
}

/** One batch is being written, one is at hand for when it is: more would not be written sooner. */
const SENT_AHEAD = 2

/** Gathers records into batches and bounds how many wait. All that a request pays for is `add`. */
export class BatchCollector {
  readonly counters: RequestLogCounters = { written: 0, dropped: 0, waiting: 0, failures: 0, batches: 0 }
  private readonly options: BatchCollectorOptions
  private readonly packer: BatchPacker
  private sent = 0
  private stopTimer: (() => void) | undefined
  private due = false
  private closed = false
  private abandoned = false

  constructor(options: BatchCollectorOptions) {
    this.options = options
    this.packer = new BatchPacker(options.batchSize)
  }

  add(record: RequestRecord): void {
    if (this.closed || this.counters.waiting >= this.options.maxWaiting) {
      this.counters.dropped++
      return
    }
    this.counters.waiting++
    this.packer.add(record)
    if (this.packer.rows === this.options.batchSize) this.send()
    else if (this.packer.rows === 1) this.startTimer()
  }

  /** A batch of so many rows is written, or given up. */
  settled(rows: number, written: boolean): void {
    // Its rows are counted as dropped already.
    if (this.abandoned) return
    this.sent--
    this.counters.waiting -= rows
    if (written) {
      this.counters.written += rows
      this.counters.batches++
    } else this.counters.dropped += rows
    if (this.due) this.sendWhenDue()
  }

  failed(): void {
    this.counters.failures++
  }

  /** Gives away what is left and takes no more. */
  close(): void {
    this.closed = true
    if (this.packer.rows > 0) this.send()
  }

  /** Nothing is written any more: what still waits is lost. */
  abandon(): void {
    this.closed = true
    this.abandoned = true
    this.stopTimer?.()
    this.counters.dropped += this.counters.waiting
    this.counters.waiting = 0
  }

  private startTimer(): void {
    this.stopTimer = this.options.startTimer(() => {
      this.due = true
      this.sendWhenDue()
    }, this.options.batchIntervalMs)
  }

  private sendWhenDue(): void {
    // While the database is slow, batches fill up here: full ones take it less time and hold less memory.
    if (this.sent < SENT_AHEAD) this.send()
  }

  private send(): void {
    this.stopTimer?.()
    this.stopTimer = undefined
    this.due = false
    this.sent++
    this.options.send(this.packer.take())
  }
}
