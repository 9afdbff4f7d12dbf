import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { decodeFromCompressedBase64 } from 'hdr-histogram-js'

import { SLOT } from './stage-clock.ts'
import { STAGE_BOUNDS_NS, StageHistograms } from './stage-histograms.ts'
import { SEGMENTS } from './stages.ts'

function recorded(...queueWaitsNs: number[]): StageHistograms {
  const histograms = new StageHistograms()
  for (const waitNs of queueWaitsNs) {
    const ns = new Float64Array(SEGMENTS.length)
    ns[SLOT.queue_wait] = waitNs
    histograms.record(ns)
  }
  return histograms
}

describe('StageHistograms', () => {
  test('the sum is exact and the histogram keeps three digits', () => {
    const histograms = recorded(123, 1_234_567, 1.5e9 + 0.25)
    assert.equal(histograms.sumNs(SLOT.queue_wait), 123 + 1_234_567 + 1.5e9 + 0.25)
    const decoded = decodeFromCompressedBase64(histograms.encode(SLOT.queue_wait))
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
    assert.equal(histograms.count(SLOT.queue_wait), 1)
    assert.equal(histograms.count(SLOT.http_request), 0)
  })

  test('what is longer than the histogram reaches counts as its longest', () => {
    const histograms = recorded(1e15)
    assert.equal(histograms.count(SLOT.queue_wait), 1)
  })

  test('reset starts the report anew, and the totals go on', () => {
    const histograms = recorded(1_000, 2_000)
    histograms.reset()
    assert.deepEqual([histograms.requests, histograms.count(0), histograms.sumNs(0)], [0, 0, 0])
    const ns = new Float64Array(SEGMENTS.length)
    ns[SLOT.queue_wait] = 40_000
    histograms.record(ns)
    const totals = histograms.totals(SLOT.queue_wait)
    assert.deepEqual([totals.count, totals.sumNs], [3, 43_000])
    assert.equal(totals.atMost[STAGE_BOUNDS_NS.indexOf(1_000)], 1)
    assert.equal(totals.atMost[STAGE_BOUNDS_NS.indexOf(10_000)], 2)
    assert.equal(totals.atMost.at(-1), 3)
  })
})
