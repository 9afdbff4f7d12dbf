import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ChatCompletion } from 'openai/resources/chat/completions'

import { providerErrorBody } from '../../errors.ts'
import { parseMessage } from './answer.ts'

const EXTRA = { provider: 'anthropic', resolvedModel: 'claude', latencyMs: 1, requestType: 'chat_completion' } as const
const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', stop_reason: 'end_turn' }

function parsed(message: object) {
  const { reply, ...counts } = parseMessage(Buffer.from(JSON.stringify({ ...MESSAGE, ...message })), EXTRA, 5)
  return { ...counts, completion: JSON.parse(Buffer.from(reply, 'latin1').toString()) as ChatCompletion }
}

test('the id, in which a mock reports its delay, is kept', () => {
  assert.equal(parsed({ id: 'chatcmpl-7-1500000-1500123', content: [] }).completion.id, 'chatcmpl-7-1500000-1500123')
})

test('blocks of other kinds are left out, those of text joined', () => {
  const content = [
    { type: 'thinking', thinking: 'hm', signature: 's' },
    { type: 'text', text: 'a' },
    { type: 'server_tool_use', id: 'x', name: 'web_search', input: {} },
    { type: 'text', text: 'b' },
  ]
  const { message } = parsed({ content }).completion.choices[0]!
  assert.deepEqual(message, { role: 'assistant', content: 'ab', refusal: null })
})

test('an answer without text has null for content', () => {
  assert.equal(parsed({ content: [] }).completion.choices[0]!.message.content, null)
})

for (const [stopReason, finishReason] of [
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
  ['something_new', 'stop'],
]) {
  test(`${stopReason} is ${finishReason}`, () => {
    const { completion } = parsed({ content: [], stop_reason: stopReason })
    assert.equal(completion.choices[0]!.finish_reason, finishReason)
  })
}

test('tokens from and to the cache count as prompt', () => {
  const usage = {
    input_tokens: 1,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 300,
    output_tokens: 4_000,
  }
  const { completion, inputTokens, outputTokens } = parsed({ content: [], usage })
  assert.deepEqual(completion.usage, {
    prompt_tokens: 321,
    completion_tokens: 4_000,
    total_tokens: 4_321,
    prompt_tokens_details: { cached_tokens: 300 },
  })
  assert.deepEqual([inputTokens, outputTokens], [321, 4_000])
})

test('what is not a message is a SyntaxError', () => {
  for (const odd of [
    { content: 'text' },
    { content: [7] },
    { content: [{ type: 'text' }] },
    { content: [{ type: 'tool_use', id: 'x', name: 'f' }] },
    { content: [{ type: 'tool_use', id: 7, name: 'f', input: {} }] },
  ]) {
    assert.throws(() => parsed(odd), SyntaxError)
  }
})

test("an error of Anthropic's keeps its type and message for the caller", () => {
  const text = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
  const origin = { provider: 'anthropic', model: 'claude', requestType: 'chat_completion' } as const
  const { error } = providerErrorBody(529, text, origin, (told) => told)
  assert.deepEqual(error, { type: 'overloaded_error', code: null, message: 'Overloaded' })
})
