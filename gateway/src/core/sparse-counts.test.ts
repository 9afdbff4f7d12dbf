import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import { encodeIntoCompressedBase64, Int32Histogram } from 'hdr-histogram-js'

import { addSparse, recordSparse, sparseCounts } from './sparse-counts.ts'

const valuesNs = fc.array(fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 120e9 })), {
  maxLength: 60,
})

function histogramOf(...values: number[]): Int32Histogram {
  const histogram = new Int32Histogram(1, 120e9, 3)
  for (const value of values) histogram.recordValue(value)
  return histogram
}

describe('sparse counts', () => {
  test('are the distance to the count before, and the count', () => {
    assert.deepEqual(sparseCounts(histogramOf(7, 3, 7, 9)), [3, 1, 4, 2, 2, 1])
    assert.deepEqual(sparseCounts(histogramOf(0)), [0, 1])
    assert.deepEqual(sparseCounts(histogramOf()), [])
  })

  test('property: a histogram filled from them encodes like the one that they come from', () => {
    fc.assert(
      fc.property(valuesNs, (values) => {
        const original = histogramOf(...values)
        const copy = histogramOf()
        recordSparse(copy, sparseCounts(original))
        assert.equal(encodeIntoCompressedBase64(copy), encodeIntoCompressedBase64(original))
      }),
    )
  })

  test('property: adding two is recording all values in one', () => {
    fc.assert(
      fc.property(valuesNs, valuesNs, (a, b) => {
        const sum = addSparse(sparseCounts(histogramOf(...a)), sparseCounts(histogramOf(...b)))
        assert.deepEqual(sum, sparseCounts(histogramOf(...a, ...b)))
      }),
    )
  })
})
