import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { judgeRest } from './machine.ts'

describe('a machine', () => {
  test('with 15% of its CPU time in use or stolen is at rest', () => {
    const machine = judgeRest({ busyPct: 12, stealPct: 3 }, false)
    assert.deepEqual(machine, { busyPct: 12, stealPct: 3, limitPct: 15, overridden: false })
  })

  for (const [what, host] of [
    ['in use', { busyPct: 15.1, stealPct: 0 }],
    ['stolen', { busyPct: 0, stealPct: 15.1 }],
    ['in use and stolen', { busyPct: 8, stealPct: 7.1 }],
  ] as const) {
    test(`with more than that ${what} is refused`, () => {
      assert.throws(() => judgeRest(host, false), UsageError)
    })

    test(`with more than that ${what} is taken when it was allowed, and the record says so`, () => {
      assert.deepEqual(judgeRest(host, true), { ...host, limitPct: 15, overridden: true })
    })
  }

  test('that is refused is told what was found, what would be right and the way round', () => {
    assert.throws(
      () => judgeRest({ busyPct: 44.4, stealPct: 5.5 }, false),
      ({ problems }: UsageError) => /44% .* 6% .* 15% .*--allow-loaded/.test(problems.join()),
    )
  })

  test('at rest was not overridden, though it might have been', () => {
    assert.equal(judgeRest({ busyPct: 1, stealPct: 0 }, true).overridden, false)
  })

  test('that does not say how busy it is has no figures and is not refused', () => {
    assert.deepEqual(judgeRest(undefined, false), { limitPct: 15, overridden: false })
  })
})
