import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HistogramLogReader } from 'hdr-histogram-js'
import fc from 'fast-check'
import { constantArrivals } from './arrivals.ts'
import { okAttempt } from './attempts.test-data.ts'
import { openHistogramLog } from './histogram.ts'
import type { Attempt } from './outcome.ts'
import { requestsDueIn, Timeline, TimelineRows } from './timeline.ts'

const STARTED_AT_MS = Date.UTC(2026, 10, 20)

function setUp(dueIn: (second: number) => number) {
  const lines: string[] = []
  const log = openHistogramLog((line) => lines.push(line), STARTED_AT_MS, 'test')
  return { timeline: new Timeline({ dueIn, log }), lines }
}

function rowsOf(...attempts: Attempt[]): Int32Array {
  const rows = new TimelineRows()
  for (const attempt of attempts) rows.add(attempt)
  return rows.take()
}

const okAt = (dueMs: number, latencyMs: number, lagMs = 0): Attempt =>
  okAttempt({ dueNs: dueMs * 1e6, sentNs: (dueMs + lagMs) * 1e6, endNs: (dueMs + latencyMs) * 1e6 })
const failedAt = (dueMs: number): Attempt => ({ ...okAt(dueMs, 1), outcome: { kind: 'http_error', status: 500 } })
const droppedAt = (dueMs: number): Attempt => ({
  index: 0,
  dueNs: dueMs * 1e6,
  outcome: { kind: 'dropped', reason: 'in_flight_bound' },
})

describe('TimelineRows', () => {
  test('hands over what came since the last time, once', () => {
    const rows = new TimelineRows()
    rows.add(okAt(1_500, 20, 3))
    assert.deepEqual([...rows.take()], [1, 20_000, 3_000])
    assert.equal(rows.take().length, 0)
    rows.add(okAt(2_000, 1))
    assert.deepEqual([...rows.take()], [2, 1_000, 0])
  })

  test('the warm-up has no row', () => {
    assert.equal(rowsOf({ ...okAt(-500, 1), index: -1 }).length, 0)
  })

  test('grows beyond its first room without losing a row', () => {
    const rows = rowsOf(...Array.from({ length: 5_000 }, (_, i) => okAt(0, i)))
    assert.equal(rows.length, 15_000)
    for (let i = 0; i < 5_000; i++) assert.equal(rows[i * 3 + 1], i * 1_000)
  })

  test('an answer after an hour is a slow one, not a failed one', () => {
    const { timeline } = setUp(() => 1)
    timeline.add(rowsOf(okAt(0, 3_600_000, 3_000_000)))
    const [second] = timeline.seconds
    assert.equal(second!.ok, 1)
    assert.equal(second!.failed, 0)
    assert.ok(second!.p50Ms! > 119_000 && second!.lagP99Ms! > 119_000)
  })
})

