import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { STAGES } from '@gatebench/gateway/stages'
import { compareRuns, improvementOf, type Comparison } from './comparison.ts'
import { publishedFigures } from './published.ts'
import { bareResult, fixtureResult } from './report/fixture.test-data.ts'

function rowOf({ rows }: Comparison, metric: string) {
  const row = rows.find((candidate) => candidate.metric === metric)
  assert.ok(row, metric)
  return row
}

describe('compareRuns', () => {
  test('the rows are those of the published table, in its order, with the percentiles and the three overheads', () => {
    assert.deepEqual(
      compareRuns([fixtureResult()]).rows.map(({ metric }) => metric),
      [
        'Success Rate',
        'Average Latency (from due)',
        'Average Service Time (from sent)',
        ...['p50', 'p90', 'p95', 'p99', 'p99.9', 'Max'].map((name) => `${name} Latency (from due)`),
        'Peak Memory (gateway)',
        'Mean Memory (gateway)',
        'CPU per Request (gateway)',
        ...STAGES.map(({ title }) => title),
        'Overhead, published definition',
        'Overhead, in process',
        'Overhead, client',
      ],
    )
  })

  test('each row takes its own figure of the result', () => {
    const comparison = compareRuns([fixtureResult()])
    const value = (metric: string) => rowOf(comparison, metric).cells[0]
    assert.deepEqual(value('Success Rate'), { unit: 'ratio', value: 1 })
    assert.deepEqual(value('Average Latency (from due)'), { unit: 'ms', value: 1502.33 })
    assert.deepEqual(value('Average Service Time (from sent)'), { unit: 'ms', value: 1502.22 })
    assert.deepEqual(value('p99.9 Latency (from due)'), { unit: 'ms', value: 1555.55 + 0.11 })
    assert.deepEqual(value('Peak Memory (gateway)'), { unit: 'MiB', value: 333.3 })
    assert.deepEqual(value('CPU per Request (gateway)'), { unit: 'us', value: 110.1 })
    assert.deepEqual(value('JSON Marshaling'), { unit: 'us', value: 5.55 })
    assert.deepEqual(value('Overhead, client'), { unit: 'us', value: 1111.1 })
  })

  test('a stage below the clock shows its batch figure, never its mean', () => {
    const comparison = compareRuns([fixtureResult()])
    assert.deepEqual(rowOf(comparison, 'Key Selection Time').cells, [{ unit: 'us', value: 0.016, belowClockUs: 0.04 }])
    assert.deepEqual(rowOf(comparison, 'Error Handling').cells, [{ unit: 'us', belowClockUs: 0.04 }])
  })

  test('improvement is from the first run to the second', () => {
    const second = fixtureResult()
    second.latencyMs!.fromDue.p99 = 1533.44 * 0.755
    second.requests.successRate = 0.975
    second.stagesUs!['request_setup']!.mean = 6.66 * 1.5
    const comparison = compareRuns([fixtureResult(), second])
    const p99 = rowOf(comparison, 'p99 Latency (from due)').improvement!
    assert.equal(p99.change.toFixed(3), '-24.500')
    assert.deepEqual([p99.in, p99.better], ['percent', true])
    const success = rowOf(comparison, 'Success Rate').improvement!
    assert.equal(success.change.toFixed(3), '-2.500')
    assert.deepEqual([success.in, success.better], ['points', false])
    const setUp = rowOf(comparison, 'Request Setup').improvement!
    assert.equal(setUp.change.toFixed(3), '50.000')
    assert.equal(setUp.better, false)
    assert.equal('better' in rowOf(comparison, 'Queue Wait Time').improvement!, false)
  })

  test('one run and three runs have no improvement', () => {
    for (const count of [1, 3]) {
      const { rows } = compareRuns(Array.from({ length: count }, () => fixtureResult()))
      assert.ok(rows.every((row) => row.improvement === undefined && row.cells.length === count))
    }
  })

  test('a figure that is missing on one side is absent and improves nothing', () => {
    const comparison = compareRuns([fixtureResult(), bareResult()])
    for (const metric of ['JSON Marshaling', 'p50 Latency (from due)', 'Peak Memory (gateway)']) {
      const row = rowOf(comparison, metric)
      assert.equal('value' in row.cells[1]!, false, metric)
      assert.equal(row.improvement, undefined, metric)
    }
  })

  test('a different payload is listed, and the comparison is not sound', () => {
    const second = fixtureResult()
    second.plan.responseBytes = 10_320
    const { incomparable, sound } = compareRuns([fixtureResult(), second])
    assert.deepEqual(
      incomparable.map(({ field, severity }) => [field, severity]),
      [['plan.responseBytes', 'blocks']],
    )
    assert.equal(sound, false)
  })

  test('a different commit is noted, and the comparison is sound', () => {
    const second = fixtureResult()
    second.environment.gitCommit = 'fedcba'
    const { incomparable, sound } = compareRuns([fixtureResult(), second])
    assert.deepEqual(
      incomparable.map(({ severity }) => severity),
      ['note'],
    )
    assert.equal(sound, true)
  })

  test('an invalid run makes it unsound, and its failed checks are named', () => {
    const second = fixtureResult()
    second.verdict.valid = false
    second.verdict.checks[1]!.ok = false
    const { runs, sound } = compareRuns([fixtureResult(), second])
    assert.equal(sound, false)
    assert.deepEqual(
      runs.map(({ letter, failedChecks }) => [letter, failedChecks]),
      [
        ['A', []],
        ['B', ['schedule_lag']],
      ],
    )
  })

  test('published figures stand apart, in their own units, only where they were published', () => {
    const published = [publishedFigures('t3.medium')!, publishedFigures('t3.xlarge')!]
    const comparison = compareRuns([fixtureResult()], { published })
    const values = (metric: string) => rowOf(comparison, metric).published.map(({ value, unit }) => [value, unit])
    assert.deepEqual(values('Success Rate'), [
      [1, 'ratio'],
      [1, 'ratio'],
    ])
    assert.deepEqual(values('Average Latency (from due)'), [
      [2120, 'ms'],
      [1610, 'ms'],
    ])
    assert.deepEqual(values('Peak Memory (gateway)'), [
      [1312.79, 'MB'],
      [3340.44, 'MB'],
    ])
    assert.deepEqual(values('HTTP Request'), [
      [1_560_000, 'us'],
      [1_500_000, 'us'],
    ])
    assert.deepEqual(values('Response Parsing'), [
      [11_300, 'us'],
      [2110, 'us'],
    ])
    assert.deepEqual(values('Overhead, published definition'), [
      [59, 'us'],
      [11, 'us'],
    ])
    assert.deepEqual(values('Overhead, client'), [
      [undefined, 'us'],
      [undefined, 'us'],
    ])
    assert.deepEqual(values('p99 Latency (from due)'), [
      [undefined, 'ms'],
      [undefined, 'ms'],
    ])
  })
})

