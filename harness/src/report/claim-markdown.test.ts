import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Claim } from '../verify/claim.ts'
import { judgeClaim } from '../verify/judge.ts'
import type { Measured } from '../verify/metrics.ts'
import { plannedTest, type Here } from '../verify/planned-test.ts'
import {
  claimOf,
  figureOf,
  HERE,
  interval,
  measuredOf,
  shippedClaim,
  T3_MEDIUM,
  testable,
} from '../verify/verify.test-data.ts'
import { renderClaim } from './claim-markdown.ts'

function render(claim: Claim, measured: Partial<Measured>, here: Here = HERE): string {
  const plan = testable(claim, here)
  return renderClaim(claim, plan, judgeClaim(claim, plan, measuredOf(measured)))
}

const overhead = claimOf([figureOf({}), figureOf({ metric: 'peak_memory', value: 1_312.79, unit: 'MB' })])

describe('renderClaim', () => {
  test('the verdict comes first, and off the machine of the claim it says so', () => {
    assert.match(
      render(overhead, { publishedUs: 11 }),
      /^# Claim: Example Gateway, by Example\n\n\*\*REPRODUCED ON THIS MACHINE\*\*: of 2 claimed: 1 reproduced, 0 not reproduced, 1 not testable\.\n\nThe run was not on the machine of the claim/,
    )
    assert.match(render(overhead, { publishedUs: 13 }), /\*\*NOT REPRODUCED ON THIS MACHINE\*\*/)
    const there = render(overhead, { publishedUs: 11 }, T3_MEDIUM)
    assert.match(there, /\*\*REPRODUCED\*\*: /)
    assert.doesNotMatch(there, /this machine/i)
  })

  test('then the conditions, the figures and the definitions, in this order', () => {
    const heads = render(overhead, { publishedUs: 11 }).match(/^## .*$/gm)
    assert.deepEqual(heads, ['## Conditions', '## Figures', '## The same run under each definition of overhead'])
  })

  test('a condition is the same, differs, or is not known', () => {
    const text = render(overhead, {})
    assert.match(text, /\| requests per second \| 1,000 \| 1,000 \| same \|/)
    assert.match(text, /\| instance \| t3\.medium \| not EC2 \| \*\*differs\*\* \|/)
    assert.match(text, /\| answer \| not stated \| 1,370 bytes \| unknown \|/)
  })

  test('a figure stands as published, with what is accepted and what was found', () => {
    const text = render(overhead, { publishedUs: 11, peakMemoryMiB: 580 })
    assert.match(text, /\| 10 us \| at most 12\.0 us \| 11\.0 us \| reproduced \| overhead \|/)
    assert.match(text, /\| 1,312\.79 MB \| at most 1,575 MiB \| 580 MiB \| reproduced \|/)
  })

  test('each definition of overhead has its figure, or "not measured"', () => {
    const text = render(overhead, { publishedUs: 11, clientMeanUs: interval(231, 224, 239) })
    assert.match(text, /\| Overhead, published definition \| 10 us \| 11\.0 us \|/)
    assert.match(text, /\| Overhead, in process \| - \| not measured \|/)
    assert.match(text, /\| Overhead, client, mean \| - \| 231\.0 us \(224\.0 to 239\.0\) \|/)
  })

  test('a claim that the load is not carried is a row of its own', async () => {
    const text = render(await shippedClaim('tensorzero-litellm-1000qps'), { completedPerSec: 310.4 })
    assert.match(
      text,
      /\| Load answered \| fails at 1,000 per second \| - \| 310\.4 of 1,000 per second \| reproduced \|/,
    )
  })

  test('what cannot be tested says why, and still shows what is claimed and assumed', async () => {
    const claim = await shippedClaim('onthebench-kong')
    const text = renderClaim(claim, plannedTest(claim, HERE))
    assert.match(text, /\*\*CANNOT BE TESTED HERE\*\*:\n\n- bench has no target for Kong\.\n/)
    assert.match(text, /\| Overhead, client, p99 \| 1,277 us \| p99 added at concurrency 1; not stated: /)
    assert.match(text, /What the claim file assumes where nothing is stated: /)
    assert.doesNotMatch(text, /each definition/)
  })

  test('a run that says nothing is no verdict on any machine', () => {
    const text = render(overhead, { valid: false, failedChecks: ['host_steal'], publishedUs: 11 })
    assert.match(text, /\*\*CANNOT BE TESTED HERE\*\*: .*\n\n- the run is invalid, its failed checks: host_steal\.\n/)
    assert.doesNotMatch(text, /on this machine/i)
  })
})
