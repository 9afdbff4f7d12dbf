import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventFrame } from './bedrock-stream.ts'
import { framesOf } from './bedrock-stream.fixture.ts'

test('a frame is one char a byte, with the three headers of an event and its payload', () => {
  const frame = eventFrame('messageStart', '{"role":"assistant"}')
  assert.equal(Buffer.from(frame, 'latin1').readUInt32BE(0), frame.length)
  assert.deepEqual(framesOf(frame), [
    {
      headers: { ':event-type': 'messageStart', ':content-type': 'application/json', ':message-type': 'event' },
      payload: { role: 'assistant' },
    },
  ])
})

test('frames one after the other come out as they went in, whatever ASCII they hold', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii' }), { maxLength: 20 }), (texts) => {
      const stream = texts.map((text) => eventFrame('contentBlockDelta', JSON.stringify({ text }))).join('')
      assert.deepEqual(
        framesOf(stream).map(({ payload }) => payload),
        texts.map((text) => ({ text })),
      )
    }),
  )
})
