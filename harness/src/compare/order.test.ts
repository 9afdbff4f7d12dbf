import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../random.ts'
import { shuffledRounds } from './order.ts'

const NAMES = ['direct', 'builtin', 'nginx', 'portkey', 'litellm']

describe('the order of the rounds', () => {
  test('has every target once in each round, whatever the seed', () => {
    const names = fc.uniqueArray(fc.string(), { maxLength: 8 })
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 6 }), fc.nat(), (targets, rounds, seed) => {
        const order = shuffledRounds(targets, rounds, seededRandom(seed))
        assert.equal(order.length, rounds)
        for (const round of order) assert.deepEqual(round.toSorted(), targets.toSorted())
      }),
    )
  })

  test('is the same for the same seed, and another for another', () => {
    const orderOf = (seed: number) => shuffledRounds(NAMES, 5, seededRandom(seed))
    assert.deepEqual(orderOf(1), orderOf(1))
    assert.notDeepEqual(orderOf(1), orderOf(2))
  })

  test('differs between rounds', () => {
    const order = shuffledRounds(NAMES, 10, seededRandom(1))
    assert.ok(new Set(order.map((round) => round.join())).size > 5)
  })

  test('puts every target at every place about equally often', () => {
    const order = shuffledRounds(['a', 'b', 'c'], 3_000, seededRandom(7))
    for (const name of ['a', 'b', 'c']) {
      for (const place of [0, 1, 2]) {
        const times = order.filter((round) => round[place] === name).length
        // 1,000 are expected, with a standard deviation of 26.
        assert.ok(Math.abs(times - 1_000) < 130, `${name} at ${place}: ${times} times`)
      }
    }
  })

  test('leaves the list of names as it was', () => {
    const names = ['a', 'b', 'c', 'd']
    shuffledRounds(names, 3, seededRandom(1))
    assert.deepEqual(names, ['a', 'b', 'c', 'd'])
  })
})
