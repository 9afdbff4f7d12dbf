import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fixtureFrontier } from '../report/compare/fixture.test-data.ts'
import { renderCharts } from './charts.ts'
import { drawUpComparison, type CompareInput, type MeasuredTarget } from './draw-up.ts'
import { countsOf } from './sparse-counts.test-data.ts'
import { compareInput, failedTurn, measuredTarget } from './turn-figures.test-data.ts'

const chartsOf = (targets: readonly MeasuredTarget[], change: Partial<CompareInput> = {}) =>
  renderCharts(drawUpComparison(compareInput(targets, change), 10), targets)

const failed: MeasuredTarget = { ...measuredTarget('failed'), turns: [failedTurn(1, 'port in use')] }

describe('the charts of a comparison', () => {
  test('show every target that was measured, and no other', async () => {
    const { added, latency, memory, ...others } = await chartsOf([
      measuredTarget('alpha'),
      failed,
      measuredTarget('beta'),
    ])
    for (const chart of [added, latency, memory]) {
      for (const svg of [chart!.light, chart!.dark]) {
        assert.match(svg, /^<svg/)
        assert.ok(svg.includes('>alpha<') && svg.includes('>beta<'))
        assert.ok(!svg.includes('failed'))
      }
    }
    assert.deepEqual(others, {})
  })

  test('are none where nothing was measured', async () => {
    assert.deepEqual(await chartsOf([failed]), {})
  })

  test('have the frontier where there is one, and no memory where it was not measured', async () => {
    const target = measuredTarget('alpha')
    for (const { result } of target.turns) result!.timeline = []
    const charts = await chartsOf([target], { frontier: fixtureFrontier() })
    assert.deepEqual(Object.keys(charts), ['added', 'latency', 'frontier'])
  })

  test('have no curve of latencies where there are too few for one', async () => {
    // Three turns of them: 9 answers are less than the 10 above a percentile.
    const three = [{ target: countsOf([50_200], 3) }]
    assert.deepEqual(Object.keys(await chartsOf([measuredTarget('alpha', {}, { latency: three })])), [
      'added',
      'memory',
    ])
  })
})
