import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { decodeFromCompressedBase64 } from 'hdr-histogram-js'

import { mergeSnapshots } from '../core/merge-snapshots.ts'
import { FACTS, uncountedSource } from '../core/snapshot-source.test-data.ts'
import { takeSnapshot } from '../core/snapshot.ts'
import { SEGMENTS, STREAM_STAGES } from '../core/stages.ts'
import { renderStagesReport } from './stages-report.ts'

describe('/debug/stages', () => {
  test('has every segment and the stages of streams, with exact sums and histograms that any HDR library reads', () => {
    const source = uncountedSource()
    source.histograms.record(new Float64Array(SEGMENTS.length).fill(1_000))
    source.histograms.recordStream('between_tokens', 50e6)
    const { segments, requests, clockCostNs } = renderStagesReport(takeSnapshot(source, FACTS))
    assert.deepEqual([requests, clockCostNs], [1, 40])
    assert.deepEqual(
      Object.keys(segments),
      [...SEGMENTS, ...STREAM_STAGES].map(({ name }) => name),
    )
    const { hdr, ...between } = segments.between_tokens
    assert.deepEqual(between, { count: 1, sumNs: 50e6 })
    assert.ok(Math.abs(decodeFromCompressedBase64(hdr).getValueAtPercentile(50) / 50e6 - 1) < 1e-3)
    assert.equal(segments.first_token.count, 0)
    assert.equal(segments.json_marshaling.batchMeanNs, 500)
    assert.ok(!('batchMeanNs' in segments.http_request))
  })

  test('has contexts, connections and queues', () => {
    assert.deepEqual(renderStagesReport(takeSnapshot(uncountedSource(), FACTS)).pool, {
      contexts: { total: 20, inUse: 8, grown: 1 },
      connections: { openai: { open: 9, idle: 5, inUse: 4, waiting: 6, openedTotal: 11 } },
      queues: { openai: { active: 1, buffered: 2, waitingForRoom: 3 } },
    })
  })

  test('of several workers, times are added and means of batches averaged', () => {
    const [a, b] = [uncountedSource(), { ...uncountedSource(), batchMeansNs: { json_marshaling: 700 } }]
    for (const [source, ns] of [
      [a, 1_000],
      [b, 3_000],
    ] as const) {
      source.histograms.record(new Float64Array(SEGMENTS.length).fill(ns))
    }
    const merged = renderStagesReport(mergeSnapshots([takeSnapshot(a, FACTS), takeSnapshot(b, FACTS)]))
    const { count, sumNs, batchMeanNs, hdr } = merged.segments.json_marshaling
    assert.deepEqual([merged.requests, count, sumNs, batchMeanNs], [2, 2, 4_000, 600])
    const decoded = decodeFromCompressedBase64(hdr)
    assert.deepEqual([decoded.totalCount, decoded.minNonZeroValue], [2, 1_000])
  })
})
