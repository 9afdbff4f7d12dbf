import type { GatewayConfigFile } from '@gatebench/gateway/config'
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import OpenAI, {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
  UnprocessableEntityError,
} from 'openai'
import type { RunningProgram } from '../processes.ts'
import { startGateway, startMock } from './gateway.test-support.ts'

/** The official client, unchanged, through a gateway process to a mock process. */

const CALLER_KEY = 'gw-0123456789abcdef'
const TOKENS = 6
const HELLO = [{ role: 'user' as const, content: 'Hello, grüß dich 😀' }]
const TOOL_QUESTION = [{ role: 'user' as const, content: 'Please use the tool for Paris' }]
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'Weather of a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Paris'] }, days: { type: 'integer' } },
      required: ['city'],
    },
  },
}
const FAULTS = {
  e400: 'error=400',
  e401: 'error=401',
  e404: 'error=404',
  e409: 'error=409',
  e422: 'error=422',
  e429: 'error=429;retry-after=1',
  e500: 'error=500',
  e503: 'error=503',
  reset: 'reset',
  hang: 'hang',
  cut: 'cut',
}

let mock: RunningProgram
let gateway: RunningProgram
let client: OpenAI

function config(mockUrl: string): GatewayConfigFile {
  type Provider = GatewayConfigFile['providers'][string]
  const provider = (more: Provider['network_config'] = {}, key: object = {}): Provider => {
    return { keys: [{ value: 'sk-mock-secret', ...key }], network_config: { base_url: mockUrl, ...more } }
  }
  return {
    config: { caller_keys: [{ name: 'tests', value: CALLER_KEY }] },
    providers: {
      openai: provider({}, { models: ['gpt-4o-mini', 'text-embedding-3-small'] }),
      anthropic: provider(),
      azure: provider(),
      ...Object.fromEntries(
        Object.entries(FAULTS).map(([name, fault]) => [name, provider({ extra_headers: { 'x-mock-fault': fault } })]),
      ),
    },
  }
}

before(async () => {
  mock = await startMock('--tokens', String(TOKENS), '--token-interval', '5ms', '--require-key', 'sk-mock-secret')
  gateway = await startGateway(config(mock.url))
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: CALLER_KEY, maxRetries: 0 })
})

after(async () => {
  await Promise.all([(gateway as RunningProgram | undefined)?.stop(), (mock as RunningProgram | undefined)?.stop()])
})

