import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from './random.ts'

const drawn = (seed: number, count: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, random)
}

const seeds = fc.maxSafeNat()

describe('seededRandom', () => {
  test('numbers are in [0, 1), and the same seed gives the same ones', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const numbers = drawn(seed, 50)
        assert.ok(numbers.every((number) => number >= 0 && number < 1))
        assert.deepEqual(drawn(seed, 50), numbers)
      }),
    )
  })

  test('seeds that differ by one bit, low or high, share no more than chance', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 52 }), (seed, bit) => {
        const other = Number(BigInt(seed) ^ (1n << BigInt(bit)))
        const numbers = new Set(drawn(seed, 50))
        // 2,500 pairs of 32-bit numbers: two in common by chance are one case in six million million.
        assert.ok(drawn(other, 50).filter((number) => numbers.has(number)).length < 2)
      }),
    )
  })

  test('all tenths come alike, for each of a thousand neighbouring seeds together', () => {
    const tenths = new Float64Array(10)
    for (let seed = 0; seed < 1_000; seed++) {
      for (const number of drawn(seed, 100)) tenths[Math.floor(number * 10)]! += 1
    }
    // 10,000 each, with a standard deviation of 95.
    for (const count of tenths) assert.ok(Math.abs(count - 10_000) < 4.5 * 95, String(count))
  })
})