describe('Timeline', () => {
  test('a second counts the requests that were due in it, whenever they ended', () => {
    const { timeline } = setUp(() => 4)
    timeline.add(rowsOf(okAt(0, 1), okAt(300, 5_000, 1), failedAt(600), droppedAt(999.9)))
    assert.equal(timeline.seconds.length, 1)
    const { p99Ms, lagP99Ms, ...rest } = timeline.seconds[0]!
    assert.deepEqual(rest, { second: 0, sent: 3, ok: 2, failed: 1, dropped: 1, p50Ms: 1 })
    assert.ok(Math.abs(p99Ms! - 5_000) <= 5)
    assert.equal(lagP99Ms, 1)
  })

  test('a second closes when all threads have reported all of it, and not before', () => {
    const { timeline, lines } = setUp(() => 4)
    const headLines = lines.length
    timeline.add(rowsOf(okAt(0, 1), okAt(500, 1)))
    assert.equal(timeline.seconds.length, 0)
    timeline.add(rowsOf(okAt(250, 1), okAt(1_000, 1)))
    assert.equal(timeline.seconds.length, 0)
    assert.equal(lines.length, headLines)
    timeline.add(rowsOf(okAt(750, 1)))
    assert.deepEqual(
      timeline.seconds.map(({ second, ok }) => [second, ok]),
      [[0, 4]],
    )
    assert.equal(lines.length, headLines + 1)
  })

  test('seconds that close out of order end up in order, and what is open is closed at the end', () => {
    const { timeline } = setUp(() => 2)
    timeline.add(rowsOf(okAt(0, 1), okAt(2_000, 1), okAt(2_500, 1), okAt(3_000, 1)))
    assert.deepEqual(
      timeline.seconds.map(({ second }) => second),
      [2],
    )
    assert.deepEqual(
      timeline.end().map(({ second, sent }) => [second, sent]),
      [
        [0, 1],
        [2, 2],
        [3, 1],
      ],
    )
  })

  test('what was not measured in a second has no key', () => {
    const { timeline } = setUp(() => 1)
    timeline.add(rowsOf(failedAt(0), droppedAt(1_000)))
    assert.deepEqual(timeline.end(), [
      { second: 0, sent: 1, ok: 0, failed: 1, dropped: 0, lagP99Ms: 0 },
      { second: 1, sent: 0, ok: 0, failed: 0, dropped: 1 },
    ])
  })

  test('a run without any request has no second', () => {
    assert.deepEqual(setUp(() => 1).timeline.end(), [])
  })

  test('the log has one line a second, of one second, which the public reader reads', () => {
    const { timeline, lines } = setUp(() => 2)
    timeline.add(rowsOf(okAt(0, 10), okAt(1, 20), okAt(1_000, 30)))
    timeline.end()
    const reader = new HistogramLogReader(lines.join(''))
    const first = reader.nextIntervalHistogram()!
    assert.equal('totalCount' in first && first.totalCount, 2)
    assert.ok(Math.abs(first.getValueAtPercentile(100) - 20_000) <= 20)
    const second = reader.nextIntervalHistogram()!
    assert.equal('totalCount' in second && second.totalCount, 1)
    assert.equal(reader.nextIntervalHistogram(), null)
    assert.deepEqual(
      lines.slice(-2).map((line) => line.split(',').slice(0, 2)),
      [
        ['0.000', '1.000'],
        ['1.000', '1.000'],
      ],
    )
  })
})

describe('requestsDueIn', () => {
  const anyPlan = fc.record({
    ratePerSec: fc.oneof(
      fc.double({ min: 0.1, max: 3_000, noNaN: true }),
      fc.constantFrom(0.5, 1, 333.3, 1_000, 3_000, 0.3),
    ),
    durationMs: fc.integer({ min: 50, max: 20_500 }),
    warmupMs: fc.integer({ min: 0, max: 2_000 }),
  })

  test('is the number of positions that are due in that second, for any rate and duration', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const schedule = constantArrivals(plan)
        const counted = new Map<number, number>()
        for (let index = 0; index < schedule.count; index++) {
          const second = Math.floor(schedule.dueNs(index) / 1e9)
          counted.set(second, (counted.get(second) ?? 0) + 1)
        }
        for (let second = 0; second < 25; second++) {
          assert.equal(requestsDueIn(plan, second), counted.get(second) ?? 0, `second ${second}`)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a last second that is cut off has only what is due in it', () => {
    const plan = { ratePerSec: 10, durationMs: 1_500, warmupMs: 0 }
    assert.deepEqual(
      [0, 1, 2].map((second) => requestsDueIn(plan, second)),
      [10, 5, 0],
    )
  })

  test('of a rate below one a second, some seconds have none', () => {
    const plan = { ratePerSec: 0.5, durationMs: 6_000, warmupMs: 0 }
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((second) => requestsDueIn(plan, second)),
      [1, 0, 1, 0, 1, 0],
    )
  })
})