describe('improvementOf', () => {
  test('nothing is computed from a first figure of 0', () => {
    assert.equal(improvementOf({ unit: 'us', value: 0 }, { unit: 'us', value: 5 }), undefined)
  })

  test('a batch figure is not set against single readings', () => {
    const batch = { unit: 'us', value: 0.016, belowClockUs: 0.04 } as const
    assert.equal(improvementOf(batch, { unit: 'us', value: 0.5 }), undefined)
    assert.equal(improvementOf(batch, { ...batch, value: 0.008 })?.change, -50)
  })

  test('applied to the first figure, the change gives the second', () => {
    const figure = fc.double({ min: 0.001, max: 1e7, noNaN: true })
    fc.assert(
      fc.property(figure, figure, (first, second) => {
        const { change } = improvementOf({ unit: 'ms', value: first }, { unit: 'ms', value: second })!
        const back = first * (1 + change / 100)
        assert.ok(Math.abs(back - second) <= 1e-9 * Math.max(first, second))
      }),
    )
  })

  test('better on one side is worse on the other', () => {
    const figure = fc.double({ min: 0.001, max: 1e7, noNaN: true })
    fc.assert(
      fc.property(figure, figure, fc.boolean(), (first, second, higherIsBetter) => {
        fc.pre(first !== second)
        const there = improvementOf({ unit: 'ms', value: first }, { unit: 'ms', value: second }, higherIsBetter)!
        const back = improvementOf({ unit: 'ms', value: second }, { unit: 'ms', value: first }, higherIsBetter)!
        assert.equal(there.better, !back.better)
        assert.equal(there.better, second > first === higherIsBetter)
      }),
    )
  })
})
