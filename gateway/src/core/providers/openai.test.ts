import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { azure } from './azure.ts'
import { openai } from './openai.ts'
import type { ChatRequest, ExtraFields } from './provider.ts'

const EXTRA: ExtraFields = {
  provider: 'openai',
  resolvedModel: 'gpt "4"',
  latencyMs: 12,
  requestType: 'chat_completion',
}
const EXTRA_FIELDS = { provider: 'openai', resolved_model: 'gpt "4"', request_type: 'chat_completion', latency: 12 }

function marshaled(text: string): unknown {
  const request = JSON.parse(text) as ChatRequest
  const { chat } = openai
  const body = chat.prepareBody('bare', chat.formatMessages(request), chat.prepareParams(request))
  return JSON.parse(JSON.stringify(body))
}

describe('request', () => {
  test('the model is replaced, parameters that the gateway does not know pass', () => {
    const request = { model: 'openai/x', messages: [{ role: 'user', content: 'é' }], seed: 7, new_one: { a: [1] } }
    assert.deepEqual(marshaled(JSON.stringify(request)), { ...request, model: 'bare' })
  })

  test("members that are the gateway's own do not reach the provider", () => {
    const request = { model: 'x', messages: [1], provider: 'openai', fallbacks: ['a/b'], stop: null }
    assert.deepEqual(marshaled(JSON.stringify(request)), { model: 'bare', messages: [1], stop: null })
  })

  test('a member named __proto__ changes no prototype', () => {
    marshaled('{"model":"x","messages":[1],"__proto__":{"polluted":true}}')
    assert.equal('polluted' in {}, false)
  })
})

describe('answer', () => {
  const parse = (text: string) => openai.chat.parseAnswer(Buffer.from(text), EXTRA)

  test('gets extra fields and keeps everything else, for any JSON object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
        const text = JSON.stringify(object, null, indent)
        const answer: unknown = JSON.parse(Buffer.from(parse(` ${text}\n`).reply, 'latin1').toString())
        assert.deepEqual(answer, { ...(JSON.parse(text) as object), extra_fields: EXTRA_FIELDS })
      }),
    )
  })

  test('an answer with extra fields of its own gets ours instead, not a second member of the name', () => {
    const { reply } = parse('{"id":"1é","extra_fields":{"old":true}}')
    assert.equal(reply.match(/extra_fields/g)?.length, 1)
    assert.deepEqual(JSON.parse(Buffer.from(reply, 'latin1').toString()), { id: '1é', extra_fields: EXTRA_FIELDS })
  })

  test("the provider's bytes are kept as they were written", () => {
    const written = '{"id" : "chatcmpl-1-2-3", "n": 1.0, "u": "\\u00e9é"'
    assert.ok(
      Buffer.from(parse(`${written}}`).reply, 'latin1')
        .toString()
        .startsWith(written),
    )
  })

  test('usage is read; absent or odd usage counts as none', () => {
    const { inputTokens, outputTokens } = parse('{"usage":{"prompt_tokens":3,"completion_tokens":5}}')
    assert.deepEqual([inputTokens, outputTokens], [3, 5])
    for (const usage of [
      'null',
      '{}',
      '{"prompt_tokens":"3"}',
      '{"prompt_tokens":-1}',
      '{"prompt_tokens":1e999}',
      '7',
    ]) {
      assert.equal(parse(`{"usage":${usage}}`).inputTokens, 0)
    }
  })

  test('what is not a JSON object is a SyntaxError', () => {
    for (const text of ['', 'nope', '[1]', 'null', '"x"', '{"a":1']) assert.throws(() => parse(text), SyntaxError)
  })
})

describe('paths', () => {
  test("OpenAI's say the operation", () => {
    assert.equal(openai.path('chat_completion', 'gpt-4o', {}), '/v1/chat/completions')
    assert.equal(openai.path('chat_completion_stream', 'gpt-4o', {}), '/v1/chat/completions')
    assert.equal(openai.path('embedding', 'e', {}), '/v1/embeddings')
  })

  test("Azure's say the deployment, encoded, and the version", () => {
    assert.equal(
      azure.path('chat_completion_stream', 'my gpt/4?', { apiVersion: '2025-01-01-preview' }),
      '/openai/deployments/my%20gpt%2F4%3F/chat/completions?api-version=2025-01-01-preview',
    )
    assert.equal(azure.path('embedding', 'e', {}), '/openai/deployments/e/embeddings?api-version=2024-10-21')
  })
  test('Azure has none for a model that would lead out of the deployments', () => {
    for (const model of ['.', '..']) {
      assert.throws(() => azure.path('embedding', model, {}), { name: 'GatewayError', code: 'invalid_request' })
    }
  })
})
