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

const TEMPLATE = new CompletionTemplate()

describe('a completion', () => {
  test('has its size to the byte and its facts, for every size, model, sequence and delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: SMALLEST_RESPONSE_BYTES, max: 30_000 }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
        facts,
        (responseBytes, model, rest) => {
          const json = asciiJson(model)
          fc.pre(TEMPLATE.smallestBytes(json) <= responseBytes)
          const body = TEMPLATE.compose({ ...rest, model: json }, { responseBytes, tokens: 1 })

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

  test('of the smallest size still holds the longest of everything', () => {
    const model = asciiJson('m'.repeat(62))
    const body = TEMPLATE.compose(
      {
        sequence: Number.MAX_SAFE_INTEGER,
        delay: { plannedUs: 3_600_000_000, actualUs: 36_000_000_000 },
        createdSec: 9_999_999_999,
        model,
        promptTokens: estimateTokens(10 * 1_048_576),
      },
      { responseBytes: SMALLEST_RESPONSE_BYTES, tokens: 1 },
    )
    assert.equal(body.length, SMALLEST_RESPONSE_BYTES)
    assert.equal(TEMPLATE.smallestBytes(model), SMALLEST_RESPONSE_BYTES)
  })

  test('without a size is as long as its tokens need, and no longer than the request allows', () => {
    const contentOf = (tokens: number, maxTokens?: number) => {
      const rest = { sequence: 1, delay: { plannedUs: 0, actualUs: 0 }, createdSec: 0, model: '"m"', promptTokens: 1 }
      const body = TEMPLATE.compose({ ...rest, maxTokens }, { responseBytes: undefined, tokens })
      const { choices, usage } = JSON.parse(body) as Completion
      return {
        chars: choices[0]!.message.content.length,
        finish: choices[0]!.finish_reason,
        usage: usage.completion_tokens,
      }
    }
    assert.deepEqual(contentOf(100), { chars: 400, finish: 'stop', usage: 100 })
    assert.deepEqual(contentOf(100, 7), { chars: 28, finish: 'length', usage: 7 })
    assert.deepEqual(contentOf(50_000), { chars: 200_000, finish: 'stop', usage: 50_000 })
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
