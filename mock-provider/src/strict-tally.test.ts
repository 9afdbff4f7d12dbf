import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from './random.ts'
import { isPlausible, mergeStrictReports, StrictTally, type StrictReport } from './strict-tally.ts'
import { VIOLATION_KINDS, type Violation } from './strict-violation.ts'
import { readStrict, type StrictConfig } from './strict.ts'

fc.configureGlobal({ seed: 1 })

function configOf(keyShares: Record<string, number>): StrictConfig {
  const config = readStrict({ requests: [{ path: '/' }], keyShares }, [])
  assert.ok(config)
  return config
}

const LOST: Violation = { kind: 'lost_field', at: 'body.n', problem: 'expected 1, got nothing' }
const CHANGED: Violation = { kind: 'changed_field', at: 'body.n', problem: 'expected 1, got 2' }
const ADDED: Violation = { kind: 'added_field', at: 'body.x', problem: 'expected nothing, got 1' }
const WRONG_KEY: Violation = { kind: 'wrong_key', at: 'key', problem: 'expected one of those with a share, got none' }

const NONE = Object.fromEntries(VIOLATION_KINDS.map((kind) => [kind, 0]))

describe('a tally', () => {
  test('has counted nothing at first, and judges no share', () => {
    const keyShares = [{ key: '****efgh', expectedShare: 1, seen: 0 }]
    const report = new StrictTally(configOf({ 'sk-abcdefgh': 1 })).report()
    assert.deepEqual(report, { checked: 0, wrong: 0, byKind: NONE, examples: [], keyShares })
  })

  test('counts requests, those that are wrong, and violations by kind', () => {
    const tally = new StrictTally(configOf({}))
    tally.add([], undefined)
    tally.add([LOST, LOST, CHANGED, ADDED], undefined)
    tally.add([CHANGED], 'sk-abcdefgh')
    assert.deepEqual(tally.report(), {
      checked: 3,
      wrong: 2,
      byKind: { ...NONE, lost_field: 2, changed_field: 2, added_field: 1 },
      examples: [LOST, CHANGED, ADDED],
      keyShares: [],
    })
  })

  test('calls no request wrong that only has more fields', () => {
    const tally = new StrictTally(configOf({}))
    tally.add([ADDED, ADDED], undefined)
    const { checked, wrong, byKind } = tally.report()
    assert.deepEqual([checked, wrong, byKind.added_field], [1, 0, 2])
  })

  test('keeps the first 20 examples that differ in kind or place', () => {
    const tally = new StrictTally(configOf({}))
    tally.add([LOST, { ...LOST, problem: 'another' }], undefined)
    for (let i = 0; i < 30; i++) tally.add([{ ...LOST, at: `body.x${i}` }], undefined)
    const { examples } = tally.report()
    assert.deepEqual(
      examples.map(({ at }) => at),
      ['body.n', ...Array.from({ length: 19 }, (_, i) => `body.x${i}`)],
    )
    assert.equal(examples[0]?.problem, LOST.problem)
  })

  test('gives a report that later requests leave as it is', () => {
    const tally = new StrictTally(configOf({ a: 1 }))
    tally.add([LOST], 'a')
    const report = tally.report()
    const copy = structuredClone(report)
    tally.add([CHANGED], 'a')
    assert.deepEqual(report, copy)
  })

  test('counts the keys that have a share, masked, and shares among those', () => {
    const tally = new StrictTally(configOf({ 'sk-abcdefgh': 3, constructor: 1 }))
    for (const key of ['sk-abcdefgh', 'sk-abcdefgh', 'sk-abcdefgh', 'constructor']) tally.add([], key)
    for (const key of ['sk-other', 'toString', undefined]) tally.add([WRONG_KEY], key)
    const { checked, wrong, byKind, keyShares } = tally.report()
    assert.deepEqual([checked, wrong, byKind.wrong_key], [7, 3, 3])
    assert.deepEqual(keyShares, [
      { key: '****efgh', expectedShare: 0.75, seen: 3, seenShare: 0.75, plausible: true },
      { key: '****ctor', expectedShare: 0.25, seen: 1, seenShare: 0.25, plausible: true },
    ])
  })
})

