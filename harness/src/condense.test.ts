import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { condenseTimeline, MAX_TIMELINE_ROWS } from './condense.ts'

const seconds = (count: number) =>
  Array.from({ length: count }, (_, second) => ({
    second,
    sent: 10,
    ok: 9,
    failed: 1,
    p99Ms: second,
    gatewayCpuCores: second,
  }))

describe('condenseTimeline', () => {
  test('60 seconds stay as they are', () => {
    const { secondsPerRow, rows } = condenseTimeline(seconds(60))
    assert.equal(secondsPerRow, 1)
    assert.equal(rows.length, 60)
    assert.deepEqual(rows[7], { second: 7, lastSecond: 7, sent: 10, ok: 9, failed: 1, p99Ms: 7, gatewayCpuCores: 7 })
  })

  test('121 seconds become rows of 3: counts summed, times the worst, cores averaged', () => {
    const { secondsPerRow, rows } = condenseTimeline(seconds(121))
    assert.equal(secondsPerRow, 3)
    assert.equal(rows.length, 41)
    assert.deepEqual(rows[1], { second: 3, lastSecond: 5, sent: 30, ok: 27, failed: 3, p99Ms: 5, gatewayCpuCores: 4 })
    assert.deepEqual(rows[40], {
      second: 120,
      lastSecond: 120,
      sent: 10,
      ok: 9,
      failed: 1,
      p99Ms: 120,
      gatewayCpuCores: 120,
    })
  })

  test('a second that was not measured neither counts as 0 nor hides the others', () => {
    const timeline = seconds(61).map(({ p99Ms, gatewayCpuCores, ...second }) =>
      second.second === 0 ? second : { ...second, p99Ms, gatewayCpuCores },
    )
    const [first] = condenseTimeline(timeline).rows
    assert.equal(first!.gatewayCpuCores, 1)
    assert.equal(first!.p99Ms, 1)
  })

  test('no request is lost or counted twice, and the table never outgrows its bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), (count) => {
        const { rows } = condenseTimeline(seconds(count))
        assert.ok(rows.length <= MAX_TIMELINE_ROWS)
        assert.equal(
          rows.reduce((sum, { sent }) => sum + sent, 0),
          count * 10,
        )
      }),
      { numRuns: 50 },
    )
  })
})
