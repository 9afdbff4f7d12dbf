/** A histogram with fixed upper bounds; observing is a short loop and three additions, no labels, no allocation. */
export class BucketHistogram {
  /** Rising. */
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

/** Upper bounds of the buckets that `/metrics` shows, each with its unit. */
export const BOUNDS = {
  latencyS: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  /** Models speak 5 to 500 tokens a second. */
  betweenTokensS: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  overheadUs: [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000],
  retries: [0, 1, 2, 3, 5, 10],
} as const
