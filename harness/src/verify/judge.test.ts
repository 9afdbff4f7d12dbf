import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Claim } from './claim.ts'
import { judgeClaim, type Judgement } from './judge.ts'
import type { Measured } from './metrics.ts'
import type { Here } from './planned-test.ts'
import { claimOf, figureOf, HERE, interval, measuredOf, T3_MEDIUM, testable } from './verify.test-data.ts'

type Figure = Claim['figures'][number]

function judge(claim: Claim, measured: Partial<Measured>, here: Here = HERE): Judgement {
  return judgeClaim(claim, testable(claim, here), measuredOf(measured))
}

const verdictOf = (figure: Partial<Figure>, measured: Partial<Measured>) =>
  judge(claimOf([figureOf(figure)]), measured).verdict

describe('one figure', () => {
  const facts: { what: string; figure: Partial<Figure>; measured: Partial<Measured>; verdict: string }[] = [
    // 10 us and 20%: 12 us at most, 8.33 us at least.
    { what: 'at most, within the tolerance', figure: {}, measured: { publishedUs: 12 }, verdict: 'reproduced' },
    { what: 'at most, above it', figure: {}, measured: { publishedUs: 12.1 }, verdict: 'not_reproduced' },
    { what: 'at most, far below', figure: {}, measured: { publishedUs: 0.1 }, verdict: 'reproduced' },
    {
      what: 'about, within the factor',
      figure: { comparison: 'about' },
      measured: { publishedUs: 8.4 },
      verdict: 'reproduced',
    },
    {
      what: 'about, far below',
      figure: { comparison: 'about' },
      measured: { publishedUs: 8.3 },
      verdict: 'not_reproduced',
    },
    {
      what: 'at least, within the tolerance of its file',
      figure: { metric: 'success_rate', value: 100, unit: '%', comparison: 'at_least', tolerancePct: 0.1 },
      measured: { successRate: 0.9995 },
      verdict: 'reproduced',
    },
    {
      what: 'at least, below it',
      figure: { metric: 'success_rate', value: 100, unit: '%', comparison: 'at_least', tolerancePct: 0.1 },
      measured: { successRate: 0.99 },
      verdict: 'not_reproduced',
    },
    {
      what: 'an interval that reaches what is accepted',
      figure: { metric: 'client_overhead_mean' },
      measured: { clientMeanUs: interval(13, 11.9, 14) },
      verdict: 'reproduced',
    },
    {
      what: 'an interval that does not',
      figure: { metric: 'client_overhead_mean' },
      measured: { clientMeanUs: interval(13, 12.1, 14) },
      verdict: 'not_reproduced',
    },
    {
      what: 'ms against ms',
      figure: { metric: 'latency_p99', value: 0.94, unit: 'ms' },
      measured: { latencyP99Ms: 1.2 },
      verdict: 'not_reproduced',
    },
    {
      what: 'us of a stage',
      figure: { metric: 'stage.queue_wait', value: 47.13 },
      measured: { stagesUs: { queue_wait: 3 } },
      verdict: 'reproduced',
    },
    // 1 MB of 2^20 bytes and 20% is 1.2 MiB; of 10^6 bytes and a sixth less, 0.795 MiB.
    {
      what: 'MB as 2^20 bytes',
      figure: { metric: 'peak_memory', value: 1, unit: 'MB', comparison: 'about' },
      measured: { peakMemoryMiB: 1.19 },
      verdict: 'reproduced',
    },
    {
      what: 'MB as 10^6 bytes',
      figure: { metric: 'peak_memory', value: 1, unit: 'MB', comparison: 'about' },
      measured: { peakMemoryMiB: 0.8 },
      verdict: 'reproduced',
    },
    {
      what: 'MB by neither',
      figure: { metric: 'peak_memory', value: 1, unit: 'MB', comparison: 'about' },
      measured: { peakMemoryMiB: 0.79 },
      verdict: 'not_reproduced',
    },
  ]
  for (const { what, figure, measured, verdict } of facts) {
    test(`${what}: ${verdict}`, () => {
      assert.equal(verdictOf(figure, measured), verdict)
    })
  }

  test('what is published is reproduced by itself, whatever the comparison and the tolerance', () => {
    const comparison = fc.constantFrom('at_most' as const, 'about' as const, 'at_least' as const)
    const value = fc.double({ min: 1e-3, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(value, comparison, fc.integer({ min: 0, max: 100 }), (us, compared, tolerancePct) => {
        assert.equal(verdictOf({ value: us, comparison: compared, tolerancePct }, { publishedUs: us }), 'reproduced')
      }),
    )
  })

  test('what is not measured cannot be tested: the target gives no account, or there is no figure', () => {
    const figures = [figureOf({}), figureOf({ metric: 'peak_memory', unit: 'MiB' })]
    const { verdict, why } = judge(claimOf(figures), {})
    assert.equal(verdict, 'cannot_be_tested')
    assert.deepEqual(why, ['the target gives no figure by this definition', 'not measured'])
  })
})

describe('the whole claim', () => {
  const overhead = figureOf({})
  const latency = figureOf({ metric: 'latency_p99', value: 100, unit: 'ms' })
  const success = figureOf({ metric: 'success_rate', value: 100, unit: '%', comparison: 'at_least', tolerancePct: 0.1 })

  test('is reproduced by the figures that can be tested, and refuted by one of them', () => {
    const claim = claimOf([overhead, latency])
    assert.equal(judge(claim, { latencyP99Ms: 101 }).verdict, 'reproduced')
    assert.equal(judge(claim, { latencyP99Ms: 101, publishedUs: 13 }).verdict, 'not_reproduced')
  })

  test('holds for this machine only, unless it is the machine of the claim', () => {
    assert.equal(judge(claimOf([overhead]), { publishedUs: 9 }).thisMachineOnly, true)
    assert.equal(judge(claimOf([overhead]), { publishedUs: 9 }, T3_MEDIUM).thisMachineOnly, false)
  })

  test('an invalid run says nothing', () => {
    const { verdict, why } = judge(claimOf([overhead]), { valid: false, failedChecks: ['host_steal'], publishedUs: 99 })
    assert.equal(verdict, 'cannot_be_tested')
    assert.deepEqual(why, ['the run is invalid, its failed checks: host_steal'])
  })

  test('a load that was not carried says nothing off the machine of the claim', () => {
    const { verdict, why } = judge(claimOf([latency, success]), {
      completedPerSec: 600,
      successRate: 0.6,
      latencyP99Ms: 900,
    })
    assert.equal(verdict, 'cannot_be_tested')
    assert.deepEqual(why, ['the load was not carried: 600 of 1,000 requests per second were answered'])
  })

  test('on that machine it refutes the success that was claimed, and dropped requests are no excuse', () => {
    const overrun = { completedPerSec: 600, successRate: 0.6, latencyP99Ms: 90 }
    for (const checks of [{}, { valid: false, failedChecks: ['dropped_requests'] }]) {
      const judged = judge(claimOf([latency, success]), { ...overrun, ...checks }, T3_MEDIUM)
      assert.equal(judged.verdict, 'not_reproduced')
      assert.deepEqual(
        judged.figures.map((figure) => figure.verdict),
        ['cannot_be_tested', 'not_reproduced'],
      )
    }
  })

  test('a claim of a throughput under its rate asks for no more than that', () => {
    const throughput = figureOf({ metric: 'throughput', value: 424, unit: 'per_s', comparison: 'at_least' })
    const claim = claimOf([throughput, latency])
    assert.equal(judge(claim, { completedPerSec: 430, latencyP99Ms: 90 }).verdict, 'reproduced')
    assert.equal(judge(claim, { completedPerSec: 200, latencyP99Ms: 90 }).verdict, 'cannot_be_tested')
  })

  test('a largest rate is judged whatever came of the run at a fixed one', () => {
    const claim = claimOf([figureOf({ metric: 'max_rate', value: 500, unit: 'per_s', comparison: 'about' }), latency])
    assert.equal(judge(claim, { completedPerSec: 300, maxPerSec: 520 }).verdict, 'reproduced')
    assert.equal(judge(claim, { completedPerSec: 300, maxPerSec: 300 }).verdict, 'not_reproduced')
  })
})

describe('a claim that the load is not carried', () => {
  const claim = claimOf([], { loadFails: true })
  const facts = [
    { what: 'carried', measured: {}, verdict: 'not_reproduced' },
    { what: 'not carried', measured: { completedPerSec: 310 }, verdict: 'reproduced' },
    {
      what: 'not carried, requests dropped',
      measured: { completedPerSec: 310, valid: false, failedChecks: ['dropped_requests', 'achieved_rate'] },
      verdict: 'reproduced',
    },
    {
      what: 'not carried, the generator late',
      measured: { completedPerSec: 310, valid: false, failedChecks: ['dropped_requests', 'schedule_lag'] },
      verdict: 'cannot_be_tested',
    },
  ]
  for (const { what, measured, verdict } of facts) {
    test(`${what}: ${verdict}`, () => {
      assert.equal(judge(claim, measured).verdict, verdict)
    })
  }
})

test('the definitions stand side by side, each with its figure or without one', () => {
  const { definitions } = judge(claimOf([figureOf({})]), {
    publishedUs: 11,
    inProcessUs: 80,
    clientMeanUs: interval(231, 224, 239),
  })
  assert.deepEqual(
    definitions.map(({ metric, claimed, measured }) => [metric, claimed?.value, measured?.value]),
    [
      ['published_overhead', 10, 11],
      ['in_process_overhead', undefined, 80],
      ['client_overhead_mean', undefined, 231],
      ['client_overhead_p99', undefined, undefined],
      ['self_reported_overhead_p50', undefined, undefined],
      ['self_reported_overhead_p99', undefined, undefined],
    ],
  )
})
