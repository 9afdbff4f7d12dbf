import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { withMock, type Mock } from './server.fixture.ts'
import { delayFromText, MOCK_DELAY_HEADER, parseChunkStamp, parseDelayHeader } from './truth.ts'

const HELLO = { model: 'claude-x', max_tokens: 1_000, messages: [{ role: 'user', content: 'Hello' }] }
const HEADERS = { 'content-type': 'application/json', 'x-api-key': 'sk-ant', 'anthropic-version': '2023-06-01' }
const WEATHER = { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }

function post({ url }: Mock, body: unknown, headers: Record<string, string> = HEADERS): Promise<Response> {
  return fetch(`${url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(body) })
}

interface Message {
  id: string
  type: string
  role: string
  model: string
  content: { type: string; text?: string; name?: string; input?: unknown }[]
  stop_reason: string
  usage: { input_tokens: number; output_tokens: number }
}

interface StreamEvent {
  type: string
  message?: Message
  content_block?: { type: string; name?: string; input?: unknown; text?: string }
  delta?: { type: string; text?: string; partial_json?: string; stop_reason?: string }
  usage?: { output_tokens: number }
}

/** The events of a stream; each one's `event:` line is checked against its data. */
async function eventsOf(response: Response): Promise<StreamEvent[]> {
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  return (await response.text())
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? assert.fail(block)
      const event = JSON.parse(data!) as StreamEvent
      assert.equal(event.type, name)
      return event
    })
}

async function errorOf(response: Response): Promise<{ type: string; message: string }> {
  const body = (await response.json()) as { type: string; error: { type: string; message: string } }
  assert.equal(body.type, 'error')
  return body.error
}

describe('messages of Anthropic', () => {
  test('are whole, exact to the byte, and carry their delay in id and header', async () => {
    await withMock({ latency: 20, responseSize: 2_000 }, async (mock) => {
      const response = await post(mock, HELLO)
      const text = await response.text()
      assert.equal(text.length, 2_000)
      const message = JSON.parse(text) as Message
      assert.match(message.id, /^msg_1-20000-\d+$/)
      assert.deepEqual(delayFromText(text), parseDelayHeader(response.headers.get(MOCK_DELAY_HEADER) ?? ''))
      assert.deepEqual([message.type, message.role, message.model], ['message', 'assistant', 'claude-x'])
      assert.equal(message.content[0]?.type, 'text')
      assert.equal(message.stop_reason, 'end_turn')
      assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0)
      const capped = (await (await post(mock, { ...HELLO, max_tokens: 5 })).json()) as Message
      assert.equal(capped.stop_reason, 'max_tokens')
      assert.equal(capped.usage.output_tokens, 5)
    })
  })

  test('have room for everything at the smallest size', async () => {
    await withMock({ responseSize: SMALLEST_RESPONSE_BYTES }, async (mock) => {
      for (const max_tokens of [1, 1_000]) {
        const text = await (await post(mock, { ...HELLO, model: 'm'.repeat(62), max_tokens })).text()
        assert.equal(text.length, SMALLEST_RESPONSE_BYTES)
        assert.equal((JSON.parse(text) as Message).model.length, 62)
      }
    })
  })

  test('stream in the published sequence of events', async () => {
    await withMock({ tokens: 3 }, async (mock) => {
      const events = await eventsOf(await post(mock, { ...HELLO, stream: true }))
      assert.deepEqual(
        events.map(({ type }) => type),
        [
          'message_start',
          'content_block_start',
          'ping',
          'content_block_delta',
          'content_block_delta',
          'content_block_delta',
          'content_block_stop',
          'message_delta',
          'message_stop',
        ],
      )
      assert.ok(delayFromText(events[0]?.message?.id ?? ''))
      assert.deepEqual(events[0]?.message?.content, [])
      const stamps = events.slice(3, 6).map(({ delta }) => parseChunkStamp(delta?.text ?? '')?.index)
      assert.deepEqual(stamps, [0, 1, 2])
      assert.equal(events[7]?.delta?.stop_reason, 'end_turn')
      assert.equal(events[7].usage?.output_tokens, 3)
      const capped = await eventsOf(await post(mock, { ...HELLO, stream: true, max_tokens: 2 }))
      assert.equal(capped.at(-2)?.delta?.stop_reason, 'max_tokens')
    })
  })

  test('call tools, whole and in fragments of JSON, and give text for a result', async () => {
    await withMock({ tokens: 4 }, async (mock) => {
      const request = { ...HELLO, tools: [WEATHER], tool_choice: { type: 'any' } }
      const message = (await (await post(mock, request)).json()) as Message
      assert.equal(message.stop_reason, 'tool_use')
      assert.equal(message.content[0]?.type, 'tool_use')
      assert.equal(message.content[0].name, 'weather')
      assert.deepEqual(message.content[0].input, { city: 'x' })

      const named = { ...request, tool_choice: { type: 'tool', name: 'weather' }, stream: true }
      const events = await eventsOf(await post(mock, named))
      assert.deepEqual(
        [events[1]?.content_block?.type, events[1]?.content_block?.name, events[1]?.content_block?.input],
        ['tool_use', 'weather', {}],
      )
      const deltas = events.filter(({ delta }) => delta?.type === 'input_json_delta')
      assert.equal(deltas.length, 4)
      assert.deepEqual(JSON.parse(deltas.map(({ delta }) => delta?.partial_json).join('')), { city: 'x' })
      assert.equal(events.at(-2)?.delta?.stop_reason, 'tool_use')

      const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '22' }] }
      const answer = (await (await post(mock, { ...request, messages: [...HELLO.messages, result] })).json()) as Message
      assert.equal(answer.stop_reason, 'end_turn')
    })
  })

  for (const { name, headers, body, status, type, message } of [
    {
      name: 'no key',
      headers: { 'x-api-key': '' },
      body: {},
      status: 401,
      type: 'authentication_error',
      message: /x-api-key/,
    },
    {
      name: 'no version',
      headers: { 'anthropic-version': '' },
      body: {},
      status: 400,
      type: 'invalid_request_error',
      message: /anthropic-version/,
    },
    {
      name: 'no max_tokens',
      headers: {},
      body: { max_tokens: undefined },
      status: 400,
      type: 'invalid_request_error',
      message: /max_tokens/,
    },
    {
      name: 'a fault asked for',
      headers: { 'x-mock-fault': 'error=529' },
      body: {},
      status: 529,
      type: 'overloaded_error',
      message: /529/,
    },
    {
      name: 'a key told to fail',
      headers: { 'x-api-key': 'sk-busy' },
      body: {},
      status: 429,
      type: 'rate_limit_error',
      message: /429/,
    },
  ]) {
    test(`have errors in the shape of Anthropic: ${name}`, async () => {
      await withMock({ failKeys: [{ key: 'sk-busy', status: 429 }] }, async (mock) => {
        const response = await post(mock, { ...HELLO, ...body }, { ...HEADERS, ...headers })
        assert.equal(response.status, status)
        const error = await errorOf(response)
        assert.equal(error.type, type)
        assert.match(error.message, message)
      })
    })
  }
})
