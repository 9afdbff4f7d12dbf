import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  chunkText,
  completionId,
  delayFromText,
  formatDelayHeader,
  geminiId,
  messageId,
  parseChunkStamp,
  parseDelayHeader,
  responseId,
} from './truth.ts'

const delays = fc.record({ plannedUs: fc.maxSafeNat(), actualUs: fc.maxSafeNat() }, { noNullPrototype: true })

test('a delay reads back from the id, alone and inside a body', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), delays, (sequence, delay) => {
      for (const idOf of [completionId, messageId, responseId, geminiId]) {
        const id = idOf(sequence, delay)
        assert.deepEqual(delayFromText(id), delay)
        assert.deepEqual(delayFromText(`{"created":1,"id":"${id}","object":"chat.completion"}`), delay)
      }
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

test('a stamp reads back from the text of a chunk, alone and inside an event', () => {
  fc.assert(
    fc.property(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 63n }), fc.maxSafeNat(), (index, sentNs, plannedUs) => {
      const text = chunkText(index, sentNs, plannedUs)
      const stamp = { index, sentNs, plannedUs }
      assert.deepEqual(parseChunkStamp(text), stamp)
      assert.deepEqual(parseChunkStamp(`data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`), stamp)
    }),
  )
  for (const text of ['', 'Hello', 't1', 't1:2 ', 't1:2+3', 't1: 2+3 ', 'start1:2+3 '])
    assert.equal(parseChunkStamp(text), undefined)
})

test('a text without a delay has none', () => {
  assert.equal(delayFromText('{"id":"chatcmpl-AbC123"}'), undefined)
  assert.equal(parseDelayHeader('planned=1'), undefined)
  assert.equal(parseDelayHeader('planned=1;actual=2;more=3'), undefined)
})
