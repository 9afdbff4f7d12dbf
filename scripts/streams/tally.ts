import { DURATION_NS, Histogram } from '../../harness/src/histogram.ts'

/** Written inside it counts, ns of CLOCK_MONOTONIC; a chunk that comes after its end counts too. */
export interface Window {
  startNs: number
  endNs: number
}

/** What became of the chunks of many streams that took one way. */
export class Tally {
  readonly window: Window
  readonly intervalNs: number
  /** Written by the mock to received here, ns; inside the window. */
  readonly transitNs = new Histogram(DURATION_NS)
  /** Due by the pace of its stream to written by the mock, ns; inside the window. */
  readonly writtenLateNs = new Histogram(DURATION_NS)
  /** Received more than one interval after they were written; inside the window. */
  late = 0
  /** Written by the mock more than one interval after they were due; inside the window. */
  writtenLate = 0
  /** Never received, or not in order; of whole streams. */
  lost = 0
  /** Streams without their [DONE]. */
  unfinished = 0
  /** What ended those, and how often. */
  readonly failures = new Map<string, number>()

  constructor(window: Window, intervalNs: number) {
    this.window = window
    this.intervalNs = intervalNs
  }

  chunk(dueNs: number, writtenNs: number, receivedNs: number): void {
    if (writtenNs < this.window.startNs || writtenNs >= this.window.endNs) return
    this.transitNs.record(receivedNs - writtenNs)
    this.writtenLateNs.record(writtenNs - dueNs)
    if (receivedNs - writtenNs > this.intervalNs) this.late++
    if (writtenNs - dueNs > this.intervalNs) this.writtenLate++
  }

  /** @param failure why it has no [DONE]; absent when it has */
  ended(lost: number, failure?: string): void {
    this.lost += lost
    if (failure === undefined) return
    this.unfinished++
    this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1)
  }
}
