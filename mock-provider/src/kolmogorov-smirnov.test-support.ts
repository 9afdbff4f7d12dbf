/**
 * One-sample Kolmogorov-Smirnov statistic: the largest distance between the distribution of `draws` and `cdf`.
 *
 * The draws are rounded: a whole number k is any number of [k - 0.5, k + 0.5), so what was drawn is known at such edges
 * alone, and is compared there. Of several equal draws the edges below and above all of them count.
 */
export function kolmogorovSmirnov(draws: readonly number[], cdf: (x: number) => number): number {
  const sorted = Float64Array.from(draws).sort()
  let distance = 0
  let below = 0
  while (below < sorted.length) {
    const number = sorted[below]!
    let upTo = below + 1
    while (sorted[upTo] === number) upTo++
    distance = Math.max(
      distance,
      Math.abs(below / sorted.length - cdf(number - 0.5)),
      Math.abs(upTo / sorted.length - cdf(number + 0.5)),
    )
    below = upTo
  }
  return distance
}

/**
 * What the statistic exceeds in one of 100 samples of the very distribution: 1.6276 is where Kolmogorov's limit
 * distribution reaches 0.99. Source: N. Smirnov, Table for estimating the goodness of fit of empirical distributions,
 * Annals of Mathematical Statistics 19 (1948), 279-281.
 */
export function criticalDistance(count: number): number {
  return 1.6276 / Math.sqrt(count)
}
