import { BOUNDS, BucketHistogram } from './bucket-histogram.ts'

/** Why a request went on with another key: the provider said 429, or that it does not take this one. */
export const ROTATION_REASONS = ['rate_limited', 'dead'] as const
export type RotationReason = (typeof ROTATION_REASONS)[number]

/**
 * Totals of one provider, model and set of label values since the start: one series of each metric that has these
 * labels. Plain numbers: prom-client's labelled counters cost microseconds a request.
 */
export class RouteTraffic {
  readonly provider: string
  readonly model: string
  /** Tries sent upstream. */
  upstreamRequests = 0
  successes = 0
  inputTokens = 0
  outputTokens = 0
  /** Requests whose final answer was an error, by its status. */
  readonly errors = new Map<number, number>()
  /** Swaps away from a key, by its name. */
  readonly rotations = new Map<string, Record<RotationReason, number>>()
  readonly upstreamLatencyS = new BucketHistogram(BOUNDS.latencyS)
  readonly firstTokenS = new BucketHistogram(BOUNDS.latencyS)
  readonly betweenTokensS = new BucketHistogram(BOUNDS.betweenTokensS)
  /** Of each request, how many retries it took. */
  readonly retries = new BucketHistogram(BOUNDS.retries)

  constructor(provider: string, model: string) {
    this.provider = provider
    this.model = model
  }

  /** A request ended with this error. */
  failed(status: number): void {
    this.errors.set(status, (this.errors.get(status) ?? 0) + 1)
  }

  /** A request ended after so many tries beyond its first; called once a request, with 0 where there was none. */
  retried(count: number): void {
    this.retries.observe(count)
  }

  /** A request swapped this key for another. */
  keyRotated(keyName: string, reason: RotationReason): void {
    let counts = this.rotations.get(keyName)
    if (counts === undefined) {
      counts = { rate_limited: 0, dead: 0 }
      this.rotations.set(keyName, counts)
    }
    counts[reason]++
  }
}
