import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { completionId, delayFromText, formatDelayHeader, parseDelayHeader } from './truth.ts'

const delays = fc.record({ plannedUs: fc.maxSafeNat(), actualUs: fc.maxSafeNat() }, { noNullPrototype: true })

test('a delay reads back from the id, alone and inside a body', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), delays, (sequence, delay) => {
      const id = completionId(sequence, delay)
      assert.deepEqual(delayFromText(id), delay)
      assert.deepEqual(delayFromText(`{"created":1,"id":"${id}","object":"chat.completion"}`), delay)
    }),
  )
})

test('a delay reads back from the header', () => {
  fc.assert(
    fc.property(delays, (delay) => {
      assert.deepEqual(parseDelayHeader(formatDelayHeader(delay)), delay)
    }),
  )
})

test('a text without a delay has none', () => {
  assert.equal(delayFromText('{"id":"chatcmpl-AbC123"}'), undefined)
  assert.equal(parseDelayHeader('planned=1'), undefined)
  assert.equal(parseDelayHeader('planned=1;actual=2;more=3'), undefined)
})
