import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { DURATION_NS, Histogram } from '../histogram.ts'
import type { SelfReportSource } from '../targets/target.ts'
import { grownMetrics, readMetrics, selfReports, type TurnReport } from './self-reports.ts'

const HEADER: SelfReportSource = { kind: 'header', header: 'x-own-ms', unit: 'ms', claims: 'all but the provider' }
const TIMING: SelfReportSource = { kind: 'server_timing', claims: 'in process' }
const METRIC = { kind: 'prometheus', path: '/metrics', metric: 'own', unit: 'ms', claims: 'its pipeline' } as const

const timed = (source: SelfReportSource, ...valuesUs: number[]): TurnReport => {
  const ns = new Histogram(DURATION_NS)
  for (const us of valuesUs) ns.record(us * 1e3)
  return { source, ns }
}

const grownBy = (count: number, sum: number, ...buckets: [le: number, count: number][]): TurnReport => ({
  source: METRIC,
  grown: { count, sum, buckets: buckets.map(([le, within]) => ({ le, count: within })) },
})

describe('what a gateway says of itself', () => {
  test('is one report a source, over all turns, with its ratio to what was measured', () => {
    const turns = [
      [timed(HEADER, 100, 100), timed(TIMING, 40)],
      [timed(HEADER, 400), timed(TIMING, 60)],
    ]
    const [header, timing, ...more] = selfReports(turns, 400)
    assert.partialDeepStrictEqual(header, {
      ...{ source: 'x-own-ms', claims: 'all but the provider' },
      ...{ meanUs: 200, requests: 3, ratioToMeasured: 0.5 },
    })
    assert.ok(Math.abs(header!.p50Us! - 100) < 0.2 && Math.abs(header!.p99Us! - 400) < 0.5)
    assert.partialDeepStrictEqual(timing, { source: 'server-timing', meanUs: 50, requests: 2, ratioToMeasured: 0.125 })
    assert.deepEqual(more, [])
  })

  test('by a metric has the buckets of all turns added up', () => {
    const turns = [
      [grownBy(10, 20, [1, 0], [3, 10], [Infinity, 10])],
      [grownBy(10, 80, [1, 0], [5, 10], [Infinity, 10])],
    ]
    assert.partialDeepStrictEqual(selfReports(turns, undefined), [
      { source: 'own', claims: 'its pipeline', meanUs: 5_000, requests: 20 },
    ])
  })

  test('has no ratio when nothing was measured', () => {
    assert.equal('ratioToMeasured' in selfReports([[timed(HEADER, 100)]], undefined)[0]!, false)
  })

  test('is nothing when no answer told it, or the metric did not grow', () => {
    assert.deepEqual(selfReports([[timed(HEADER)], [grownBy(0, 0, [Infinity, 0])], []], 100), [])
  })

  test('stays what it was when it is added up again', () => {
    const turns = [[timed(HEADER, 100)], [timed(HEADER, 300)]]
    assert.deepEqual(selfReports(turns, 100), selfReports(turns, 100))
    assert.equal(selfReports(turns, 100)[0]!.requests, 2)
  })
})

describe('metrics before and after a window', () => {
  const reading = (count: number, sum: number) => new Map([[METRIC, { count, sum, buckets: [] }]])

  test('give what was added in between', () => {
    assert.deepEqual(grownMetrics(reading(10, 5), reading(14, 9)), [
      { source: METRIC, grown: { count: 4, sum: 4, buckets: [] } },
    ])
  })

  test('give all of it when there was none before', () => {
    assert.partialDeepStrictEqual(grownMetrics(new Map([[METRIC, undefined]]), reading(3, 1)), [
      { grown: { count: 3 } },
    ])
  })

  test('give nothing when there is none after, or it began anew in between', () => {
    assert.deepEqual(grownMetrics(reading(10, 5), new Map([[METRIC, undefined]])), [])
    assert.deepEqual(grownMetrics(reading(10, 5), reading(9, 5)), [])
  })

  test('are read from the path of each source; one that cannot be read is undefined', async () => {
    const server = createServer(({ url }, answer) => answer.end(url === '/metrics' ? 'own_sum 7\nown_count 2\n' : ''))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const address = server.address()
      assert.ok(address !== null && typeof address === 'object')
      const elsewhere = { ...METRIC, path: '/elsewhere' }
      const readings = await readMetrics(`http://127.0.0.1:${address.port}`, [HEADER, METRIC, elsewhere, TIMING])
      assert.deepEqual(
        [...readings],
        [
          [METRIC, { count: 2, sum: 7, buckets: [] }],
          [elsewhere, undefined],
        ],
      )
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  test('of a target that does not answer are undefined', async () => {
    // Port 9 is one that fetch itself refuses.
    assert.deepEqual([...(await readMetrics('http://127.0.0.1:9', [METRIC]))], [[METRIC, undefined]])
  })
})
