import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULTS } from '../config.ts'
import type { Claim } from './claim.ts'
import { plannedTest, type Here } from './planned-test.ts'
import { claimOf, figureOf, HERE, shippedClaim, T3_MEDIUM, testable } from './verify.test-data.ts'

function whyNot(claim: Claim, here: Here = HERE): string {
  const plan = plannedTest(claim, here)
  assert.ok(!plan.testable)
  return plan.why.join('; ')
}

describe('a claim cannot be tested', () => {
  test('when bench has no target for its gateway', async () => {
    assert.equal(whyNot(await shippedClaim('onthebench-kong')), 'bench has no target for Kong')
  })

  test('when its target is not known, or not installed, with the reason', () => {
    assert.match(
      whyNot(claimOf([figureOf({})], { target: 'toString' })),
      /"toString" is not a target.*builtin, litellm/,
    )
    const portkey = claimOf([figureOf({})], { target: 'portkey' })
    assert.match(whyNot(portkey), /^portkey is not installed here: npm package @portkey-ai\/gateway is not there$/)
  })

  test('when it is about several instances', async () => {
    assert.match(whyNot(await shippedClaim('litellm-docs')), /about 4 instances, which this one machine cannot be/)
  })

  test('when there is no rate', () => {
    assert.match(whyNot(claimOf([figureOf({})], { conditions: {} })), /rate is not stated/)
  })
})

describe('the run that tests a claim', () => {
  test('what is stated comes before what is assumed, and both before the defaults', () => {
    const { run } = testable(
      claimOf([figureOf({})], {
        conditions: { ratePerSec: 500, responseBytes: 10_320 },
        assumed: { mockLatencyMs: 0, why: 'because' },
      }),
    )
    assert.deepEqual(run, {
      target: 'builtin',
      ratePerSec: 500,
      saturation: false,
      durationMs: DEFAULTS.durationMs,
      mockLatencyMs: 0,
      requestBytes: DEFAULTS.requestBytes,
      responseBytes: 10_320,
      timeoutMs: DEFAULTS.timeoutMs,
    })
  })

  test('a largest rate asks for a search, beside the run at the rate of the other figures', async () => {
    const { run } = testable(await shippedClaim('onthebench-litellm-python'))
    assert.deepEqual([run.ratePerSec, run.saturation], [50, true])
    const alone = figureOf({ metric: 'max_rate', unit: 'per_s' })
    const { run: search } = testable(claimOf([alone], { conditions: { ratePerSec: 'saturation' } }))
    assert.deepEqual([search.ratePerSec, search.saturation], [undefined, true])
  })

  test('no request is given up on before the latency that is claimed', async () => {
    assert.equal(testable(await shippedClaim('bifrost-500rps-litellm')).run.timeoutMs, 2 * 90_720)
  })
})

describe('conditions', () => {
  test('off the machine of the claim every condition that is not met is named', async () => {
    const plan = testable(await shippedClaim('tensorzero-litellm-500qps'))
    assert.equal(plan.onClaimedMachine, false)
    assert.deepEqual(plan.differs, [
      'instance: claimed c7i.xlarge, here not EC2',
      'vCPUs: claimed 4, here 2',
      'memory: claimed 8.0 GiB, here 23.4 GiB',
      'duration: not stated, here 60 s',
      'delay of the mock: not stated, here 0 s',
      'request: not stated, here 130 bytes',
      'answer: not stated, here 1,370 bytes',
      'version: not stated, here 1.81.0',
    ])
  })

  test('the same instance is the same machine, though its system sees less memory; equal cores alone are not', () => {
    const claim = claimOf([figureOf({})], {
      conditions: { ratePerSec: 1, machine: { instance: 't3.medium', vcpus: 2, memoryGiB: 4 } },
    })
    const plan = testable(claim, T3_MEDIUM)
    assert.equal(plan.onClaimedMachine, true)
    assert.doesNotMatch(plan.differs.join(), /instance|vCPUs|memory/)
    assert.equal(testable(claim, { ...T3_MEDIUM, instanceType: null }).onClaimedMachine, false)
  })

  test('a version is the same with and without a v; another one differs', () => {
    const differs = (version: string) => testable(claimOf([figureOf({})], { version })).differs.join()
    assert.doesNotMatch(differs('v0.1.0'), /version/)
    assert.match(differs('0.2.0'), /version: claimed 0\.2\.0, here 0\.1\.0/)
  })
})
