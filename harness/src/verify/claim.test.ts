import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { parseClaim, readClaim } from './claim.ts'
import { claimOf, figureOf } from './verify.test-data.ts'

function problemsOf(value: unknown): readonly string[] {
  try {
    parseClaim(value, 'claim.json')
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error.problems
  }
  return []
}

describe('parseClaim', () => {
  test('a claim is given back as it is', () => {
    const claim = claimOf([figureOf({})])
    assert.equal(parseClaim(claim, 'claim.json'), claim)
  })

  test('every problem is listed at once, with its path, what would be right and what was there', () => {
    const claim = claimOf([figureOf({})])
    const figures = Array.from({ length: 10 }, () => ({ ...figureOf({}), metric: 'p98' }))
    const { who: _who, ...rest } = claim
    const problems = problemsOf({ ...rest, rate: 5, conditions: { ratePerSec: -5 }, figures })
    assert.equal(problems.length, 13)
    assert.ok(problems.every((problem) => problem.startsWith('claim.json: /')))
    assert.ok(problems.includes('claim.json: /who is missing (who published it)'))
    assert.ok(problems.includes('claim.json: /rate is not known here; leave it out'))
    assert.ok(
      problems.includes(
        'claim.json: /conditions/ratePerSec is none of what it may be (requests per second, above 0, or "saturation" for as many as the gateway takes), got -5',
      ),
    )
    assert.match(
      problems.join('\n'),
      /\/figures\/9\/metric must be one of published_overhead, .*stage\.queue_wait.*, got "p98"/,
    )
  })

  for (const [what, claim, problem] of [
    ['a file that is no object', [], /\/ must be object, got \[\]/],
    [
      'a unit of another kind',
      claimOf([figureOf({ unit: 'MB' })]),
      /unit of published_overhead must be us or ms or s, got "MB"/,
    ],
    ['a figure of 0', claimOf([figureOf({ value: 0 })]), /\/figures\/0\/value must be above 0, got 0/],
    ['a figure twice', claimOf([figureOf({}), figureOf({})]), /\/figures\/1\/metric published_overhead stands twice/],
    ['nothing to judge', claimOf([]), /\/figures is empty/],
    [
      'a condition stated and assumed',
      claimOf([figureOf({})], { assumed: { mockLatencyMs: 1, why: 'because' } }),
      /\/assumed\/mockLatencyMs is stated in \/conditions already/,
    ],
    [
      'a failure at no rate',
      claimOf([], { loadFails: true, conditions: { ratePerSec: 'saturation' } }),
      /\/loadFails needs the rate that is not carried/,
    ],
  ] as const) {
    test(`refused: ${what}`, () => {
      const problems = problemsOf(claim)
      assert.equal(problems.length, 1)
      assert.match(problems[0]!, problem)
    })
  }
})

test('readClaim names a file that is not there, and one that is not JSON', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'claim-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'bad.json'), '{')
  await assert.rejects(readClaim(join(folder, 'none.json')), /none\.json: cannot be read/)
  await assert.rejects(readClaim(join(folder, 'bad.json')), /bad\.json: is not JSON/)
})
