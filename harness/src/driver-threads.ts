import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { SystemClock } from './clock.ts'
import type {
  DriverThreadData,
  DriverThreadReport,
  FromDriverThread,
  LiveCounts,
  ThreadRows,
  ToDriverThread,
} from './driver-thread.ts'
import { TargetError } from './errors.ts'
import type { Plan } from './plan.ts'
import { PROBE_NAMES, type ProbeLines, type ProbeName } from './probes.ts'
import { Recorder } from './recorder.ts'

/** What all threads together measured. */
export interface LoadMeasurement {
  main: Recorder
  /** What the probes saw, by their names; absent where none were sent. */
  probes: Partial<Record<ProbeName, Recorder>>
  /** Most requests in flight at once inside the window: the sum of the threads' own peaks, so an upper bound. */
  inFlightMax: number
  /** Of the busiest thread, 0 to 1. */
  busyRatio: number
}

export interface LoadObserver {
  /** Called a few times a second with counts since the start of the warm-up, over all threads. */
  onProgress: (live: LiveCounts) => void
  /** Rows for a Timeline and an AboveMockLog, as they come. */
  onRows: (rows: ThreadRows) => void
}

/** Thousands of connections take a second; a target that swallows them must not hold a run for ever. */
const OPENING_MAX_MS = 60_000
/** Between the threads being told and the warm-up's first request: time for the message to arrive. */
const START_MARGIN_NS = 50e6

/** The driver on one or more threads; each fires its share of the plan. */
export class DriverThreads {
  readonly #plan: Plan
  readonly #workers: Worker[]

  private constructor(plan: Plan, workers: Worker[]) {
    this.#plan = plan
    this.#workers = workers
  }

  /**
   * Starts the threads and opens every connection. Rejects with the signal's reason when it is aborted.
   *
   * @throws TargetError when a connection cannot be opened, or all of them not in time.
   */
  static async open(plan: Plan, targetUrl: string, probes: ProbeLines, signal: AbortSignal): Promise<DriverThreads> {
    const workers = Array.from({ length: plan.threads }, (_, thread) => {
      // One thread is enough for the few probes.
      const workerData: DriverThreadData = { plan, thread, targetUrl, probes: thread === 0 ? probes : {} }
      return new Worker(new URL('./driver-thread.ts', import.meta.url), { workerData })
    })
    const threads = new DriverThreads(plan, workers)
    const given = AbortSignal.any([signal, AbortSignal.timeout(OPENING_MAX_MS)])
    try {
      await Promise.all(
        workers.map(async (worker) => {
          const [message] = (await once(worker, 'message', { signal: given })) as [FromDriverThread]
          if (message.kind === 'failed') {
            throw new TargetError(`${targetUrl}: could not open ${plan.connections} connections: ${message.message}`)
          }
        }),
      )
    } catch (error) {
      await threads.terminate()
      signal.throwIfAborted()
      if (!given.aborted) throw error
      const limit = `within ${OPENING_MAX_MS / 1e3} s`
      throw new TargetError(`${targetUrl}: could not open ${plan.connections} connections ${limit}`, { cause: error })
    }
    return threads
  }

  /** Fires the plan. `openNs` in the result of `onStart` is when the window opens, on the machine's monotonic clock. */
  async run(signal: AbortSignal, observer: LoadObserver, onStart: (openNs: number) => void): Promise<LoadMeasurement> {
    const openNs = new SystemClock().nowNs() + START_MARGIN_NS + this.#plan.warmupMs * 1e6
    const live = this.#workers.map((): LiveCounts => ({ sent: 0, ok: 0, failed: 0, dropped: 0, inFlight: 0 }))
    const reports = this.#workers.map(
      (worker, thread) =>
        new Promise<DriverThreadReport>((resolve, reject) => {
          worker.on('message', (message: FromDriverThread) => {
            if (message.kind === 'progress') {
              live[thread] = message.live
              observer.onRows(message.rows)
              observer.onProgress(live.reduce(addLive))
            } else if (message.kind === 'done') resolve(message.report)
          })
          worker.on('error', reject)
          worker.on('exit', (code) => {
            reject(new Error(`driver thread ${thread} ended with code ${code} before it had reported`))
          })
        }),
    )
    const stop = (): void => {
      this.#broadcast({ kind: 'stop' })
    }
    this.#broadcast({ kind: 'start', openNs })
    onStart(openNs)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    try {
      return mergeReports(await Promise.all(reports))
    } finally {
      signal.removeEventListener('abort', stop)
      await this.terminate()
    }
  }

  async terminate(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #broadcast(message: ToDriverThread): void {
    for (const worker of this.#workers) worker.postMessage(message)
  }
}

function mergeReports(reports: DriverThreadReport[]): LoadMeasurement {
  const main = new Recorder()
  const probes: LoadMeasurement['probes'] = {}
  for (const report of reports) {
    main.merge(report.main)
    for (const name of PROBE_NAMES) {
      const data = report.probes[name]
      if (data) (probes[name] ??= new Recorder()).merge(data)
    }
  }
  return {
    main,
    probes,
    inFlightMax: reports.reduce((sum, report) => sum + report.inFlightMax, 0),
    busyRatio: Math.max(...reports.map((report) => report.busyRatio)),
  }
}

function addLive(a: LiveCounts, b: LiveCounts): LiveCounts {
  return {
    sent: a.sent + b.sent,
    ok: a.ok + b.ok,
    failed: a.failed + b.failed,
    dropped: a.dropped + b.dropped,
    inFlight: a.inFlight + b.inFlight,
  }
}
