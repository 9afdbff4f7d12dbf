import { constantArrivals } from './arrivals.ts'
import type { HistogramLogWriter } from 'hdr-histogram-js'
import { Histogram, type HistogramShape } from './histogram.ts'
import type { Attempt } from './outcome.ts'
import { RowBuffer } from './row-buffer.ts'

/** Shape of a second's histograms, in the log as well. A second needs no more: 1 ms at 1.5 s, in a histogram small enough to keep one per open second. */
export const LOGGED_LATENCY_US: HistogramShape = { highest: 120e6, digits: 3 }

/** 35 minutes in us: more would wrap round, and a slow answer read as a failed one. */
const INT32_MAX = 2 ** 31 - 1
const FAILED = -1
const DROPPED = -2

/** Attempts on their way from a driver thread, three numbers each: second in which it was due, latency or what became of it, lag. */
export class TimelineRows {
  readonly #rows = new RowBuffer(3)

  add(attempt: Attempt): void {
    if (attempt.index < 0) return
    const { dueNs, sentNs, endNs, outcome } = attempt
    const latency =
      outcome.kind === 'dropped'
        ? DROPPED
        : outcome.kind === 'ok' && endNs !== undefined
          ? Math.min(INT32_MAX, Math.max(0, Math.round((endNs - dueNs) / 1e3)))
          : FAILED
    const lag = sentNs === undefined ? 0 : Math.min(INT32_MAX, Math.round((sentNs - dueNs) / 1e3))
    this.#rows.push(Math.floor(dueNs / 1e9), latency, lag)
  }

  /** What has come since the last call, to be handed over. */
  take(): Int32Array<ArrayBuffer> {
    return this.#rows.take()
  }
}

/** Requests due in one second of the window and what became of them. */
export interface TimelineSecond {
  second: number
  sent: number
  ok: number
  failed: number
  dropped: number
  p50Ms?: number
  p99Ms?: number
  lagP99Ms?: number
}

class OpenSecond {
  readonly latencyUs = new Histogram(LOGGED_LATENCY_US)
  readonly lagUs = new Histogram(LOGGED_LATENCY_US)
  failed = 0
  dropped = 0

  get reported(): number {
    return this.latencyUs.count + this.failed + this.dropped
  }
}

export interface TimelineOptions {
  /** Requests that are due in a second; when all have been reported the second is closed. */
  dueIn: (second: number) => number
  /** Takes one line per closed second. */
  log: HistogramLogWriter
}

/** Rows of all threads, second by second; each second is summed up and logged as soon as its last request has ended. */
export class Timeline {
  readonly seconds: TimelineSecond[] = []
  readonly #options: TimelineOptions
  readonly #open = new Map<number, OpenSecond>()

  constructor(options: TimelineOptions) {
    this.#options = options
  }

  add(rows: Int32Array): void {
    const touched = new Set<number>()
    for (let at = 0; at < rows.length; at += 3) {
      const second = rows[at]!
      const value = rows[at + 1]!
      touched.add(second)
      let open = this.#open.get(second)
      if (!open) this.#open.set(second, (open = new OpenSecond()))
      if (value === DROPPED) {
        open.dropped++
        continue
      }
      open.lagUs.record(rows[at + 2]!)
      if (value === FAILED) open.failed++
      else open.latencyUs.record(value)
    }
    for (const second of touched) {
      if (this.#open.get(second)!.reported >= this.#options.dueIn(second)) this.#close(second)
    }
  }

  /** Closes what is still open, as an interrupted run leaves it, and puts the seconds in order. */
  end(): TimelineSecond[] {
    for (const second of [...this.#open.keys()].sort((a, b) => a - b)) this.#close(second)
    return this.seconds.sort((a, b) => a.second - b.second)
  }

  #close(second: number): void {
    const { latencyUs, lagUs, failed, dropped } = this.#open.get(second)!
    this.#open.delete(second)
    const ok = latencyUs.count
    this.seconds.push({
      second,
      sent: ok + failed,
      ok,
      failed,
      dropped,
      ...(ok > 0 && { p50Ms: latencyUs.percentile(50) / 1e3, p99Ms: latencyUs.percentile(99) / 1e3 }),
      ...(ok + failed > 0 && { lagP99Ms: lagUs.percentile(99) / 1e3 }),
    })
    latencyUs.writeLogLine(this.#options.log, second, second + 1)
  }
}

/** Requests of a constant schedule that are due in one second of its window. */
export function requestsDueIn(
  plan: { ratePerSec: number; durationMs: number; warmupMs: number },
  second: number,
): number {
  const schedule = constantArrivals(plan)
  const firstFrom = (instantNs: number): number => {
    // Rounded down it is at most one short: rounding of a due time can move it across the second.
    let index = Math.max(0, Math.floor((instantNs / 1e9) * plan.ratePerSec) - 1)
    while (index < schedule.count && schedule.dueNs(index) < instantNs) index++
    return Math.min(index, schedule.count)
  }
  return firstFrom((second + 1) * 1e9) - firstFrom(second * 1e9)
}
