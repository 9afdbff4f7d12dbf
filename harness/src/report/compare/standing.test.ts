import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Flag, Pair, TargetRecord } from '../../compare/record.ts'
import { fixtureComparison } from './fixture.test-data.ts'
import { relation, standing, whyUnranked } from './standing.ts'

/** a, b and c add 1, 2 and 3 us. */
function three(pairs: Pair[]) {
  const like = fixtureComparison().targets[2]!
  const targets = ['a', 'b', 'c'].map((name, i): TargetRecord => ({
    ...like,
    name,
    addedUs: { ...like.addedUs!, mean: { value: i + 1, low: i, high: i + 2 } },
  }))
  const { groups, exceptions } = standing({ targets, pairs })
  return {
    groups: groups.map((group) => group.map(({ name }) => name).join('')),
    exceptions: exceptions.map(({ a, b, relation: found }) => `${a} ${found} ${b}`),
  }
}

const pair = (a: string, b: string, distinguishable: boolean, value = -1): Pair => ({
  a,
  b,
  meanUs: { value, low: value - 0.5, high: value + 0.5 },
  distinguishable,
})

describe('standing', () => {
  test('neighbours that are told apart are in groups of their own, others in one', () => {
    const pairs = [pair('a', 'b', true), pair('a', 'c', true), pair('b', 'c', false)]
    assert.deepEqual(three(pairs), { groups: ['a', 'bc'], exceptions: [] })
  })

  test('a pair may be given either way round', () => {
    const pairs = [pair('b', 'a', true, 1), pair('c', 'a', true, 1), pair('c', 'b', true, 1)]
    assert.deepEqual(three(pairs), { groups: ['a', 'b', 'c'], exceptions: [] })
  })

  test('ends of a chain that are told apart although no neighbours are', () => {
    const pairs = [pair('a', 'b', false), pair('a', 'c', true), pair('b', 'c', false)]
    assert.deepEqual(three(pairs), { groups: ['abc'], exceptions: ['a faster c'] })
  })

  test('a pair across groups that is not told apart', () => {
    const pairs = [pair('a', 'b', true), pair('a', 'c', false), pair('b', 'c', true)]
    assert.deepEqual(three(pairs), { groups: ['a', 'b', 'c'], exceptions: ['a not_distinguishable c'] })
  })

  test('the pairing goes before the order of the means, and a pair that is not there settles nothing', () => {
    assert.deepEqual(three([pair('a', 'b', true, 1), pair('b', 'c', true)]), {
      groups: ['ab', 'c'],
      exceptions: ['a slower b', 'a not_compared c'],
    })
  })

  test('of one pair, both directions say the same', () => {
    const pairs = [pair('a', 'b', true)]
    assert.deepEqual([relation(pairs, 'a', 'b'), relation(pairs, 'b', 'a')], ['faster', 'slower'])
  })
})

describe('a target takes no place in the order', () => {
  const builtin = fixtureComparison().targets[2]!
  const flagged = (name: Flag['name']) => ({ ...builtin, flags: [{ name, means: '' }] })

  for (const { what, target, why } of [
    { what: 'when it is missing', target: { ...builtin, status: 'missing' }, why: 'missing' },
    { what: 'when it failed', target: { ...builtin, status: 'failed' }, why: 'failed' },
    { what: 'when the mock was the limit', target: flagged('mock_bound'), why: 'mock-bound' },
    { what: 'when the driver was the limit', target: flagged('driver_bound'), why: 'driver-bound' },
    { what: 'when it answers from a cache', target: flagged('cached_answers'), why: 'cached answers' },
    { what: 'when it sends errors as success', target: flagged('error_bodies'), why: 'error bodies' },
    { what: 'when it died', target: flagged('died'), why: 'died' },
    {
      what: 'when no turn was valid',
      target: { ...builtin, turns: [{ round: 1, position: 1, valid: false }] },
      why: 'no valid turn',
    },
  ] satisfies { what: string; target: TargetRecord; why: string }[]) {
    test(what, () => {
      assert.equal(whyUnranked(target), why)
    })
  }

  test('but keeps it with a coarser ledger, growing memory, failures or some invalid turns', () => {
    for (const name of ['truth_stripped', 'memory_grows', 'failures', 'invalid_turns'] as const) {
      assert.equal(whyUnranked(flagged(name)), undefined, name)
    }
  })
})
