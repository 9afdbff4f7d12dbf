import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { event } from '../fake-anthropic.test-support.ts'
import { AnthropicStream } from './stream.ts'

const START = event({
  type: 'message_start',
  message: {
    id: 'msg_1',
    model: 'claude-x',
    usage: { input_tokens: 25, cache_read_input_tokens: 5, output_tokens: 1 },
  },
})
const TOOL_START = event({
  type: 'content_block_start',
  index: 1,
  content_block: { type: 'tool_use', id: 'toolu_1', name: 'now', input: {} },
})
const STOP = event({ type: 'message_stop' })

function finish(usage: object = { output_tokens: 15 }): string {
  return event({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage })
}

function fragment(partialJson: string, index = 1): string {
  return event({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: partialJson } })
}

function open(includeUsage = true, events: string[] = []): AnthropicStream {
  const stream = new AnthropicStream({ model: 'anthropic/claude', includeUsage }, 5)
  for (const one of events) stream.translate(one)
  return stream
}

interface Chunk {
  choices: { delta: unknown; finish_reason: string | null }[]
}

/** The deltas of the chunks in a piece of a stream. */
function deltas(sent: string): unknown[] {
  const chunks = [...sent.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json!) as Chunk)
  return chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))
}

test('the first chunk gives the role, and what all chunks repeat', () => {
  const sent = open().translate(START)
  assert.deepEqual(JSON.parse(sent.slice('data: '.length)), {
    id: 'msg_1',
    object: 'chat.completion.chunk',
    created: 5,
    model: 'claude-x',
    choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
  })
})

test('a tool call gives its id and name once, then its arguments as they come', () => {
  const stream = open(true, [START])
  assert.deepEqual(deltas(stream.translate(TOOL_START)), [
    { tool_calls: [{ index: 0, id: 'toolu_1', type: 'function', function: { name: 'now', arguments: '' } }] },
  ])
  assert.equal(stream.translate(fragment('')), '')
  assert.deepEqual(deltas(stream.translate(fragment('{"a": '))), [
    { tool_calls: [{ index: 0, function: { arguments: '{"a": ' } }] },
  ])
  stream.translate(fragment('1}'))
  assert.equal(stream.translate(event({ type: 'content_block_stop', index: 1 })), '')
})

test('a tool call without fragments has the input that it started with', () => {
  const stream = open(true, [START, TOOL_START])
  assert.deepEqual(deltas(stream.translate(event({ type: 'content_block_stop', index: 1 }))), [
    { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
  ])
})

test('usage counts the cache, and the last total of the output', () => {
  const stream = open(true, [START, finish()])
  assert.deepEqual([stream.inputTokens, stream.outputTokens], [30, 15])
  const [usageChunk, done] = stream.translate(STOP).split('\n\n')
  const { choices, usage } = JSON.parse(usageChunk!.slice('data: '.length)) as { choices: unknown; usage: unknown }
  assert.deepEqual(choices, [])
  assert.deepEqual(usage, {
    prompt_tokens: 30,
    completion_tokens: 15,
    total_tokens: 45,
    prompt_tokens_details: { cached_tokens: 5 },
  })
  assert.equal(done, 'data: [DONE]')
})

test('an output that comes to nothing counts as 0, whatever the start said', () => {
  assert.equal(open(true, [START, finish({ output_tokens: 0 })]).outputTokens, 0)
})

describe('what has no chunk', () => {
  const quiet: [name: string, told: Parameters<typeof event>[0]][] = [
    ['thinking', { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }],
    ['a signature', { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 's' } }],
    ["a server's tool", { type: 'content_block_start', index: 0, content_block: { type: 'server_tool_use', id: 'x' } }],
    ['the end of a text', { type: 'content_block_stop', index: 0 }],
    ['an event that is new', { type: 'brand_new', data: 1 }],
  ]

  for (const [name, told] of quiet) {
    test(`${name} sends nothing`, () => {
      assert.equal(open(true, [START]).translate(event(told)), '')
    })
  }

  test('the input of a tool that the server runs itself sends nothing', () => {
    assert.equal(open(true, [START]).translate(fragment('{"query":', 7)), '')
  })
})

test('a ping keeps the connection alive, but does not start the answer', () => {
  const stream = open()
  assert.equal(stream.translate(event({ type: 'ping' })), '')
  stream.translate(START)
  assert.equal(stream.translate(event({ type: 'ping' })), ': ping\n\n')
})

describe('errors', () => {
  for (const [type, status] of [
    ['invalid_request_error', 400],
    ['authentication_error', 401],
    ['billing_error', 402],
    ['permission_error', 403],
    ['not_found_error', 404],
    ['request_too_large', 413],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['timeout_error', 504],
    ['overloaded_error', 529],
    ['something_new', 500],
  ] as const) {
    test(`${type} stands for ${status}`, () => {
      const stream = open()
      const sent = stream.translate(event({ type: 'error', error: { type, message: 'why' } }))
      assert.deepEqual(stream.failure, { status, type, code: null, message: 'why' })
      assert.deepEqual(JSON.parse(sent.slice('data: '.length)), {
        error: { message: 'why', type, param: null, code: null },
      })
    })
  }
})

test('what is not of the protocol is a SyntaxError', () => {
  const odd = [
    'data: nope\n\n',
    'data: [1]\n\n',
    'data: {}\n\n',
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta' } }),
    event({ type: 'content_block_delta', index: 0 }),
    event({ type: 'message_start' }),
    event({ type: 'error' }),
  ]
  for (const one of odd) assert.throws(() => open(true, [START]).translate(one), SyntaxError, one)
})

test('nothing may come before the message starts', () => {
  for (const includeUsage of [true, false]) {
    for (const early of [TOOL_START, finish(), STOP]) {
      const stream = open(includeUsage)
      assert.throws(() => stream.translate(early), SyntaxError)
      assert.equal(stream.done, false)
      assert.equal(stream.end(), '')
    }
  }
})
