import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { SEGMENTS } from '../core/stages.ts'
import { milliseconds, serverTiming } from './server-timing.ts'

test('milliseconds are written with six decimals, for any number of ns', () => {
  assert.equal(milliseconds(0), '0.000000')
  assert.equal(milliseconds(41), '0.000041')
  assert.equal(milliseconds(999_999.6), '1.000000')
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), fc.nat({ max: 1_000 }), (low, high) => {
      const ns = high * 1e9 + low
      assert.equal(milliseconds(ns), (ns / 1e6).toFixed(6))
    }),
  )
})

test('the header names every segment in order, then the total', () => {
  const ns = Float64Array.from(SEGMENTS, (_segment, slot) => slot * 1_000)
  const entries = serverTiming(ns, 7e6).split(',')
  const expected = SEGMENTS.map(({ name }, slot) => `${name};dur=${(slot / 1_000).toFixed(6)}`)
  assert.deepEqual(entries, [...expected, 'total;dur=7.000000'])
})
