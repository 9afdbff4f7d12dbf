import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CountPool, meanUs, percentilesUs, totalCount } from './sparse-counts.ts'
import { countsOf } from './sparse-counts.test-data.ts'

const PERCENTS = [0, 1, 25, 50, 90, 99, 99.9, 100]

/** The definition, in whole numbers: the smallest value that at least `percent` percent of all do not exceed. */
function nearestRank(sorted: readonly number[], percent: number): number {
  const rank = Math.ceil((Math.round(percent * 10) * sorted.length) / 1_000)
  return sorted[Math.max(1, rank) - 1]!
}

const values = fc.array(fc.oneof(fc.nat(20), fc.integer({ min: -500, max: 1_000_000 })), { maxLength: 60 })
const weightedParts = fc.array(fc.tuple(values, fc.nat(3)), { minLength: 1, maxLength: 8 })

describe('sparse counts', () => {
  test('parts that are merged by weights are as one array of all their values, sorted', () => {
    fc.assert(
      fc.property(weightedParts, (parts) => {
        const pool = new CountPool(parts.map(([part]) => countsOf(part)))
        const merged = pool.merge(Float64Array.from(parts, ([, weight]) => weight))
        const sorted = parts
          .flatMap(([part, weight]) => Array.from({ length: weight }, () => part).flat())
          .sort((a, b) => a - b)
        assert.equal(totalCount(merged), sorted.length)
        if (sorted.length === 0) return
        assert.deepEqual(
          percentilesUs(merged, PERCENTS),
          PERCENTS.map((percent) => nearestRank(sorted, percent)),
        )
        const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
        assert.ok(Math.abs(meanUs(merged) - mean) < 1e-6)
      }),
    )
  })

  test('a merge leaves nothing behind for the next', () => {
    const pool = new CountPool([countsOf([1, 2, 2]), countsOf([2, 5])])
    pool.merge(Float64Array.of(7, 7))
    assert.deepEqual(pool.merge(Float64Array.of(1, 2)), {
      valuesUs: Float64Array.of(1, 2, 5),
      counts: Float64Array.of(1, 4, 2),
    })
  })

  test('exact ranks are not lost to rounding: p99 of n hundred and p99.9 of n thousand', () => {
    for (let n = 1; n <= 300; n++) {
      const values = Float64Array.of(1, 2)
      assert.deepEqual(percentilesUs({ valuesUs: values, counts: Float64Array.of(99 * n, n) }, [99]), [1])
      assert.deepEqual(percentilesUs({ valuesUs: values, counts: Float64Array.of(999 * n, n) }, [99.9]), [1])
      assert.deepEqual(percentilesUs({ valuesUs: values, counts: Float64Array.of(999 * n - 1, n + 1) }, [99.9]), [2])
    }
  })

  test('of nothing: no count, and figures that are not numbers', () => {
    const nothing = new CountPool([countsOf([])]).merge(Float64Array.of(1))
    assert.equal(totalCount(nothing), 0)
    assert.equal(meanUs(nothing), NaN)
    assert.deepEqual(percentilesUs(nothing, [50, 99]), [NaN, NaN])
    const undrawn = new CountPool([countsOf([3])]).merge(Float64Array.of(0))
    assert.deepEqual([meanUs(undrawn), ...percentilesUs(undrawn, [50])], [NaN, NaN])
  })
})
