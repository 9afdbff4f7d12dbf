/** A histogram with fixed upper bounds; observing is a short loop and three additions, no labels, no allocation. */
export class BucketHistogram {
  readonly bounds: readonly number[]
  /** Per bound, not cumulative; the last is everything above. */
  readonly counts: Float64Array
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let index = 0
    while (index < this.bounds.length && value > this.bounds[index]!) index++
    this.counts[index]!++
    this.sum += value
    this.count++
  }
}

const LATENCY_BOUNDS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const OVERHEAD_BOUNDS_US = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000]

/** Totals of one provider since the start, kept as plain numbers: prom-client's labelled counters cost us a request. */
export class ProviderTraffic {
  upstreamRequests = 0
  successes = 0
  inputTokens = 0
  outputTokens = 0
  /** Failures by status. */
  readonly errors = new Map<number, number>()
  readonly upstreamLatencyS = new BucketHistogram(LATENCY_BOUNDS_S)

  failed(status: number): void {
    this.errors.set(status, (this.errors.get(status) ?? 0) + 1)
  }
}

/** Totals of the whole gateway since the start. */
export class GatewayTraffic {
  /** Finished chat completions by status. */
  readonly byStatus = new Map<number, number>()
  readonly durationS = new BucketHistogram(LATENCY_BOUNDS_S)
  /** Everything but http_request. */
  readonly overheadUs = new BucketHistogram(OVERHEAD_BOUNDS_US)

  finished(status: number, totalNs: number, upstreamNs: number): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1)
    this.durationS.observe(totalNs / 1e9)
    this.overheadUs.observe((totalNs - upstreamNs) / 1e3)
  }
}
