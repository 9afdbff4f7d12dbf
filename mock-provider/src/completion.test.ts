import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CompletionTemplate, estimateTokens, asciiJson, SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { completionId } from './truth.ts'

interface Completion {
  id: string
  object: string
  created: number
  model: string
  choices: { index: number; message: { role: string; content: string }; finish_reason: string }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
}

const facts = fc.record({
  sequence: fc.maxSafeNat(),
  delay: fc.record({
    plannedUs: fc.integer({ min: 0, max: 3_600_000_000 }),
    actualUs: fc.integer({ min: 0, max: 36_000_000_000 }),
  }),
  createdSec: fc.integer({ min: 0, max: 9_999_999_999 }),
  promptTokens: fc.integer({ min: 0, max: 10 * 1_048_576 }),
})

describe('a completion', () => {
  test('has its size to the byte and its facts, for every size, model, sequence and delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: SMALLEST_RESPONSE_BYTES, max: 30_000 }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
        facts,
        (responseBytes, model, rest) => {
          const template = new CompletionTemplate(responseBytes)
          const json = asciiJson(model)
          fc.pre(json.length <= template.modelRoomBytes)
          const body = template.compose({ ...rest, model: json })

          assert.equal(Buffer.byteLength(body), responseBytes)
          const completion = JSON.parse(body) as Completion
          assert.equal(completion.id, completionId(rest.sequence, rest.delay))
          assert.equal(completion.object, 'chat.completion')
          assert.equal(completion.created, rest.createdSec)
          assert.equal(completion.model, model)
          assert.equal(completion.choices[0]?.message.role, 'assistant')
          assert.equal(completion.choices[0].finish_reason, 'stop')
          const { prompt_tokens, completion_tokens, total_tokens } = completion.usage
          assert.equal(prompt_tokens, rest.promptTokens)
          assert.equal(total_tokens, prompt_tokens + completion_tokens)
        },
      ),
    )
  })

  test('of the smallest size still holds the longest of everything, and one byte less is refused', () => {
    const template = new CompletionTemplate(SMALLEST_RESPONSE_BYTES)
    const body = template.compose({
      sequence: Number.MAX_SAFE_INTEGER,
      delay: { plannedUs: 3_600_000_000, actualUs: 36_000_000_000 },
      createdSec: 9_999_999_999,
      model: asciiJson('m'.repeat(62)),
      promptTokens: estimateTokens(10 * 1_048_576),
    })
    assert.equal(body.length, SMALLEST_RESPONSE_BYTES)
    assert.equal(template.modelRoomBytes, 64)
    assert.throws(() => new CompletionTemplate(SMALLEST_RESPONSE_BYTES - 1), RangeError)
  })
})

test('a model is ASCII as JSON and reads back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (model) => {
      const json = asciiJson(model)
      assert.match(json, /^[\x20-\x7e]*$/)
      assert.equal(JSON.parse(json), model)
    }),
  )
})
