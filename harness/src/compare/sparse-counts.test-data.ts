import type { SparseCounts } from './sparse-counts.ts'

/** The distribution of `values`, each counted `times` over. */
export function countsOf(values: readonly number[], times = 1): SparseCounts {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + times)
  const ascending = [...counts].sort(([a], [b]) => a - b)
  return {
    valuesUs: Float64Array.from(ascending, ([value]) => value),
    counts: Float64Array.from(ascending, ([, count]) => count),
  }
}
