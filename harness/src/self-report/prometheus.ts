/**
 * Histograms and summaries in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), as far as a self-report needs them.
 */

/** One metric, all its label sets added up. Values are in the metric's own unit. */
export interface MetricHistogram {
  count: number
  sum: number
  /** Cumulative, as in the format, `le` ascending, the last one Infinity. Empty for a summary. */
  buckets: readonly { le: number; count: number }[]
}

/** Label values escape their quotes: an unescaped one ends the value, and none can hold `le="`. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)/
const LE = /(?:^|,)[ \t]*le="([^"]*)"/

/** The histogram or summary called `metric`; undefined when the text does not have it. */
export function readHistogram(text: string, metric: string): MetricHistogram | undefined {
  let count: number | undefined
  let sum: number | undefined
  const byLe = new Map<number, number>()
  for (const line of text.split('\n')) {
    // Most lines are of other metrics.
    if (!line.startsWith(metric)) continue
    const [, name, labels = '', written] = SAMPLE.exec(line) ?? []
    const value = Number(written)
    if (name === `${metric}_count`) count = (count ?? 0) + value
    else if (name === `${metric}_sum`) sum = (sum ?? 0) + value
    else if (name === `${metric}_bucket`) {
      const le = boundOf(LE.exec(labels)?.[1])
      byLe.set(le, (byLe.get(le) ?? 0) + value)
    }
  }
  if (count === undefined || sum === undefined) return undefined
  const buckets = [...byLe].map(([le, within]) => ({ le, count: within })).sort((a, b) => a.le - b.le)
  return { count, sum, buckets }
}

function boundOf(text: string | undefined): number {
  return text === '+Inf' ? Infinity : Number(text)
}

/**
 * What was added between two readings of a metric. `before` is absent when the metric came with its first value, after
 * that reading. Undefined when the count went down: the gateway was started anew in between.
 */
export function difference(before: MetricHistogram | undefined, after: MetricHistogram): MetricHistogram | undefined {
  if (before === undefined) return after
  if (after.count < before.count) return undefined
  const earlier = new Map(before.buckets.map(({ le, count }) => [le, count]))
  return {
    count: after.count - before.count,
    sum: after.sum - before.sum,
    buckets: after.buckets.map(({ le, count }) => ({ le, count: count - (earlier.get(le) ?? 0) })),
  }
}

/**
 * The value below which a share `q` of the values lies, 0 < q <= 1, by linear interpolation inside its bucket, as
 * Prometheus' histogram_quantile does: no better than the buckets are narrow. Undefined when it lies above the last
 * bound, and when there are no buckets or no values.
 */
export function quantile({ buckets }: MetricHistogram, q: number): number | undefined {
  const rank = q * (buckets.at(-1)?.count ?? 0)
  const index = buckets.findIndex(({ count }) => count > 0 && count >= rank)
  const bucket = buckets[index]
  if (bucket === undefined || bucket.le === Infinity) return undefined
  const below = buckets[index - 1] ?? { le: Math.min(0, bucket.le), count: 0 }
  return below.le + ((bucket.le - below.le) * (rank - below.count)) / (bucket.count - below.count)
}
