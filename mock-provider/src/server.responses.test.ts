import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai'
import { withMock } from './server.fixture.ts'
import { delayFromText, MOCK_DELAY_HEADER, parseChunkStamp, parseDelayHeader } from './truth.ts'

/** The official client's Responses straight against the mock. */

const HELLO = { model: 'gpt-4o-mini', input: 'Hello' }
const WEATHER: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'weather',
  strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
}

type Settings = Parameters<typeof withMock>[0]

async function withClient(settings: Settings, use: (client: OpenAI, url: string) => Promise<void>): Promise<void> {
  await withMock(settings, async ({ url }) => {
    await use(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-test', maxRetries: 0 }), url)
  })
}

async function eventsOf(stream: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>) {
  const events: OpenAI.Responses.ResponseStreamEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

describe('the official client gets a response', () => {
  test('of text, after its delay, which id and header tell', async () => {
    await withClient({ latency: 20 }, async (client) => {
      const { data, response } = await client.responses.create(HELLO).withResponse()
      assert.deepEqual([data.object, data.model, data.status, data.error], ['response', HELLO.model, 'completed', null])
      assert.match(data.output_text, /^The mock provider/)
      const delay = delayFromText(data.id)
      assert.equal(delay?.plannedUs, 20_000)
      assert.ok(delay.actualUs >= 20_000)
      assert.deepEqual(delay, parseDelayHeader(response.headers.get(MOCK_DELAY_HEADER) ?? ''))
      const { input_tokens, output_tokens, total_tokens } = data.usage ?? assert.fail('no usage')
      assert.ok(input_tokens > 0 && output_tokens > 0)
      assert.equal(total_tokens, input_tokens + output_tokens)
    })
  })

  test('exact to the byte, also where its limit is what ended it', async () => {
    await withClient({ responseSize: 2_000 }, async (client) => {
      for (const { limit, status } of [
        { limit: null, status: 'completed' },
        { limit: 1_000, status: 'completed' },
        { limit: 16, status: 'incomplete' },
      ]) {
        const response = await client.responses.create({ ...HELLO, max_output_tokens: limit }).asResponse()
        const text = await response.text()
        assert.equal(Buffer.byteLength(text), 2_000)
        assert.equal(response.headers.get('content-length'), '2000')
        assert.equal((JSON.parse(text) as OpenAI.Responses.Response).status, status)
      }
    })
  })

  test('that says when its limit ended it, and counts no more tokens', async () => {
    await withClient({}, async (client) => {
      const whole = await client.responses.create(HELLO)
      assert.equal(whole.incomplete_details, null)
      const capped = await client.responses.create({ ...HELLO, max_output_tokens: 16 })
      assert.deepEqual([capped.status, capped.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }])
      assert.deepEqual([capped.usage?.output_tokens, capped.max_output_tokens], [16, 16])
    })
  })
})

describe('the official client streams a response', () => {
  test('in events that are numbered from 0, a delta for each chunk', async () => {
    await withClient({ latency: 500, firstToken: 30, tokens: 5, tokenInterval: 10 }, async (client) => {
      const beforeNs = process.hrtime.bigint()
      const { data, response } = await client.responses.create({ ...HELLO, stream: true }).withResponse()
      assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
      const events = await eventsOf(data)
      assert.deepEqual(
        events.map(({ sequence_number }) => sequence_number),
        events.map((_, index) => index),
      )
      const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []))
      deltas.forEach((delta, index) => {
        const stamp = parseChunkStamp(delta)
        assert.deepEqual([stamp?.index, stamp?.plannedUs], [index, index * 10_000])
        assert.ok(stamp!.sentNs >= beforeNs + BigInt(30 + index * 10) * 1_000_000n)
      })
      assert.equal(deltas.length, 5)
      const [first, last] = [events[0], events.at(-1)]
      assert.ok(first?.type === 'response.created' && last?.type === 'response.completed')
      assert.equal(delayFromText(first.response.id)?.plannedUs, 30_000)
      assert.equal(last.response.id, first.response.id)
      assert.equal(last.response.usage?.output_tokens, 5)
    })
  })

  test('that its helper puts together to what the last event says', async () => {
    await withClient({ tokens: 5 }, async (client) => {
      const stream = client.responses.stream(HELLO)
      let snapshot = ''
      stream.on('response.output_text.delta', (event) => (snapshot = event.snapshot))
      const response = await stream.finalResponse()
      assert.equal(response.status, 'completed')
      assert.equal(response.output_text, snapshot)
      assert.deepEqual(snapshot.match(/\bt\d+:/g), ['t0:', 't1:', 't2:', 't3:', 't4:'])
    })
  })

  test('as long as its limit allows', async () => {
    await withClient({ tokens: 20 }, async (client) => {
      const stream = client.responses.stream({ ...HELLO, max_output_tokens: 16 })
      let deltas = 0
      stream.on('response.output_text.delta', () => deltas++)
      const response = await stream.finalResponse()
      assert.equal(deltas, 16)
      assert.deepEqual([response.status, response.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }])
      assert.equal(response.usage?.output_tokens, 16)
    })
  })
})

