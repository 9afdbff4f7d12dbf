import { type LogStore, StoreError } from './log-store.ts'
import type { PackedBatch } from './packed-batch.ts'

/** How a batch ended. */
export interface BatchOutcome {
  rows: number
  /** false: given up, because the database refuses these rows for good. */
  written: boolean
}

export interface BatchWriterOptions {
  store: LogStore
  /** Resolves after `ms`. */
  wait: (ms: number) => Promise<unknown>
  onOutcome: (outcome: BatchOutcome) => void
  /** A try that did not write. */
  onFailure: () => void
  /** For an operator's eyes, once when writing stops and once when it goes on. */
  onWarning: (message: string) => void
}

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 3_000
/** So often a batch is tried that the database finds wrong, before it is given up for those that follow. */
const TRIES_OF_A_REFUSED_BATCH = 5

/** Writes batches into a store in their order, one at a time; waits out a database that is away. */
export class BatchWriter {
  private readonly options: BatchWriterOptions
  private readonly waiting: PackedBatch[] = []
  private failuresInARow = 0
  private running: Promise<void> | undefined

  constructor(options: BatchWriterOptions) {
    this.options = options
  }

  /** Opens the store before the first batch, so that what is wrong with it is told now. */
  async open(): Promise<void> {
    try {
      await this.options.store.open()
    } catch (error) {
      this.failed(error)
    }
  }

  /** Queues a batch; how it ended comes to `onOutcome`. */
  add(batch: PackedBatch): void {
    this.waiting.push(batch)
    this.running ??= this.run()
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.running) await this.running
  }

  private async run(): Promise<void> {
    for (let batch = this.waiting.shift(); batch; batch = this.waiting.shift()) {
      const written = await this.write(batch)
      this.options.onOutcome({ rows: batch.rows, written })
    }
    this.running = undefined
  }

  /** true when the batch was written, false when it was given up. */
  private async write(batch: PackedBatch): Promise<boolean> {
    let refusals = 0
    for (;;) {
      try {
        await this.options.store.write(batch)
        this.recovered()
        return true
      } catch (error) {
        this.failed(error)
        if (!(error instanceof StoreError && error.passing) && ++refusals === TRIES_OF_A_REFUSED_BATCH) return false
      }
      await this.options.wait(Math.min(FIRST_BACKOFF_MS * 2 ** (this.failuresInARow - 1), MAX_BACKOFF_MS))
    }
  }

  private failed(error: unknown): void {
    this.options.onFailure()
    if (this.failuresInARow++ === 0) {
      const reason = error instanceof Error ? error.message : String(error)
      this.options.onWarning(`cannot write to ${this.options.store.name}, will try again: ${reason}`)
    }
  }

  private recovered(): void {
    if (this.failuresInARow === 0) return
    this.options.onWarning(`writes to ${this.options.store.name} again after ${this.failuresInARow} failures`)
    this.failuresInARow = 0
  }
}
