import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fixtureResult } from '../report/fixture.test-data.ts'
import { growthMiBPerThousand } from './turn.ts'

/** A run whose memory was this much in these seconds, at so many answers per second. */
function runWith(mibBySecond: readonly (number | undefined)[], completedPerSec: number) {
  const { rate } = fixtureResult()
  const timeline = mibBySecond.map((mib, second) => ({
    ...{ second, sent: 1, ok: 1, failed: 0, dropped: 0 },
    ...(mib !== undefined && { gatewayRssMiB: mib }),
  }))
  return { timeline, rate: { ...rate, completedPerSec } }
}

describe('memory gained per 1,000 requests', () => {
  for (const { what, mib, perSec, growth } of [
    // 2 MiB a second at 100 requests a second are 20 MiB per 1,000.
    { what: 'of a straight rise is its slope', mib: [100, 102, 104, 106], perSec: 100, growth: 20 },
    { what: 'is the half at twice the rate', mib: [100, 102, 104, 106], perSec: 200, growth: 10 },
    { what: 'is below zero where memory falls', mib: [106, 104, 102], perSec: 100, growth: -20 },
    { what: 'is 0 where memory rests', mib: [100, 100, 100], perSec: 100, growth: 0 },
    { what: 'is by least squares where it rises in steps', mib: [0, 0, 3, 3], perSec: 1_000, growth: 1.2 },
    { what: 'takes seconds as far apart as they were', mib: [100, undefined, 104, 106], perSec: 100, growth: 20 },
  ]) {
    test(what, () => {
      const got = growthMiBPerThousand(runWith(mib, perSec))
      assert.ok(got !== undefined && Math.abs(got - growth) < 1e-9, String(got))
    })
  }

  test('is not known from fewer than three seconds', () => {
    assert.equal(growthMiBPerThousand(runWith([100, undefined, 104, undefined], 100)), undefined)
    assert.equal(growthMiBPerThousand(runWith([], 100)), undefined)
  })
})
