import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AnswerCounter } from './answers.ts'
import type { MockDelay } from './truth.ts'

/** Bounds of the delay's error: fine where a good mock is, and up to a second. */
const ERROR_BOUNDS_S = [
  ...[0, 5e-5, 1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4, 8e-4, 1e-3, 1.2e-3, 1.5e-3, 2e-3, 2.5e-3, 3e-3, 4e-3, 5e-3],
  ...[7.5e-3, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1],
]

/** What the mock tells of itself at a moment. */
export interface MockGauges {
  waiting(): number
  hanging(): number
}

/** Counts the mock's answers, for GET /metrics. */
export class Tally implements AnswerCounter {
  readonly registry = new Registry()
  /** Answers by key label, then by status: added to the counter when that is read, because each answer counts. */
  readonly #fresh = new Map<string, Map<number | undefined, number>>()
  readonly #delayError: Histogram

  constructor(gauges: MockGauges) {
    const registers = [this.registry]
    const fresh = this.#fresh
    new Counter({
      name: 'mock_requests_total',
      help: 'Requests by API key (its end) and by status; status none: a fault left them without',
      labelNames: ['key', 'status'],
      registers,
      collect() {
        for (const [key, byStatus] of fresh) {
          for (const [status, count] of byStatus) this.inc({ key, status: status ?? 'none' }, count)
        }
        fresh.clear()
      },
    })
    this.#delayError = new Histogram({
      name: 'mock_delay_error_seconds',
      help: 'Delay given less delay planned, of whole answers and first chunks of streams, by the clock of the mock',
      buckets: ERROR_BOUNDS_S,
      registers,
    })
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(value())
        },
      })
    gauge('mock_in_flight', 'Answers that wait for their time, streams under way included', () => gauges.waiting())
    gauge('mock_hanging', 'Requests that a fault keeps without an answer', () => gauges.hanging())
  }

  answered(keyLabel: string, status: number | undefined): void {
    let byStatus = this.#fresh.get(keyLabel)
    if (!byStatus) this.#fresh.set(keyLabel, (byStatus = new Map<number | undefined, number>()))
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
  }

  delayed({ plannedUs, actualUs }: MockDelay): void {
    this.#delayError.observe((actualUs - plannedUs) / 1e6)
  }
}
