import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseHeaderValue } from './header-value.ts'
import { difference, quantile, readHistogram, type MetricHistogram } from './prometheus.ts'
import { figuresOfMetric, selfReportOf } from './self-report.ts'

const histogram = (count: number, sum: number, ...buckets: [le: number, count: number][]): MetricHistogram => ({
  ...{ count, sum },
  buckets: buckets.map(([le, within]) => ({ le, count: within })),
})

describe('a header tells', () => {
  for (const [text, unit, us] of [
    ['12.5', 'ms', 12_500],
    [' 3 ', 'us', 3],
    ['0.001', 's', 1_000],
    ['1.5e-2', 's', 15_000],
    ['-0.25', 'ms', -250],
    ['None', 'ms', undefined],
    ['', 'ms', undefined],
    ['12ms', 'ms', undefined],
    ['Infinity', 'ms', undefined],
    ['0x10', 'us', undefined],
  ] as const) {
    test(`"${text}" in ${unit}: ${us ?? 'nothing'}`, () => {
      assert.equal(parseHeaderValue(text, unit), us)
    })
  }
})

const TEXT = `# HELP overhead_us Time of the gateway's own
# TYPE overhead_us histogram
overhead_us_bucket{model="a,le=\\"5\\"}",le="10"} 2
overhead_us_bucket{model="a,le=\\"5\\"}",le="20"} 6
overhead_us_bucket{model="a,le=\\"5\\"}",le="+Inf"} 8
overhead_us_sum{model="a,le=\\"5\\"}"} 140
overhead_us_count{model="a,le=\\"5\\"}"} 8
overhead_us_bucket{le="10",model="b"} 1 1795544184000
overhead_us_bucket{le="20",model="b"} 1
overhead_us_bucket{le="+Inf",model="b"} 2
overhead_us_sum{model="b"} 1.6e+02
overhead_us_count{model="b"} 2
overhead_us_other_count 9
# TYPE wait_seconds summary
wait_seconds{quantile="0.5"} 0.004
wait_seconds_sum 0.5
wait_seconds_count 100
`

describe('a metric of Prometheus', () => {
  test('is read with all its labels added up, and no other metric that begins alike', () => {
    assert.deepEqual(readHistogram(TEXT, 'overhead_us'), histogram(10, 300, [10, 3], [20, 7], [Infinity, 10]))
  })

  test('that is a summary has no buckets, one that is not there is undefined', () => {
    assert.deepEqual(readHistogram(TEXT, 'wait_seconds'), histogram(100, 0.5))
    assert.equal(readHistogram(TEXT, 'overhead'), undefined)
    assert.equal(readHistogram('', 'overhead_us'), undefined)
  })

  const before = histogram(4, 100, [10, 3], [Infinity, 4])
  const after = histogram(10, 300, [10, 4], [Infinity, 10])

  test('grew by what it has more than before', () => {
    assert.deepEqual(difference(before, after), histogram(6, 200, [10, 1], [Infinity, 6]))
    assert.deepEqual(difference(undefined, after), after)
  })

  test('that counts less than before is of another process', () => {
    assert.equal(difference(after, before), undefined)
  })

  for (const [q, value] of [
    [0.1, (10 * 1) / 3],
    [0.3, 10],
    [0.5, 15],
    [0.7, 20],
    [0.71, undefined],
    [1, undefined],
  ] as const) {
    test(`has at ${q} the value ${value ?? 'nobody knows'}`, () => {
      const found = quantile(readHistogram(TEXT, 'overhead_us')!, q)
      if (value === undefined) assert.equal(found, undefined)
      else assert.ok(Math.abs(found! - value) < 1e-9, String(found))
    })
  }

  test('has no percentile without values or without buckets', () => {
    assert.equal(quantile(histogram(0, 0, [10, 0], [Infinity, 0]), 0.5), undefined)
    assert.equal(quantile(histogram(5, 9), 0.5), undefined)
  })

  test('has its percentile in the bucket that holds it', () => {
    const bounds = [1, 2, 5, 10, 100]
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, q) => {
          const buckets = [...bounds, Infinity].map((le) => ({
            le,
            count: values.filter((value) => value <= le).length,
          }))
          const found = quantile({ count: values.length, sum: 0, buckets }, q)!
          const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1]!
          const upper = bounds.findIndex((bound) => exact <= bound)
          return found <= bounds[upper]! + 1e-9 && found >= (bounds[upper - 1] ?? 0) - 1e-9
        },
      ),
    )
  })
})

describe('a self-report', () => {
  const source = {
    kind: 'prometheus',
    path: '/metrics',
    metric: 'overhead_us',
    unit: 'us',
    claims: 'its own work',
  } as const

  test('of a metric has percentiles where the buckets give them', () => {
    const summary = figuresOfMetric(histogram(100, 0.5), 's')
    assert.deepEqual(summary, { meanUs: 5_000, requests: 100 })
    assert.deepEqual(figuresOfMetric(readHistogram(TEXT, 'overhead_us')!, 'ms'), {
      meanUs: 30_000,
      p50Us: 15_000,
      requests: 10,
    })
    assert.equal(figuresOfMetric(histogram(0, 0), 'us'), undefined)
  })

  test('stands beside what was measured, with the ratio', () => {
    const figures = { meanUs: 30, p50Us: 15, p99Us: 80, requests: 10 }
    const report = { source: 'overhead_us', claims: 'its own work', ...figures }
    assert.deepEqual(selfReportOf(source, figures, 120), { ...report, ratioToMeasured: 0.25 })
    assert.deepEqual(selfReportOf(source, figures, -3), report)
    assert.deepEqual(selfReportOf(source, figures), report)
  })

  test('is named by its header', () => {
    const header = { kind: 'header', header: 'x-overhead', unit: 'ms', claims: '' } as const
    assert.equal(selfReportOf(header, { meanUs: 1, requests: 1 }).source, 'x-overhead')
    assert.equal(
      selfReportOf({ kind: 'server_timing', claims: '' }, { meanUs: 1, requests: 1 }).source,
      'server-timing',
    )
  })
})
