import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { OpenAI } from 'openai'
import { asciiJson } from '../completion.ts'
import { ProviderError } from '../provider-error.ts'
import { responseId } from '../truth.ts'
import { readResponsesRequest, responsesWire, type ResponsesRequest } from './openai-responses.ts'
import type { Fields } from './request-fields.ts'

type Response = OpenAI.Responses.Response

const HELLO: Fields = { model: 'gpt-4o-mini', input: 'Hello' }
const CITY = { type: 'object', properties: { city: { type: 'string' } } }
const WEATHER = { type: 'function', name: 'weather', parameters: CITY }
const DELAY = { plannedUs: 1_500_000, actualUs: 1_500_312 }
const FACTS = { sequence: 7, delay: DELAY, createdSec: 1_700_000_000 }

const read = (more: Fields): ResponsesRequest => readResponsesRequest({ ...HELLO, ...more }, 100)

describe('a request for a response', () => {
  test('is read: model, limit, whether it streams, and its length as tokens', () => {
    const request = readResponsesRequest({ ...HELLO, max_output_tokens: 16, stream: true }, 101)
    assert.deepEqual(request, {
      model: '"gpt-4o-mini"',
      promptTokens: 26,
      stream: true,
      maxTokens: 16,
      toolCall: undefined,
    })
    assert.equal(read({ stream: null, max_output_tokens: null }).stream, false)
  })

  const wanting = { role: 'user', content: 'Please use the tool' }
  const parts = [{ type: 'input_image' }, { type: 'input_text', text: wanting.content }]
  const result = { type: 'function_call_output', call_id: 'call_1', output: '22' }
  for (const { name, more, call } of [
    { name: 'when it must', more: { tool_choice: 'required' }, call: 'weather' },
    { name: 'that it names', more: { tool_choice: { type: 'function', name: 'weather' } }, call: 'weather' },
    { name: 'when its text says so', more: { input: wanting.content }, call: 'weather' },
    { name: 'when its last message says so', more: { input: [wanting] }, call: 'weather' },
    { name: 'when a part of that says so', more: { input: [{ role: 'user', content: parts }] }, call: 'weather' },
    {
      name: 'of its functions alone',
      more: { tools: [{ type: 'web_search' }, WEATHER], input: [wanting] },
      call: 'weather',
    },
    { name: 'never when none may be', more: { tool_choice: 'none', input: [wanting] }, call: undefined },
    { name: 'never when it says nothing of it', more: { tool_choice: 'auto' }, call: undefined },
    { name: 'never when an assistant says so', more: { input: [{ ...wanting, role: 'assistant' }] }, call: undefined },
    { name: 'never after a result', more: { tool_choice: 'required', input: [wanting, result] }, call: undefined },
    { name: 'never without tools', more: { tools: null, input: [wanting] }, call: undefined },
  ]) {
    test(`calls a tool ${name}`, () => {
      const { toolCall } = read({ tools: [WEATHER], ...more })
      assert.deepEqual(toolCall, call && { name: call, argumentsJson: '{"city":"x"}' })
    })
  }

  for (const { more, param, message } of [
    { more: { model: '' }, param: 'model', message: /model parameter/ },
    { more: { input: undefined }, param: 'input', message: /you must provide input/ },
    { more: { input: [] }, param: 'input', message: /at least one item/ },
    {
      more: { input: [{ role: 'user', content: '' }, 'text'] },
      param: 'input',
      message: /^input\[1\]: .* got "text"$/,
    },
    { more: { max_output_tokens: 15 }, param: 'max_output_tokens', message: /at least 16, got 15$/ },
    { more: { max_output_tokens: 16.5 }, param: 'max_output_tokens', message: /whole number/ },
    { more: { max_output_tokens: '16' }, param: 'max_output_tokens', message: /got "16"$/ },
    { more: { stream: 'yes' }, param: 'stream', message: /true or false, got "yes"$/ },
    { more: { tools: {} }, param: 'tools', message: /must be an array, got \{\}$/ },
    { more: { tools: [{ type: 'function', function: WEATHER }] }, param: 'tools', message: /^tools\[0\]: / },
    { more: { tools: [WEATHER], tool_choice: 'any' }, param: 'tool_choice', message: /got "any"$/ },
    {
      more: { tools: [WEATHER], tool_choice: { type: 'function', name: 'time' } },
      param: 'tool_choice',
      message: /"time" cannot be called; the tools are weather$/,
    },
  ]) {
    test(`is refused: ${JSON.stringify(more)}`, () => {
      assert.throws(
        () => read(more),
        (error) => {
          assert.ok(error instanceof ProviderError, String(error))
          assert.deepEqual([error.statusCode, error.param], [400, param])
          assert.match(error.message, message)
          return true
        },
      )
    })
  }

  test('is read or refused with 400 and a message, whatever its fields hold; what is read is answered in ASCII', () => {
    const names = ['model', 'input', 'stream', 'max_output_tokens', 'tools', 'tool_choice']
    const good: Fields = { ...HELLO, input: [{ role: 'user', content: 'use the tool' }], tools: [WEATHER] }
    const tool = fc.record({
      type: fc.constant('function'),
      name: fc.string({ unit: 'binary' }),
      parameters: fc.jsonValue(),
    })
    const wild = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.array(tool)))
    fc.assert(
      fc.property(wild, fc.boolean(), (fields, mostlyGood) => {
        let request: ResponsesRequest
        try {
          request = readResponsesRequest(mostlyGood ? { ...good, ...fields } : fields, 100)
        } catch (error) {
          assert.ok(error instanceof ProviderError, String(error))
          assert.equal(error.statusCode, 400)
          assert.notEqual(error.message, '')
          return
        }
        assert.match(bodyOf(request, { tokens: 2 }), /^[\x20-\x7e]*$/)
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })
})

const bodyOf = (request: ResponsesRequest, size: { responseBytes?: number; tokens: number }): string =>
  responsesWire.body(request, { ...FACTS, responseBytes: undefined, ...size })

describe('a response that is given whole', () => {
  test('has its size to the byte and its facts, for every size, model and limit', () => {
    const limits = fc.option(fc.integer({ min: 16, max: Number.MAX_SAFE_INTEGER }), { nil: undefined })
    fc.assert(
      fc.property(
        fc.nat(20_000),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
        fc.oneof(limits, fc.integer({ min: 16, max: 1_000 })),
        fc.nat(99_999_999),
        (moreBytes, model, maxTokens, promptTokens) => {
          const request = { model: asciiJson(model), promptTokens, maxTokens, stream: false, toolCall: undefined }
          const responseBytes = smallestBytes(request) + moreBytes
          const body = bodyOf(request, { responseBytes, tokens: 1 })
          assert.equal(Buffer.byteLength(body), responseBytes)
          const response = JSON.parse(body) as Response
          assert.equal(response.id, responseId(7, DELAY))
          assert.equal(response.created_at, FACTS.createdSec)
          assert.equal(response.model, model)
          assert.equal(response.max_output_tokens, maxTokens ?? null)
          const { input_tokens, output_tokens, total_tokens } = response.usage!
          assert.equal(input_tokens, promptTokens)
          assert.equal(total_tokens, input_tokens + output_tokens)
          assert.ok(output_tokens <= (maxTokens ?? Infinity))
        },
      ),
    )
  })

  test('has room for the longest of everything at its smallest size', () => {
    const limit = Number.MAX_SAFE_INTEGER
    const request = { ...read({}), promptTokens: 99_999_999 }
    const widest = { sequence: limit, delay: { plannedUs: 3_600_000_000, actualUs: 36_000_000_000 } }
    for (const maxTokens of [undefined, 16, 200, 10_000, limit]) {
      const responseBytes = smallestBytes({ ...request, maxTokens })
      const facts = { ...widest, createdSec: 9_999_999_999, responseBytes, tokens: 1 }
      const body = responsesWire.body({ ...request, maxTokens }, facts)
      assert.equal(body.length, responseBytes)
      assert.equal((JSON.parse(body) as Response).id, responseId(limit, widest.delay))
    }
  })

  test('is complete, or incomplete where the limit ended it', () => {
    for (const { limit, status, reason, tokens } of [
      { limit: undefined, status: 'completed', reason: undefined, tokens: 20 },
      { limit: 20, status: 'completed', reason: undefined, tokens: 20 },
      { limit: 16, status: 'incomplete', reason: 'max_output_tokens', tokens: 16 },
    ]) {
      const response = JSON.parse(bodyOf(read({ max_output_tokens: limit }), { tokens: 20 })) as Response
      assert.deepEqual([response.object, response.status], ['response', status])
      assert.equal(response.incomplete_details?.reason, reason)
      const [message, ...others] = response.output
      assert.deepEqual(others, [])
      assert.ok(message?.type === 'message')
      assert.deepEqual([message.id, message.role, message.status], ['msg_7', 'assistant', status])
      assert.ok(message.content[0]?.type === 'output_text')
      assert.equal(message.content[0].text.length, 4 * tokens)
      assert.equal(response.usage?.output_tokens, tokens)
    }
  })

  test('is a call of the tool, of any size', () => {
    const request = read({ tools: [WEATHER], tool_choice: 'required' })
    assert.equal(smallestBytes(request), 0)
    const response = JSON.parse(bodyOf(request, { responseBytes: 10, tokens: 20 })) as Response
    assert.deepEqual(response.output, [
      {
        id: 'fc_7',
        type: 'function_call',
        call_id: 'call_7',
        name: 'weather',
        arguments: '{"city":"x"}',
        status: 'completed',
      },
    ])
    assert.deepEqual([response.id, response.status], [responseId(7, DELAY), 'completed'])
    assert.equal(response.usage?.output_tokens, 3)
  })
})

function smallestBytes(request: ResponsesRequest): number {
  return responsesWire.smallestBytes?.(request) ?? assert.fail('a response has a smallest size')
}

test("errors have the shape of OpenAI's", () => {
  const body = responsesWire.error(new ProviderError(429, 'slow down'))
  assert.deepEqual(JSON.parse(body), {
    error: { message: 'slow down', type: 'requests', param: null, code: 'rate_limit_exceeded' },
  })
})
