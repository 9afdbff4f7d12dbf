import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, nearest } from './nearest.ts'

test('a mistyped word finds what it was meant to be, and a strange one finds nothing', () => {
  const flags = ['--rate', '--duration', '--latency']
  assert.equal(nearest('--rat', flags), '--rate')
  assert.equal(nearest('--latencey', flags), '--latency')
  assert.equal(nearest('--colour', flags), undefined)
})

test('an edit distance is symmetric, zero only for equal words, and never more than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const edits = editDistance(a, b)
      assert.equal(edits, editDistance(b, a))
      assert.equal(edits === 0, a === b)
      assert.ok(edits <= Math.max(a.length, b.length))
    }),
  )
})
