import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { DONE_EVENT, OpenAiStream } from './openai-stream.ts'

const open = (choices = 1) => new OpenAiStream({ model: 'openai/gpt-4o-mini', includeUsage: true, choices })

function chunk(choice: object, more: object = {}): string {
  const choices = [{ index: 0, delta: {}, logprobs: null, finish_reason: null, ...choice }]
  const head = { id: 'chatcmpl-1-2-3', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gpt-4o-mini' }
  return `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`
}

const FINISHED = chunk({ finish_reason: 'stop' })

describe('relaying', () => {
  const events = [
    ['a chunk', chunk({ delta: { content: 'Hello' } })],
    ['a chunk whose text looks like the end', chunk({ delta: { content: '[DONE]\n\ndata: [DONE]' } })],
    ['a chunk whose text looks like an error', chunk({ delta: { content: '{"error":{"code":500},"usage":{}}' } })],
    ['a chunk with the usage that is not known yet', chunk({}, { usage: null })],
    ['a chunk that ends its choice', FINISHED],
    ['data without a blank behind the colon', FINISHED.replace('data: ', 'data:')],
    ['lines that end with CRLF', FINISHED.replaceAll('\n', '\r\n')],
    ['data in several lines', FINISHED.replace(',"choices"', '\ndata: ,"choices"')],
    ['a named event with an id', `event: message\nid: 7\n${FINISHED}`],
    ['a comment', ': OPENROUTER PROCESSING\n\n'],
    ['a reconnection time', 'retry: 3000\n\n'],
    ['the end', DONE_EVENT],
    ['the end without a blank behind the colon', 'data:[DONE]\r\n\r\n'],
  ] as const

  for (const [name, event] of events) {
    test(`${name} passes as it is`, () => {
      const stream = open()
      assert.equal(stream.translate(event), event)
      assert.equal(stream.failure, undefined)
      assert.equal(stream.done, name.startsWith('the end'))
      assert.equal(stream.inputTokens, 0)
    })
  }

  test('data without content does not, because the official clients would take it for invalid JSON', () => {
    assert.equal(open().translate('data: \n\n'), '')
  })

  test('data that is neither an object nor the end is a SyntaxError', () => {
    for (const data of ['nope', '[1]', '"x"', '7', '{"usage":{']) {
      assert.throws(() => open().translate(`data: ${data}\n\n`), SyntaxError)
    }
  })

  test('nothing follows the end', () => {
    const stream = open()
    stream.translate(DONE_EVENT)
    assert.equal(stream.translate(chunk({})), '')
  })
})

describe('usage', () => {
  const usage = { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 }

  test('is read from the last chunk', () => {
    const stream = open()
    stream.translate(chunk({ delta: { content: 'Hello' } }, { usage: null }))
    stream.translate(chunk({}, { choices: [], usage }))
    assert.deepEqual([stream.inputTokens, stream.outputTokens], [9, 12])
  })

  test('is read where Groq reports it', () => {
    const stream = open()
    stream.translate(chunk({ finish_reason: 'stop' }, { x_groq: { id: 'req_1', usage } }))
    assert.deepEqual([stream.inputTokens, stream.outputTokens], [9, 12])
  })

  test('of an odd shape counts as none', () => {
    for (const odd of [7, 'x', [], { prompt_tokens: '3' }, { prompt_tokens: -1 }]) {
      const stream = open()
      stream.translate(chunk({}, { usage: odd }))
      assert.equal(stream.inputTokens, 0)
    }
  })
})

describe('a provider that closes without [DONE]', () => {
  test('has ended properly when the choice has its finish_reason, and the caller gets the [DONE]', () => {
    const stream = open()
    stream.translate(FINISHED)
    assert.equal(stream.done, false)
    assert.equal(stream.end(), DONE_EVENT)
    assert.equal(stream.done, true)
  })

  test('has broken off before', () => {
    const stream = open()
    stream.translate(chunk({ delta: { content: 'Hel' } }))
    assert.equal(stream.end(), '')
    assert.equal(stream.done, false)
  })

  test('has broken off when one of two choices has no finish_reason', () => {
    const stream = open(2)
    stream.translate(FINISHED)
    stream.translate(FINISHED)
    assert.equal(stream.end(), '')
    stream.translate(chunk({ index: 1, finish_reason: 'length' }))
    assert.equal(stream.end(), DONE_EVENT)
  })

  test('adds nothing after a [DONE] that came', () => {
    const stream = open()
    stream.translate(DONE_EVENT)
    assert.equal(stream.end(), '')
  })
})

describe('errors inside the stream', () => {
  const cases = [
    [{ status: 418, type: 'x' }, 418],
    [{ code: 502, message: 'Provider returned error' }, 502],
    [{ code: '429', message: 'Azure writes statuses as text' }, 429],
    [{ type: 'invalid_request_error', code: 'context_length_exceeded' }, 400],
    [{ type: 'authentication_error' }, 401],
    [{ type: 'tokens', code: 'rate_limit_exceeded' }, 429],
    [{ type: null, code: 'rate_limit_exceeded' }, 429],
    [{ type: 'server_error', code: null }, 500],
    [{ type: 'overloaded_error' }, 503],
    [{ message: 'no type, no code' }, 500],
    [{ code: 200 }, 500],
  ] as const

  for (const [error, status] of cases) {
    test(`${JSON.stringify(error)} stands for ${status}`, () => {
      const stream = open()
      const event = `data: ${JSON.stringify({ error })}\n\n`
      assert.equal(stream.translate(event), event)
      assert.equal(stream.failure?.status, status)
      assert.equal(stream.done, false)
    })
  }

  test('are told in full, their text decoded', () => {
    const stream = open()
    const error = { message: 'zu spät', type: 'server_error', param: null, code: 'late' }
    stream.translate(`event: error\ndata: ${Buffer.from(JSON.stringify({ error })).toString('latin1')}\r\n\r\n`)
    assert.deepEqual(stream.failure, { status: 500, type: 'server_error', code: 'late', message: 'zu spät' })
  })

  test("in another shape become OpenAI's", () => {
    for (const body of [{ error: 'tot' }, { object: 'error', message: 'tot', code: 503 }]) {
      const stream = open()
      const sent = stream.translate(`data: ${JSON.stringify(body)}\n\n`)
      assert.equal((JSON.parse(sent.slice('data: '.length)) as { error: { message: string } }).error.message, 'tot')
      assert.equal(stream.failure?.message, 'tot')
    }
  })

  test('end it: nothing follows, not even [DONE]', () => {
    const stream = open()
    stream.translate(FINISHED)
    stream.translate('data: {"error":{"message":"late"}}\n\n')
    assert.equal(stream.translate(DONE_EVENT), '')
    assert.equal(stream.end(), '')
    assert.equal(stream.done, false)
  })

  test('that are null are none', () => {
    const stream = open()
    stream.translate(chunk({}, { error: null }))
    assert.equal(stream.failure, undefined)
  })
})