describe('the official client calls a tool', () => {
  const request = { ...HELLO, tools: [WEATHER], tool_choice: 'required' as const }

  test('with arguments from the schema, then gets text for the result', async () => {
    await withClient({}, async (client) => {
      const response = await client.responses.create(request)
      assert.ok(delayFromText(response.id))
      const [call, ...others] = response.output
      assert.deepEqual(others, [])
      assert.ok(call?.type === 'function_call')
      assert.equal(call.name, 'weather')
      assert.deepEqual(JSON.parse(call.arguments), { city: 'x', days: 1 })

      const result = { type: 'function_call_output' as const, call_id: call.call_id, output: '22' }
      const input = [{ role: 'user' as const, content: 'Hello' }, call, result]
      const answer = await client.responses.create({ ...request, input })
      assert.match(answer.output_text, /^The mock provider/)
    })
  })

  test('only when it is told to', async () => {
    await withClient({}, async (client) => {
      const typeOf = async (more: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>) =>
        (await client.responses.create({ ...request, ...more })).output[0]?.type
      const wanting = 'Please use the tool'
      assert.equal(await typeOf({ tool_choice: 'auto' }), 'message')
      assert.equal(await typeOf({ tool_choice: 'auto', input: wanting }), 'function_call')
      assert.equal(await typeOf({ tool_choice: 'none', input: wanting }), 'message')
      assert.equal(await typeOf({ tool_choice: { type: 'function', name: 'weather' } }), 'function_call')
      await assert.rejects(
        typeOf({ tool_choice: { type: 'function', name: 'time' } }),
        (error) => error instanceof BadRequestError && error.param === 'tool_choice',
      )
    })
  })

  test('in fragments, as the stream helper puts them together', async () => {
    await withClient({ tokens: 4 }, async (client) => {
      const stream = client.responses.stream(request)
      const snapshots: string[] = []
      stream.on('response.function_call_arguments.delta', ({ snapshot }) => snapshots.push(snapshot))
      const { output, status } = await stream.finalResponse()
      assert.equal(status, 'completed')
      assert.equal(snapshots.length, 4)
      assert.ok(output[0]?.type === 'function_call')
      assert.equal(output[0].arguments, snapshots.at(-1))
      assert.deepEqual(JSON.parse(output[0].arguments), { city: 'x', days: 1 })
    })
  })
})

describe('the official client is refused', () => {
  for (const { status, errorClass, type } of [
    { status: 400, errorClass: BadRequestError, type: 'invalid_request_error' },
    { status: 401, errorClass: AuthenticationError, type: 'invalid_request_error' },
    { status: 403, errorClass: PermissionDeniedError, type: 'invalid_request_error' },
    { status: 404, errorClass: NotFoundError, type: 'invalid_request_error' },
    { status: 429, errorClass: RateLimitError, type: 'requests' },
    { status: 500, errorClass: InternalServerError, type: 'server_error' },
    { status: 503, errorClass: InternalServerError, type: 'server_error' },
  ]) {
    test(`with ${status} as its own error, streaming or not`, async () => {
      await withClient({}, async (client) => {
        for (const stream of [false, true]) {
          await assert.rejects(
            client.responses.create({ ...HELLO, stream }, { headers: { 'x-mock-fault': `error=${status}` } }),
            (error) => {
              assert.ok(error instanceof errorClass, String(error))
              assert.deepEqual([error.status, error.type], [status, type])
              assert.match(error.message, /was told to answer this request with/)
              return true
            },
          )
        }
      })
    })
  }

  test('when its key is told to fail or is not among those required', async () => {
    const settings = { failKeys: [{ key: 'sk-busy', status: 429 }], requireKeys: ['sk-busy', 'sk-live'] }
    await withMock(settings, async ({ url }) => {
      const create = (apiKey: string) =>
        new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }).responses.create(HELLO)
      await create('sk-live')
      await assert.rejects(create('sk-busy'), RateLimitError)
      await assert.rejects(
        create('sk-other'),
        (error) => error instanceof AuthenticationError && error.code === 'invalid_api_key',
      )
    })
  })

  test('when it asks for what cannot be, and is told what', async () => {
    await withClient({}, async (client) => {
      for (const { more, param } of [
        { more: { model: '' }, param: 'model' },
        { more: { input: [] }, param: 'input' },
        { more: { max_output_tokens: 15 }, param: 'max_output_tokens' },
        { more: { tools: [WEATHER], tool_choice: { type: 'mcp', server_label: 's' } as const }, param: 'tool_choice' },
      ]) {
        await assert.rejects(
          client.responses.create({ ...HELLO, ...more }),
          (error) => error instanceof APIError && error.status === 400 && error.param === param,
        )
      }
    })
  })
})
