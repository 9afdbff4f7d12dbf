import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { decodeFromCompressedBase64 } from 'hdr-histogram-js'

import { SLOT } from './stage-clock.ts'
import {
  encodeStages,
  STAGE_BOUNDS_NS,
  StageHistograms,
  type StageSnapshot,
  type TimedName,
} from './stage-histograms.ts'
import { SEGMENTS, STREAM_STAGES } from './stages.ts'

function recorded(...queueWaitsNs: number[]): StageHistograms {
  const histograms = new StageHistograms()
  for (const waitNs of queueWaitsNs) {
    const ns = new Float64Array(SEGMENTS.length)
    ns[SLOT.queue_wait] = waitNs
    histograms.record(ns)
  }
  return histograms
}

function stage(histograms: StageHistograms, name: TimedName): StageSnapshot {
  return histograms.snapshot().find((entry) => entry.name === name)!
}

describe('StageHistograms', () => {
  test('the sum is exact and the histogram keeps three digits', () => {
    const snapshot = stage(recorded(123, 1_234_567, 1.5e9 + 0.25), 'queue_wait')
    assert.equal(snapshot.sumNs, 123 + 1_234_567 + 1.5e9 + 0.25)
    const decoded = decodeFromCompressedBase64(encodeStages([snapshot])[0]!)
    assert.equal(decoded.totalCount, 3)
    for (const [percentile, ns] of [
      [1, 123],
      [50, 1_234_567],
      [100, 1.5e9],
    ] as const) {
      assert.ok(Math.abs(decoded.getValueAtPercentile(percentile) / ns - 1) < 1e-3)
    }
  })

  test('a segment that a request did not come by is not counted', () => {
    const histograms = recorded(10, 0)
    assert.equal(histograms.requests, 2)
    assert.equal(stage(histograms, 'queue_wait').count, 1)
    assert.equal(stage(histograms, 'http_request').count, 0)
  })

  test('what is longer than the histogram reaches counts as its longest', () => {
    assert.equal(stage(recorded(1e15), 'queue_wait').count, 1)
  })

  test('the stages of streams stand behind the segments, and no request is counted for them', () => {
    const histograms = recorded(10)
    histograms.recordStream('first_token', 300e6)
    for (const ns of [50e6, 51e6, 52e6]) histograms.recordStream('between_tokens', ns)
    assert.deepEqual(
      histograms.snapshot().map(({ name }) => name),
      [...SEGMENTS, ...STREAM_STAGES].map(({ name }) => name),
    )
    const first = stage(histograms, 'first_token')
    const between = stage(histograms, 'between_tokens')
    assert.deepEqual([histograms.requests, first.count, first.sumNs], [1, 1, 300e6])
    assert.deepEqual([between.count, between.sumNs], [3, 153e6])
    assert.equal(between.total.atMost[STAGE_BOUNDS_NS.indexOf(100e6)], 3)
  })

  test('reset starts the report anew, and the totals go on', () => {
    const histograms = recorded(1_000, 2_000)
    histograms.recordStream('first_token', 1_000)
    histograms.reset()
    assert.equal(histograms.requests, 0)
    for (const { name, hdr, count, sumNs } of histograms.snapshot()) {
      assert.deepEqual({ name, hdr, count, sumNs }, { name, hdr: [], count: 0, sumNs: 0 })
    }
    const ns = new Float64Array(SEGMENTS.length)
    ns[SLOT.queue_wait] = 40_000
    histograms.record(ns)
    const { total, count } = stage(histograms, 'queue_wait')
    assert.deepEqual([count, total.count, total.sumNs], [1, 3, 43_000])
    assert.equal(total.atMost[STAGE_BOUNDS_NS.indexOf(1_000)], 1)
    assert.equal(total.atMost[STAGE_BOUNDS_NS.indexOf(10_000)], 2)
    assert.equal(total.atMost.at(-1), 3)
    assert.equal(stage(histograms, 'first_token').total.count, 1)
  })

  test('a snapshot stays as it was taken', () => {
    const histograms = recorded(1_000)
    const before = histograms.snapshot()
    const text = JSON.stringify(before)
    histograms.recordStream('first_token', 5)
    histograms.reset()
    assert.equal(JSON.stringify(before), text)
  })
})
