import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../random.ts'
import { bootstrap, bootstrapMean, drawRounds, drawSeconds, expandedInterval, tailProbability } from './bootstrap.ts'

const total = (numbers: Iterable<number>) => Array.from(numbers).reduce((sum, number) => sum + number, 0)

describe('draws', () => {
  test('a drawn round gives as many seconds as it has, each time anew, and no other round gives any', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 6 }), fc.nat(), (secondsPerRound, seed) => {
        const random = seededRandom(seed)
        const rounds = drawRounds(secondsPerRound.length, random)
        assert.equal(rounds.length, secondsPerRound.length)
        const weights = drawSeconds(secondsPerRound, rounds, random)
        let first = 0
        secondsPerRound.forEach((seconds, round) => {
          const times = rounds.filter((drawn) => drawn === round).length
          assert.equal(total(weights.subarray(first, first + seconds)), times * seconds)
          first += seconds
        })
        assert.equal(weights.length, first)
      }),
    )
  })

  test('sides share the rounds and not the seconds', () => {
    const sides: (readonly Float64Array[])[] = []
    const figures = (weights: readonly Float64Array[]) => {
      sides.push(weights)
      return []
    }
    const secondsPerRound = [20, 20, 20]
    bootstrap([secondsPerRound, secondsPerRound], figures, { random: seededRandom(1), replicates: 20 })
    const perRound = (weights: Float64Array) => [0, 20, 40].map((first) => total(weights.subarray(first, first + 20)))
    const samples = sides.filter(([a]) => a!.some((weight) => weight !== 1))
    assert.equal(samples.length, 20)
    for (const [a, b] of samples) {
      assert.deepEqual(perRound(a!), perRound(b!))
      assert.notDeepEqual(a, b)
    }
  })
})

describe('tailProbability', () => {
  // From tables of Student's t at 0.975 (2.776, 2.262, 2.045) and of the normal distribution.
  for (const [rounds, tail] of [
    [1, 0.025],
    [5, 0.00095],
    [10, 0.00855],
    [30, 0.01875],
  ] as const) {
    test(`rounds: ${rounds}, tail: ${tail}`, () => {
      assert.ok(Math.abs(tailProbability(rounds) - tail) < 1e-5, String(tailProbability(rounds)))
    })
  }
})

describe('expandedInterval', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i)

  test('one round: from 2.5% to 97.5% of the replicates', () => {
    // With the value itself 101 replicates: the 2.55th and the 99.45th of 0 to 49, 49.5, 50 to 99.
    const { low, high } = expandedInterval(49.5, hundred, 1)
    assert.ok(Math.abs(low - 1.55) < 1e-9, String(low))
    assert.ok(Math.abs(high - 97.45) < 1e-9, String(high))
  })

  test('few rounds: as far as the replicates reach', () => {
    assert.deepEqual(expandedInterval(49.5, hundred, 3), { value: 49.5, low: 0, high: 99 })
  })

  test('what a sample could not tell is left out; without replicates the value stands alone', () => {
    assert.deepEqual(expandedInterval(5, [NaN, 4, NaN, 6], 5), { value: 5, low: 4, high: 6 })
    assert.deepEqual(expandedInterval(5, [NaN], 5), { value: 5, low: 5, high: 5 })
  })
})

describe('bootstrapMean', () => {
  test('one value stands alone, no value has no mean', () => {
    assert.deepEqual(bootstrapMean([7.3], { random: seededRandom(1) }), { value: 7.3, low: 7.3, high: 7.3 })
    assert.equal(bootstrapMean([], { random: seededRandom(1) }), undefined)
  })

  test('the interval holds the mean and stays inside the values', () => {
    const values = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 2, maxLength: 8 })
    fc.assert(
      fc.property(values, fc.nat(), (rounds, seed) => {
        const { value, low, high } = bootstrapMean(rounds, { random: seededRandom(seed) })!
        assert.ok(Math.abs(value - total(rounds) / rounds.length) < 1e-9)
        assert.ok(Math.min(...rounds) <= low && low <= value && value <= high && high <= Math.max(...rounds))
      }),
      { numRuns: 20 },
    )
  })

  test('the same seed gives the same interval', () => {
    const rounds = [3, 1, 4, 1, 5]
    assert.deepEqual(
      bootstrapMean(rounds, { random: seededRandom(9) }),
      bootstrapMean(rounds, { random: seededRandom(9) }),
    )
  })
})
