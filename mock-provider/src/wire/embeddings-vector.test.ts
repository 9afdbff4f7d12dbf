import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base64Of, vectorOf } from './embeddings-vector.ts'

test('a vector has the dimensions asked for and length 1, and depends on the text alone', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 3_072 }), (text, dimensions) => {
      const vector = vectorOf(text, dimensions)
      assert.equal(vector.length, dimensions)
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5)
      assert.deepEqual(vectorOf(text, dimensions), vector)
    }),
    { numRuns: 30 },
  )
  assert.notDeepEqual(vectorOf('a', 8), vectorOf('b', 8))
})

test('base64 decodes to the same numbers', () => {
  const vector = vectorOf('Hello', 100)
  const bytes = Buffer.from(base64Of(vector), 'base64')
  assert.deepEqual(
    Array.from({ length: 100 }, (_, at) => bytes.readFloatLE(at * 4)),
    [...vector],
  )
})
