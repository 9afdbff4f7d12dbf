import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../json-object.ts'
import { damage } from './correctness.ts'

const RIGHT: JsonObject = {
  id: 'chatcmpl-1-50000-50012',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 7, completion_tokens: 3 },
}

/** The right answer with one member of its first choice, or of the whole, put in place of its own. */
const withChoice = (change: JsonObject): JsonObject => ({
  ...RIGHT,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße.' }, finish_reason: 'stop', ...change }],
})
const damageOf = (fields: JsonObject) => damage({ fields }, { fields: RIGHT })

describe('an answer is whole', () => {
  for (const [what, fields] of [
    ['as it is', RIGHT],
    ['with another id', { ...RIGHT, id: 'other' }],
    [
      'with fields of the gateway',
      { ...RIGHT, provider: 'openai', usage: { prompt_tokens: 7, completion_tokens: 3, cost: 0 } },
    ],
    ['with more in its choice', withChoice({ logprobs: null })],
  ] satisfies [string, JsonObject][]) {
    test(what, () => {
      assert.equal(damageOf(fields), undefined)
    })
  }
})

describe('an answer is damaged', () => {
  for (const [fields, problem] of [
    [withChoice({ message: { role: 'assistant', content: 'Gr??e.' } }), 'choices[0].message.content changed'],
    [withChoice({ message: { role: 'user', content: 'Grüße.' } }), 'choices[0].message.role changed'],
    [withChoice({ finish_reason: 'length' }), 'choices[0].finish_reason changed'],
    [{ ...RIGHT, usage: { prompt_tokens: 8, completion_tokens: 3 } }, 'usage.prompt_tokens changed'],
    [{ ...RIGHT, usage: { prompt_tokens: 7, completion_tokens: '3' } }, 'usage.completion_tokens changed'],
    [{ ...RIGHT, usage: null }, 'usage.prompt_tokens, usage.completion_tokens changed'],
    [
      { ...RIGHT, choices: [] },
      'choices[0].message.content, choices[0].message.role, choices[0].finish_reason changed',
    ],
    [
      { error: { message: 'no' } },
      'choices[0].message.content, choices[0].message.role, choices[0].finish_reason, usage.prompt_tokens, usage.completion_tokens changed',
    ],
  ] satisfies [JsonObject, string][]) {
    test(problem, () => {
      assert.equal(damageOf(fields), problem)
    })
  }

  test('when there is none', () => {
    assert.equal(damage({ problem: 'status 500' }, { fields: RIGHT }), 'no answer: status 500')
    assert.equal(damage({ problem: 'status 500' }, { problem: 'status 500' }), 'no answer: status 500')
  })
})

test('without an answer of the mock to compare with, it is not the fault of the target', () => {
  assert.equal(damage({ fields: {} }, { problem: 'status 503' }), undefined)
})
