import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { turnFigures } from '../compare/turn-figures.test-data.ts'
import type { FrontierPoint, FrontierTarget } from '../compare/record.ts'
import { DURATION_NS, Histogram } from '../histogram.ts'
import { bareResult, fixtureResult } from '../report/fixture.test-data.ts'
import { claimOf, figureOf, HERE } from './verify.test-data.ts'
import { measuredOf, verifyClaim } from './verify.ts'

const frontier = (...points: FrontierPoint[]): FrontierTarget => ({ name: 'x', points, trials: [] })
const flat = (value: number) => ({ value, low: value, high: value })

function reportOf(us: number) {
  const ns = new Histogram(DURATION_NS)
  ns.record(us * 1_000)
  return { source: { kind: 'server_timing', claims: 'its own work' } as const, ns }
}

describe('what was measured', () => {
  test('of a full turn and a frontier has every definition', () => {
    const result = fixtureResult()
    const { mean, p50, p90, p95, p99 } = result.latencyMs!.fromDue
    const figures = turnFigures({}, { result, reports: [reportOf(50)] })
    const { clientMeanUs, clientP99Us, stagesUs, selfReportedP50Us, selfReportedP99Us, ...rest } = measuredOf(
      figures,
      frontier({ boundMs: 10, ratePerSec: 700 }, { boundMs: null, ratePerSec: 900 }),
    )
    assert.deepEqual(rest, {
      valid: true,
      failedChecks: [],
      maxPerSec: 900,
      publishedUs: 8.77,
      inProcessUs: 214.2,
      latencyMeanMs: mean,
      latencyP50Ms: p50,
      latencyP90Ms: p90,
      latencyP95Ms: p95,
      latencyP99Ms: p99,
      completedPerSec: 4998.8,
      successRate: 1,
      peakMemoryMiB: 333.3,
    })
    assert.deepEqual([clientMeanUs, clientP99Us], [flat(200), flat(200)])
    assert.equal(stagesUs!.json_marshaling, 5.55)
    for (const us of [selfReportedP50Us, selfReportedP99Us]) assert.ok(Math.abs(us! - 50) < 0.1, `${us} us`)
  })

  test('of a bare turn has no key for what is not known', () => {
    const bare = turnFigures({ turn: { valid: false, failedChecks: ['host_steal'] } }, { result: bareResult() })
    const { above, ...figures } = bare
    assert.ok(above)
    assert.deepEqual(measuredOf(figures, undefined), {
      valid: false,
      failedChecks: ['host_steal'],
      completedPerSec: 4998.8,
      successRate: 1,
    })
  })

  test('of a turn that came to nothing is not valid, with or without a largest rate', () => {
    const { result, ...figures } = turnFigures()
    assert.ok(result)
    assert.deepEqual(measuredOf(figures, undefined), { valid: false, failedChecks: [] })
    const largest = frontier({ boundMs: null, ratePerSec: 900 })
    assert.deepEqual(measuredOf(figures, largest), { valid: false, failedChecks: [], maxPerSec: 900 })
  })

  const LARGEST: readonly { title: string; points: FrontierPoint[]; maxPerSec?: number }[] = [
    { title: 'is that without a bound', points: [{ boundMs: null, ratePerSec: 900 }], maxPerSec: 900 },
    { title: 'is unknown where only bounds have one', points: [{ boundMs: 10, ratePerSec: 900 }] },
    { title: 'is unknown where none was carried', points: [{ boundMs: null, firstFailedPerSec: 1 }] },
    ...(['mock', 'driver', 'search_limit'] as const).map((limitedBy) => ({
      title: `is unknown where the limit was: ${limitedBy}`,
      points: [{ boundMs: null, ratePerSec: 900, limitedBy }],
    })),
  ]
  for (const { title, points, maxPerSec } of LARGEST) {
    test(`the largest rate ${title}`, () => {
      assert.deepEqual(measuredOf(undefined, frontier(...points)), {
        valid: true,
        failedChecks: [],
        ...(maxPerSec !== undefined && { maxPerSec }),
      })
    })
  }
})

describe('a claim', () => {
  test('about a target that is not installed is not tested, says why, and starts nothing', async () => {
    const outDir = join(tmpdir(), `gatebench-never-${process.pid}`)
    const claim = claimOf([figureOf({ metric: 'client_overhead_mean' })], { target: 'portkey' })
    const options = { outDir, allowLoaded: true, command: [], signal: new AbortController().signal }
    const say = () => assert.fail('nothing was begun')
    const verification = await verifyClaim(claim, HERE, [], options, { say })
    assert.equal(verification.plan.testable, false)
    assert.deepEqual('why' in verification.plan && verification.plan.why, [
      'portkey is not installed here: npm package @portkey-ai/gateway is not there',
    ])
    assert.deepEqual([verification.claim, verification.judgement, verification.folder], [claim, undefined, undefined])
    assert.equal(existsSync(outDir), false)
  })
})