describe('shares', () => {
  /** 10,000 requests, of which the first key has this share by chance. */
  function drawn(share: number, seed: number): StrictReport {
    const tally = new StrictTally(configOf({ 'sk-a': 70, 'sk-b': 30 }))
    const random = seededRandom(seed)
    for (let i = 0; i < 10_000; i++) tally.add([], random() < share ? 'sk-a' : 'sk-b')
    return tally.report()
  }

  test('are plausible when drawn as expected', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const verdicts = drawn(0.7, seed).keyShares.map(({ plausible }) => plausible)
      assert.deepEqual(verdicts, [true, true], `seed ${seed}`)
    }
  })

  test('are not when drawn 60 to 40 instead of 70 to 30', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const verdicts = drawn(0.6, seed).keyShares.map(({ plausible }) => plausible)
      assert.deepEqual(verdicts, [false, false], `seed ${seed}`)
    }
  })

  test('are plausible when exact, as a gateway that takes turns has them', () => {
    for (const total of [1, 10, 1e6]) assert.ok(isPlausible(total * 0.7, total, 0.7))
    assert.ok(isPlausible(1_000, 1_000, 1))
  })

  test('of 10,000 requests may be 2 points off at 70%, and not 2.1', () => {
    // sqrt(2 ln 20,000) = 4.45 standard deviations of 0.458 points
    assert.deepEqual(
      [6_790, 6_800, 7_200, 7_210].map((seen) => isPlausible(seen, 10_000, 0.7)),
      [false, true, true, false],
    )
  })

  test('of a rare key are no alarm after a few requests', () => {
    // Probabilities of so many or more: 1.7%, 0.1% and 0.0009%.
    assert.deepEqual(
      [2, 3, 5].map((seen) => isPlausible(seen, 20, 0.01)),
      [true, true, false],
    )
  })

  test('are judged as the exact probabilities of the binomial distribution allow', () => {
    for (const total of [1, 2, 5, 20, 100, 500]) {
      for (const share of [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.99]) {
        const probabilities = binomial(total, share)
        let falseAlarms = 0
        for (let seen = 0; seen <= total; seen++) {
          const isRight = isPlausible(seen, total, share)
          if (!isRight) falseAlarms += probabilities[seen]!
          const below = probabilities.slice(0, seen + 1).reduce((sum, each) => sum + each)
          const above = probabilities.slice(seen).reduce((sum, each) => sum + each)
          if (Math.min(below, above) < 1e-7) assert.ok(!isRight, `${seen} of ${total} at ${share}`)
        }
        assert.ok(falseAlarms <= 1e-4, `${falseAlarms} for ${total} at ${share}`)
      }
    }
  })

  /** The probability of each count, one draw after the other. */
  function binomial(total: number, share: number): number[] {
    let probabilities = [1]
    for (let i = 0; i < total; i++) {
      const before = probabilities
      probabilities = Array.from(
        { length: before.length + 1 },
        (_, seen) => (before[seen] ?? 0) * (1 - share) + (before[seen - 1] ?? 0) * share,
      )
    }
    return probabilities
  }
})

describe('reports of several processes', () => {
  const CONFIG = configOf({ 'sk-1-abcd': 0.7, 'sk-2-abcd': 0.3 })
  const violations = fc.constantFrom(LOST, CHANGED, ADDED, WRONG_KEY)
  const requests = fc.array(
    fc.record({
      violations: fc.array(violations, { maxLength: 3 }),
      key: fc.constantFrom('sk-1-abcd', 'sk-2-abcd', 'sk-other', undefined),
    }),
  )

  test('merge to the one report that one process would have given', () => {
    fc.assert(
      fc.property(fc.array(requests, { minLength: 1, maxLength: 4 }), (byProcess) => {
        const whole = new StrictTally(CONFIG)
        const reports = byProcess.map((some) => {
          const tally = new StrictTally(CONFIG)
          for (const request of some) {
            tally.add(request.violations, request.key)
            whole.add(request.violations, request.key)
          }
          // As it comes from another process.
          return JSON.parse(JSON.stringify(tally.report())) as StrictReport
        })
        assert.deepEqual(mergeStrictReports(reports), whole.report())
      }),
    )
  })

  test('keep 20 examples', () => {
    const reports = ['a', 'b'].map((name) => {
      const tally = new StrictTally(CONFIG)
      for (let i = 0; i < 15; i++) tally.add([{ ...LOST, at: `body.${name}${i}` }], undefined)
      return tally.report()
    })
    const { examples } = mergeStrictReports(reports)
    assert.equal(examples.length, 20)
    assert.equal(examples.at(-1)?.at, 'body.b4')
  })

  test('are not merged when their shares differ', () => {
    const reports = [{ 'sk-a': 1 }, { 'sk-b': 1 }].map((shares) => new StrictTally(configOf(shares)).report())
    assert.throws(
      () => mergeStrictReports(reports),
      /must be of one config .* got shares of \{\*\*\*\*-a: 1\} and \{\*\*\*\*-b: 1\}/,
    )
  })

  test('may be none', () => {
    assert.deepEqual(mergeStrictReports([]), { checked: 0, wrong: 0, byKind: NONE, examples: [], keyShares: [] })
  })
})