async function chunksOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<OpenAI.ChatCompletionChunk[]> {
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

async function errorOf<E extends APIError>(
  call: Promise<unknown>,
  kind: abstract new (...args: never) => E,
): Promise<E> {
  const error: unknown = await call.then(
    () => assert.fail('the call did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof kind, String(error))
  return error
}

/** What the gateway adds, and the client's types do not know. */
function extraOf(answer: object): { provider: string; resolved_model: string; request_type: string; latency: number } {
  assert.ok('extra_fields' in answer)
  return answer.extra_fields as ReturnType<typeof extraOf>
}

for (const model of ['openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5', 'azure/some-deployment']) {
  const [provider, bare] = model.split('/')

  describe(`chat with ${provider}`, () => {
    test('a whole answer', async () => {
      const answer = await client.chat.completions.create({
        model,
        messages: HELLO,
        temperature: 0.2,
        max_completion_tokens: 500,
      })
      assert.match(answer.id, /\S/)
      assert.deepEqual([answer.object, answer.choices.length], ['chat.completion', 1])
      assert.ok(Number.isInteger(answer.created))
      const [choice] = answer.choices
      assert.equal(choice!.message.role, 'assistant')
      assert.ok(choice!.message.content!.length > 100)
      assert.ok(['stop', 'length'].includes(choice!.finish_reason))
      const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = answer.usage!
      assert.ok(prompt > 0 && completion > 0)
      assert.equal(total, prompt + completion)
      const extra = extraOf(answer)
      assert.deepEqual([extra.provider, extra.resolved_model, extra.request_type], [provider, bare, 'chat_completion'])
    })

    test('a stream with usage', async () => {
      const stream = await client.chat.completions.create({
        model,
        messages: HELLO,
        stream: true,
        stream_options: { include_usage: true },
      })
      const chunks = await chunksOf(stream)
      const texts = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').filter((text) => text !== '')
      assert.equal(texts.length, TOKENS)
      assert.equal(new Set(chunks.map(({ id }) => id)).size, 1)
      assert.deepEqual(new Set(chunks.map(({ object }) => object)), new Set(['chat.completion.chunk']))
      const finishes = chunks.flatMap(({ choices }) => choices.map(({ finish_reason: finish }) => finish))
      assert.deepEqual(
        finishes.filter((finish) => finish !== null),
        ['stop'],
      )
      const last = chunks.at(-1)!
      assert.deepEqual(last.choices, [])
      assert.equal(last.usage?.completion_tokens, TOKENS)
      assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + TOKENS)
      for (const { usage } of chunks.slice(0, -1)) assert.ok(usage === null || usage === undefined)
    })

    test('a stream without usage', async () => {
      const chunks = await chunksOf(await client.chat.completions.create({ model, messages: HELLO, stream: true }))
      for (const { usage, choices } of chunks) {
        assert.ok(usage === null || usage === undefined)
        assert.equal(choices.length, 1)
      }
    })

    test('tools: the call, the tool, the answer to it', async () => {
      const question = { model, messages: TOOL_QUESTION, tools: [WEATHER] }
      const { choices } = await client.chat.completions.create(question)
      const [{ message, finish_reason: finish } = assert.fail()] = choices
      assert.equal(finish, 'tool_calls')
      const [call = assert.fail()] = message.tool_calls ?? []
      assert.ok(call.type === 'function')
      assert.equal(call.function.name, 'weather')
      assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris', days: 1 })
      const { choices: then } = await client.chat.completions.create({
        ...question,
        messages: [...TOOL_QUESTION, message, { role: 'tool', tool_call_id: call.id, content: '{"sky":"blue"}' }],
      })
      assert.ok(then[0]!.message.content!.length > 0)
      assert.equal(then[0]!.message.tool_calls, undefined)
    })

    test('tools streamed: the pieces of the call add up', async () => {
      const chunks = await chunksOf(
        await client.chat.completions.create({ model, messages: TOOL_QUESTION, tools: [WEATHER], stream: true }),
      )
      const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
      assert.ok(calls.length > 1)
      assert.deepEqual(new Set(calls.map(({ index }) => index)), new Set([0]))
      assert.equal(calls[0]!.function?.name, 'weather')
      assert.match(calls[0]!.id ?? '', /\S/)
      const written = calls.map(({ function: piece }) => piece?.arguments ?? '').join('')
      assert.deepEqual(JSON.parse(written), { city: 'Paris', days: 1 })
      const finishes = chunks.map(({ choices }) => choices[0]?.finish_reason).filter((finish) => finish)
      assert.deepEqual(finishes, ['tool_calls'])
    })

    for (const stream of [false, true]) {
      test(`tools run by the client's own loop, ${stream ? 'streamed' : 'whole'}`, async () => {
        const asked: unknown[] = []
        const tool = {
          type: 'function' as const,
          function: {
            ...WEATHER.function,
            parse: JSON.parse as (text: string) => object,
            function: (input: object) => {
              asked.push(input)
              return '{"sky":"blue"}'
            },
          },
        }
        const task = { model, messages: TOOL_QUESTION, tools: [tool] }
        const runner = stream
          ? client.chat.completions.runTools({ ...task, stream: true })
          : client.chat.completions.runTools(task)
        const content = await runner.finalContent()
        assert.ok(content!.length > 0)
        assert.deepEqual(asked, [{ city: 'Paris', days: 1 }])
        const roles = runner.messages.map(({ role }) => role)
        assert.deepEqual(roles, ['user', 'assistant', 'tool', 'assistant'])
      })
    }

    test('leaving in the middle of a stream', async () => {
      const stream = await client.chat.completions.create({ model, messages: HELLO, stream: true })
      for await (const chunk of stream) {
        assert.match(chunk.id, /\S/)
        break
      }
      assert.equal(stream.controller.signal.aborted, true)
    })

    test('an error of the provider is the right class, with its words', async () => {
      const call = client.chat.completions.create({ model, messages: HELLO, max_completion_tokens: -1 })
      const error = await errorOf(call, BadRequestError)
      assert.match(error.message, /max_(completion_)?tokens/)
      // Azure's errors have no type of their own.
      assert.equal(error.type, provider === 'azure' ? 'provider_error' : 'invalid_request_error')
    })
  })
}

describe('embeddings', () => {
  const call = { model: 'openai/text-embedding-3-small', input: ['Hello', 'grüß dich'] }

  test("come as the client's default, base64, and are decoded by it", async () => {
    const { data, usage } = await client.embeddings.create({ ...call, dimensions: 16 })
    assert.deepEqual(
      data.map(({ embedding }) => embedding.length),
      [16, 16],
    )
    assert.ok(data.every(({ embedding }) => embedding.every((value) => typeof value === 'number')))
    assert.ok(usage.prompt_tokens > 0)
  })

  test('are the same as numbers, and through azure', async () => {
    const [base64, float, azure] = await Promise.all([
      client.embeddings.create(call),
      client.embeddings.create({ ...call, encoding_format: 'float' }),
      client.embeddings.create({ ...call, model: 'azure/embedder' }),
    ])
    const [first, second, third] = [base64, float, azure].map(({ data }) =>
      data.map(({ embedding }) => [...embedding].map(Math.fround)),
    )
    assert.deepEqual(first, second)
    assert.deepEqual(first, third)
  })

  test('of a provider that has none are refused', async () => {
    const error = await errorOf(client.embeddings.create({ ...call, model: 'anthropic/claude' }), BadRequestError)
    assert.equal(error.code, 'not_supported')
  })
})

describe('models', () => {
  const ids = ['openai/gpt-4o-mini', 'openai/text-embedding-3-small']

  test('are listed', async () => {
    const listed: string[] = []
    for await (const model of client.models.list()) listed.push(model.id)
    assert.deepEqual(listed, ids)
  })

  test('are found one by one', async () => {
    for (const id of ids)
      assert.deepEqual(
        { ...(await client.models.retrieve(id)) },
        { id, object: 'model', created: 0, owned_by: 'openai' },
      )
    const error = await errorOf(client.models.retrieve('openai/nothing'), NotFoundError)
    assert.equal(error.code, 'model_not_found')
  })
})

describe('errors', () => {
  const chat = (model: string, options: OpenAI.RequestOptions = {}, from = client) =>
    from.chat.completions.create({ model: `${model}/m`, messages: HELLO }, options)
  const stream = (model: string, options: OpenAI.RequestOptions = {}) =>
    client.chat.completions.create({ model: `${model}/m`, messages: HELLO, stream: true }, options)

  for (const [model, kind, status] of [
    ['e400', BadRequestError, 400],
    ['e404', NotFoundError, 404],
    ['e409', ConflictError, 409],
    ['e422', UnprocessableEntityError, 422],
    ['e429', RateLimitError, 429],
    ['e500', InternalServerError, 500],
    ['e503', InternalServerError, 503],
    // Not the caller's key is at fault, but the gateway's.
    ['e401', InternalServerError, 502],
    ['reset', InternalServerError, 502],
    ['cut', InternalServerError, 502],
  ] as const) {
    test(`${model} is ${kind.name} with status ${status}`, async () => {
      const error = await errorOf<APIError>(chat(model), kind)
      assert.equal(error.status, status)
      assert.match(error.message, /\S/)
      assert.doesNotMatch(JSON.stringify(error.error) + error.message, /sk-mock-secret/)
      assert.match(String(error.type), /\S/)
      if (status === 429) assert.equal(error.headers?.get('retry-after'), '1')
      // A cut stream has begun, and has its error later.
      if (model !== 'cut') assert.equal((await errorOf<APIError>(stream(model), kind)).status, status)
    })
  }

  test("a caller's key that is missing or wrong is AuthenticationError", async () => {
    for (const apiKey of ['sk-wrong', `${CALLER_KEY}x`, ' ']) {
      const error = await errorOf(chat('openai', {}, client.withOptions({ apiKey })), AuthenticationError)
      assert.equal(error.code, 'invalid_api_key')
    }
    await errorOf(client.withOptions({ apiKey: 'sk-wrong' }).models.list().then(), AuthenticationError)
  })

  test('a model that leads nowhere is BadRequestError', async () => {
    assert.equal((await errorOf(chat('nowhere'), BadRequestError)).code, 'unknown_provider')
  })

  test('a path that does not exist is NotFoundError', async () => {
    assert.equal((await errorOf(client.get('/nothing'), NotFoundError)).code, 'route_not_found')
  })

  test('a stream that the provider cuts throws after the chunks that came', async () => {
    const cut = await stream('cut')
    const texts: string[] = []
    const reading = (async () => {
      for await (const { choices } of cut) texts.push(choices[0]?.delta.content ?? '')
    })()
    const error = await errorOf(reading, APIError)
    assert.equal(error.code, 'upstream_reset')
    assert.equal(texts.filter((text) => text !== '').length, TOKENS / 2)
  })

  test('a provider that does not answer in time for the caller is APIConnectionTimeoutError', async () => {
    await errorOf(chat('hang', { timeout: 200 }), APIConnectionTimeoutError)
    await errorOf(stream('hang', { timeout: 200 }), APIConnectionTimeoutError)
  })

  test('a caller that leaves gets APIUserAbortError', async () => {
    const leaving = new AbortController()
    const failing = errorOf(chat('hang', { signal: leaving.signal }), APIUserAbortError)
    setTimeout(() => {
      leaving.abort()
    }, 50)
    await failing
  })

  test('a gateway that is not there is APIConnectionError', async () => {
    const nowhere = client.withOptions({ baseURL: 'http://127.0.0.1:1/v1' })
    await errorOf(nowhere.models.list().then(), APIConnectionError)
  })

  test("the client's own retries work: the gateway says when to come back", async () => {
    const started = performance.now()
    await errorOf(chat('e429', { maxRetries: 1 }), RateLimitError)
    assert.ok(performance.now() - started >= 950)
  })

  test('afterwards the gateway is idle', async () => {
    const headers = { authorization: `Bearer ${CALLER_KEY}` }
    const metrics = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
    const active = [...metrics.matchAll(/^gateway_active_requests(?:\{[^}]*\})? (\d+)$/gm)].map(([, count]) => count)
    assert.deepEqual(new Set(active), new Set(['0']))
  })
})
