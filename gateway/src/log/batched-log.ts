import { Worker } from 'node:worker_threads'
import type { RequestLogConfig } from '../config.ts'
import type { RequestLog, RequestLogCounters, RequestRecord } from '../core/request-log.ts'
import { BatchCollector } from './batch-collector.ts'
import { CLOSE_LIMIT_MS, settledWithin } from './close-limit.ts'
import type { FromLogWorker, LogWorkerData, ToLogWorker } from './log-worker.ts'
import type { PackedBatch } from './packed-batch.ts'
import { RequestLogError } from './request-log-error.ts'

/** Waits before a thread that failed is started again: doubled from the first to the longest. */
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 3_000

const THREAD = new URL('./log-worker.ts', import.meta.url)

/** A log whose rows another thread writes. */
export class BatchedLog implements RequestLog {
  private readonly workerData: LogWorkerData
  private readonly thread: URL
  private readonly warn: (message: string) => void
  private readonly collector: BatchCollector
  private readonly ended = Promise.withResolvers<undefined>()
  private worker: Worker | undefined
  /** The thread has opened its database and takes batches. */
  private ready = false
  /** Rows of each batch that is in the thread, in the order in which outcomes come. */
  private readonly inThread: number[] = []
  /** Batches that are given to the next thread. */
  private unsent: PackedBatch[] = []
  /** Ends of the thread since a row was written. */
  private endsInARow = 0
  private stopPause = (): void => undefined
  private closing: Promise<void> | undefined

  private constructor(config: RequestLogConfig, warn: (message: string) => void, thread: URL) {
    // Only what the thread needs, because it is copied.
    this.workerData =
      config.store === 'sqlite' ? { store: 'sqlite', path: config.path } : { store: 'postgres', url: config.url }
    this.thread = thread
    this.warn = (message) => {
      warn(`request log: ${message}`)
    }
    this.collector = new BatchCollector({
      ...config,
      startTimer,
      send: (batch) => {
        if (this.ready) this.tellBatch(batch)
        else this.unsent.push(batch)
      },
    })
  }

  /**
   * @param thread its body, for tests
   * @throws RequestLogError when a SQLite file cannot be used.
   */
  static async open(
    config: RequestLogConfig,
    warn: (message: string) => void,
    thread: URL = THREAD,
  ): Promise<BatchedLog> {
    const log = new BatchedLog(config, warn, thread)
    const problem = await log.start()
    if (problem !== undefined) throw new RequestLogError(problem)
    return log
  }

  get counters(): Readonly<RequestLogCounters> {
    return this.collector.counters
  }

  add(record: RequestRecord): undefined {
    this.collector.add(record)
  }

  close(limitMs = CLOSE_LIMIT_MS): Promise<void> {
    this.closing ??= this.closeWithin(limitMs)
    return this.closing
  }

  private async closeWithin(limitMs: number): Promise<void> {
    this.collector.close()
    if (this.ready) this.tell({ kind: 'close' })
    // Else the next thread is told, once it has the batches that wait for it.
    else if (this.counters.waiting === 0) this.ended.resolve(undefined)
    await settledWithin(this.ended.promise, limitMs)
    this.stopPause()
    this.collector.abandon()
    // Not awaited: a thread that hangs in a system call ends when that returns, which may be never.
    void this.worker?.terminate()
    this.worker?.unref()
  }

  /** Starts the thread. Resolves when it is ready, or with what keeps it from being so. */
  private start(): Promise<string | undefined> {
    const worker = new Worker(this.thread, { workerData: this.workerData, name: 'request-log' })
    this.worker = worker
    return new Promise((resolve) => {
      let problem = 'its thread ended'
      worker.on('message', (message: FromLogWorker) => {
        if (message.kind === 'opened') {
          this.opened()
          resolve(undefined)
        } else if (message.kind === 'refused') problem = this.refusal(message.message)
        else if (message.kind === 'outcome') this.settled(message.rows, message.written)
        else if (message.kind === 'failure') this.collector.failed()
        else this.warn(message.message)
      })
      worker.on('error', (error) => {
        problem = `its thread failed: ${String(error)}`
        if (this.closing) this.warn(problem)
      })
      worker.once('exit', () => {
        if (this.ready || this.endsInARow > 0) this.threadEnded(problem)
        resolve(problem)
      })
    })
  }

  private opened(): void {
    this.ready = true
    for (const batch of this.unsent.splice(0)) this.tellBatch(batch)
    if (this.closing) this.tell({ kind: 'close' })
  }

  private settled(rows: number, written: boolean): void {
    this.inThread.shift()
    this.collector.settled(rows, written)
    if (!written || this.endsInARow === 0) return
    this.warn(`writes again after ${this.endsInARow} restarts of its thread`)
    this.endsInARow = 0
  }

  private threadEnded(problem: string): void {
    this.ready = false
    // Nobody knows which of them are written.
    for (const rows of this.inThread.splice(0)) this.collector.settled(rows, false)
    if (this.closing) {
      this.ended.resolve(undefined)
      return
    }
    this.collector.failed()
    if (this.endsInARow++ === 0) this.warn(`${problem}; what it had is dropped, it is started again`)
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.endsInARow - 1), MAX_PAUSE_MS)
    this.stopPause = startTimer(() => void this.start(), pauseMs)
  }

  private tellBatch(batch: PackedBatch): void {
    this.inThread.push(batch.rows)
    this.tell({ kind: 'batch', batch }, [batch.integers.buffer, batch.textIndexes.buffer])
  }

  private tell(message: ToLogWorker, transfer: ArrayBuffer[] = []): void {
    this.worker?.postMessage(message, transfer)
  }

  private refusal(message: string): string {
    const { workerData } = this
    return workerData.store === 'sqlite'
      ? `path: cannot use the SQLite file "${workerData.path}": ${message}`
      : `cannot use the database: ${message}`
  }
}

function startTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  return () => {
    clearTimeout(timer)
  }
}
