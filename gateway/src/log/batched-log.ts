import { Worker } from 'node:worker_threads'
import type { RequestLog, RequestLogCounters, RequestRecord } from '../core/request-log.ts'
import { BatchCollector } from './batch-collector.ts'
import type { FromLogWorker, LogWorkerData, ToLogWorker } from './log-worker.ts'
import type { RequestLogSettings } from './request-log.ts'
import { RequestLogError } from './request-log-error.ts'

const CLOSE_LIMIT_MS = 5_000

/** A log whose rows another thread writes. */
export class BatchedLog implements RequestLog {
  readonly #worker: Worker
  readonly #collector: BatchCollector
  readonly #ended: Promise<void>
  #closing: Promise<void> | undefined

  private constructor(worker: Worker, settings: Required<RequestLogSettings>, warn: (message: string) => void) {
    this.#worker = worker
    this.#collector = new BatchCollector({
      ...settings,
      startTimer,
      send: (batch) => {
        this.#tell({ kind: 'batch', batch }, [batch.integers.buffer, batch.textIndexes.buffer])
      },
    })
    worker.on('message', (message: FromLogWorker) => {
      if (message.kind === 'outcome') this.#collector.settled(message.rows, message.written)
      else if (message.kind === 'failure') this.#collector.failed()
      else if (message.kind === 'warning') warn(`request log: ${message.message}`)
    })
    worker.on('error', (error) => {
      warn(`request log: its thread failed, nothing more is logged: ${String(error)}`)
    })
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#collector.abandon()
        resolve()
      })
    })
  }

  /** @throws RequestLogError when a SQLite file cannot be used. */
  static async open(
    place: LogWorkerData,
    settings: Required<RequestLogSettings>,
    warn: (message: string) => void,
  ): Promise<BatchedLog> {
    const workerData: LogWorkerData =
      place.store === 'sqlite' ? { store: 'sqlite', path: place.path } : { store: 'postgres', url: place.url }
    const worker = new Worker(new URL('./log-worker.ts', import.meta.url), { workerData, name: 'request-log' })
    const log = new BatchedLog(worker, settings, warn)
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromLogWorker) => {
        if (message.kind === 'opened') resolve()
        if (message.kind === 'refused') reject(new RequestLogError([refusal(place, message.message)]))
      })
      worker.once('error', reject)
    })
    return log
  }

  get counters(): Readonly<RequestLogCounters> {
    return this.#collector.counters
  }

  add(record: RequestRecord): undefined {
    this.#collector.add(record)
  }

  close(limitMs = CLOSE_LIMIT_MS): Promise<void> {
    this.#closing ??= this.#close(limitMs)
    return this.#closing
  }

  async #close(limitMs: number): Promise<void> {
    this.#collector.close()
    this.#tell({ kind: 'close' })
    let stopTimer = (): void => undefined
    const limit = new Promise<void>((resolve) => {
      stopTimer = startTimer(resolve, limitMs)
    })
    await Promise.race([this.#ended, limit])
    stopTimer()
    this.#collector.abandon()
    // Not awaited: a thread that hangs in a system call ends when that returns, which may be never.
    void this.#worker.terminate()
    this.#worker.unref()
  }

  #tell(message: ToLogWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }
}

function refusal(place: LogWorkerData, message: string): string {
  return place.store === 'sqlite' ? `path: cannot use the SQLite file "${place.path}": ${message}` : message
}

function startTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  return () => {
    clearTimeout(timer)
  }
}
