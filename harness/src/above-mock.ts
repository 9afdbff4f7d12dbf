import type { HistogramLogWriter } from 'hdr-histogram-js'
import { Histogram, openHistogramLog, TENTH_US } from './histogram.ts'
import type { Attempt } from './outcome.ts'
import { RowBuffer } from './row-buffer.ts'

/**
 * What callers waited above the mock, second by second, beside what the floor's probes waited in the same seconds: a
 * histogram log, `above-mock.hlog`, from which added latency and its intervals are drawn up.
 *
 * Where answers carry the mock's own account it is taken off each of them. Where a target strips it, nobody knows which delay an
 * answer had: then the mock's shortest planned delay is taken off the whole service times of both lines.
 */

/** Tags of the log's lines. */
export const ABOVE_MOCK_TAGS = {
  target: 'target',
  floor: 'floor',
  /** Of answers, and of the probes of the same seconds, when some of the answers did not carry the mock's account. */
  targetWithoutTruth: 'target-service',
  floorWithoutTruth: 'floor-service',
} as const

/** 214 s in tenths of a us: more would wrap round. */
const INT32_MAX = 2 ** 31 - 1
const UNKNOWN = -1

/** Ok answers on their way from a driver thread, three numbers each: second, service time and the mock's delay in tenths of a us. */
export class AboveMockRows {
  readonly #rows = new RowBuffer(3)

  add({ index, outcome, dueNs, sentNs, endNs, mock }: Attempt): void {
    if (index < 0 || outcome.kind !== 'ok' || sentNs === undefined || endNs === undefined) return
    const serviceTenthUs = Math.min(INT32_MAX, Math.round((endNs - sentNs) / 100))
    const mockTenthUs = mock ? Math.min(INT32_MAX, Math.round(mock.actualUs * 10)) : UNKNOWN
    this.#rows.push(Math.floor(dueNs / 1e9), serviceTenthUs, mockTenthUs)
  }

  take(): Int32Array<ArrayBuffer> {
    return this.#rows.take()
  }
}

class Line {
  readonly above = new Histogram(TENTH_US)
  readonly service = new Histogram(TENTH_US)
  withoutTruth = 0
}

interface OpenSecond {
  target: Line
  floor: Line
}

export interface AboveMockOptions {
  /** The mock's shortest planned delay, ms. */
  fastestMockMs: number
  /** An answer may come so late, ms; 0 for ever. A second is written when none of its answers can come any more. */
  timeoutMs: number
  /** Takes the text of the log as it is made. */
  write: (text: string) => void
  startedAtMs: number
}

/** Rows of all threads into the log. */
export class AboveMockLog {
  readonly #options: AboveMockOptions
  readonly #writer: HistogramLogWriter
  readonly #open = new Map<number, OpenSecond>()

  constructor(options: AboveMockOptions) {
    this.#options = options
    this.#writer = openHistogramLog(
      options.write,
      options.startedAtMs,
      "[service time above the mock's delay, in 0.1 us; of the target's callers and of the probes past it]",
    )
  }

  add(line: 'target' | 'floor', rows: Int32Array): void {
    const fastestTenthUs = this.#options.fastestMockMs * 1e4
    let newest = -Infinity
    for (let at = 0; at < rows.length; at += 3) {
      const [second, serviceTenthUs, mockTenthUs] = [rows[at]!, rows[at + 1]!, rows[at + 2]!]
      let open = this.#open.get(second)
      if (!open) this.#open.set(second, (open = { target: new Line(), floor: new Line() }))
      const { above, service } = open[line]
      service.record(serviceTenthUs - fastestTenthUs)
      if (mockTenthUs === UNKNOWN) open[line].withoutTruth++
      else above.record(serviceTenthUs - mockTenthUs)
      newest = Math.max(newest, second)
    }
    this.#writeUpTo(newest)
  }

  /** Writes what is still open. */
  end(): void {
    this.#write([...this.#open.keys()])
  }

  #writeUpTo(newest: number): void {
    const { timeoutMs } = this.#options
    if (timeoutMs === 0) return
    const latest = newest - Math.ceil(timeoutMs / 1e3) - 1
    this.#write([...this.#open.keys()].filter((second) => second < latest))
  }

  #write(seconds: number[]): void {
    for (const second of seconds.sort((a, b) => a - b)) {
      const { target, floor } = this.#open.get(second)!
      this.#open.delete(second)
      this.#writeLine(ABOVE_MOCK_TAGS.target, target.above, second)
      this.#writeLine(ABOVE_MOCK_TAGS.floor, floor.above, second)
      if (target.withoutTruth === 0) continue
      this.#writeLine(ABOVE_MOCK_TAGS.targetWithoutTruth, target.service, second)
      this.#writeLine(ABOVE_MOCK_TAGS.floorWithoutTruth, floor.service, second)
    }
  }

  #writeLine(tag: string, histogram: Histogram, second: number): void {
    if (histogram.count > 0) histogram.writeLogLine(this.#writer, second, second + 1, tag)
  }
}
