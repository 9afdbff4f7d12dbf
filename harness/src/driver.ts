import type { ArrivalSchedule } from './arrivals.ts'
import type { Clock } from './clock.ts'
import type { Attempt } from './outcome.ts'
import type { Transport } from './transport/transport.ts'

export interface DriverOptions {
  schedule: ArrivalSchedule
  /** First position to send; defaults to the start of the warm-up. */
  first?: number
  /** Distance to the next position; threads interleave. @default 1 */
  step?: number
  clock: Clock
  transport: Transport
  /** Takes every attempt, instants in ns from the opening of the window. Warm-up attempts have a negative index. */
  onAttempt: (attempt: Attempt) => void
  /** Instant on the clock at which the window opens, ns. */
  openNs: number
}

/**
 * Fires a schedule, open loop: each request leaves at its absolute due time whatever became of those before it.
 * One that cannot leave, because the bound on requests in flight is reached, is reported as dropped, never skipped.
 */
export class Driver {
  readonly #options: Required<DriverOptions>
  #next: number
  #unanswered = 0
  #ended = false
  #inFlightMax = 0
  #cancelWake: () => void = () => undefined
  #resolve: () => void = () => undefined

  constructor(options: DriverOptions) {
    this.#options = { first: 0 - options.schedule.warmupCount, step: 1, ...options }
    this.#next = this.#options.first
  }

  /** Most requests that were in flight at once inside the window. */
  get inFlightMax(): number {
    return this.#inFlightMax
  }

  /** Resolves when every request of the schedule has been sent or dropped and every answer is in. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve
      this.#sleepUntilNextDue()
    })
  }

  /**
   * Sends what is due by now, however late, and no more: only positions that have not come due go unreported. What is in
   * flight is still waited for.
   */
  stop(): void {
    this.#cancelWake()
    this.#sendDue()
    this.#ended = true
    this.#finishIfDone()
  }

  #sendDue(): void {
    const { schedule, clock, openNs, step } = this.#options
    const nowNs = clock.nowNs()
    // The very sum that the alarm was set for: a difference is rounded otherwise, and the alarm could ring too early for it.
    while (this.#next < schedule.count && openNs + schedule.dueNs(this.#next) <= nowNs) {
      const index = this.#next
      // Before it is fired, which may report a drop to someone who calls stop().
      this.#next += step
      this.#fire(index)
    }
  }

  #sleepUntilNextDue(): void {
    const { schedule, clock, openNs } = this.#options
    if (this.#ended || this.#next >= schedule.count) {
      this.#ended = true
      this.#finishIfDone()
      return
    }
    this.#cancelWake = clock.wakeAt(openNs + schedule.dueNs(this.#next), () => {
      this.#sendDue()
      this.#sleepUntilNextDue()
    })
  }

  #fire(index: number): void {
    const { schedule, transport, onAttempt, openNs } = this.#options
    const dueNs = schedule.dueNs(index)
    if (transport.inFlight >= transport.inFlightMax) {
      onAttempt({ index, dueNs, outcome: { kind: 'dropped', reason: 'in_flight_bound' } })
      return
    }
    this.#unanswered++
    transport.send(index, openNs + dueNs, this.#onDone)
    if (index >= 0 && transport.inFlight > this.#inFlightMax) this.#inFlightMax = transport.inFlight
  }

  readonly #onDone = (attempt: Attempt): void => {
    const { schedule, openNs, onAttempt } = this.#options
    // Not `-= openNs`: between instants of this size the difference is rounded, and may fall into the second before.
    attempt.dueNs = schedule.dueNs(attempt.index)
    if (attempt.sentNs !== undefined) attempt.sentNs -= openNs
    if (attempt.firstByteNs !== undefined) attempt.firstByteNs -= openNs
    if (attempt.endNs !== undefined) attempt.endNs -= openNs
    onAttempt(attempt)
    this.#unanswered--
    this.#finishIfDone()
  }

  #finishIfDone(): void {
    if (this.#ended && this.#unanswered === 0) this.#resolve()
  }
}
