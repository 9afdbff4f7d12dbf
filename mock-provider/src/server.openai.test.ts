import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import OpenAI, { APIError, AuthenticationError, AzureOpenAI, NotFoundError, RateLimitError } from 'openai'
import type { WrittenConfig } from './config.ts'
import { withMock } from './server.fixture.ts'
import { delayFromText, parseChunkStamp, parseDelayHeader } from './truth.ts'

/** The official client straight against the mock. */

const MODEL = 'gpt-4o-mini'
const HELLO = [{ role: 'user' as const, content: 'Hello' }]
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
  },
}

async function withClient(config: WrittenConfig, use: (client: OpenAI) => Promise<void>): Promise<void> {
  await withMock(config, async ({ url }) => {
    await use(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-test', maxRetries: 0 }))
  })
}

type Stream = AsyncIterable<OpenAI.ChatCompletionChunk>

async function chunksOf(stream: Stream): Promise<OpenAI.ChatCompletionChunk[]> {
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

async function textOf(stream: Stream): Promise<string> {
  return (await chunksOf(stream)).map(({ choices }) => choices[0]?.delta.content ?? '').join('')
}

describe('the official client streams', () => {
  test('a role, a chunk for each token that says when it was sent, a finish, and the usage', async () => {
    await withClient({ latency: 30, tokenInterval: 5, tokens: 6 }, async (client) => {
      const beforeNs = process.hrtime.bigint()
      const stream = await client.chat.completions.create({
        model: MODEL,
        stream: true,
        stream_options: { include_usage: true },
        messages: HELLO,
      })
      const chunks: { chunk: OpenAI.ChatCompletionChunk; seenNs: bigint }[] = []
      for await (const chunk of stream) chunks.push({ chunk, seenNs: process.hrtime.bigint() })

      assert.equal(chunks.length, 1 + 6 + 1 + 1)
      const [role, ...rest] = chunks.map(({ chunk }) => chunk)
      assert.equal(role?.choices[0]?.delta.role, 'assistant')
      let lastNs = beforeNs
      chunks.slice(1, 7).forEach(({ chunk, seenNs }, index) => {
        const stamp = parseChunkStamp(chunk.choices[0]?.delta.content ?? '')
        assert.equal(stamp?.index, index)
        const dueNs = beforeNs + BigInt(30 + index * 5) * 1_000_000n
        assert.ok(stamp.sentNs >= dueNs, `chunk ${index}: ${stamp.sentNs - dueNs} ns before it was due`)
        assert.ok(stamp.sentNs >= lastNs && stamp.sentNs <= seenNs)
        assert.equal(chunk.usage, null)
        lastNs = stamp.sentNs
      })
      assert.deepEqual(rest[6]?.choices[0]?.delta, {})
      assert.equal(rest[6].choices[0].finish_reason, 'stop')
      assert.deepEqual(rest[7]?.choices, [])
      assert.equal(rest[7].usage?.completion_tokens, 6)

      const delay = delayFromText(role.id)
      assert.equal(delay?.plannedUs, 30_000)
      assert.ok(delay.actualUs >= 30_000)
      for (const { chunk } of chunks) {
        assert.deepEqual([chunk.id, chunk.model, chunk.object], [role.id, MODEL, 'chat.completion.chunk'])
      }
    })
  })

  test('as many tokens as the config says, or as max_tokens allows, which is then the reason of the end', async () => {
    await withClient({}, async (client) => {
      for (const { limit, tokens, reason } of [
        { limit: {}, tokens: 20, reason: 'stop' },
        { limit: { max_tokens: 20 }, tokens: 20, reason: 'stop' },
        { limit: { max_tokens: 3 }, tokens: 3, reason: 'length' },
        { limit: { max_completion_tokens: 1 }, tokens: 1, reason: 'length' },
      ]) {
        const stream = await client.chat.completions.create({ model: MODEL, stream: true, messages: HELLO, ...limit })
        const chunks = await chunksOf(stream)
        const stamps = chunks.filter(({ choices }) => parseChunkStamp(choices[0]?.delta.content ?? ''))
        assert.equal(stamps.length, tokens)
        assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, reason)
        assert.ok(!chunks.some((chunk) => 'usage' in chunk))
      }
    })
  })

  test('a first token after its own delay, others answered after theirs', async () => {
    await withClient({ latency: 0, firstToken: 40 }, async (client) => {
      const stream = await client.chat.completions.create({ model: MODEL, stream: true, messages: HELLO })
      assert.equal(delayFromText((await chunksOf(stream))[0]!.id)?.plannedUs, 40_000)
      const whole = await client.chat.completions.create({ model: MODEL, messages: HELLO })
      assert.equal(delayFromText(whole.id)?.plannedUs, 0)
    })
  })

  test('many streams at once, each its own, one after the other on their connections', async () => {
    await withClient({ latency: 20, jitter: 20, tokenInterval: 2, tokens: 30 }, async (client) => {
      const expected = Array.from({ length: 30 }, (_, index) => index)
      for (let round = 0; round < 2; round++) {
        const texts = await Promise.all(
          Array.from({ length: 100 }, async () =>
            textOf(await client.chat.completions.create({ model: MODEL, stream: true, messages: HELLO })),
          ),
        )
        for (const text of texts) {
          const stamps = text.split(/(?<= )/).map((piece) => parseChunkStamp(piece)?.index)
          assert.deepEqual(stamps, expected)
        }
      }
    })
  })
})

test('a limit of tokens caps the usage of an answer that is not streamed, not its size', async () => {
  await withClient({}, async (client) => {
    const whole = await client.chat.completions.create({ model: MODEL, messages: HELLO })
    const capped = await client.chat.completions.create({ model: MODEL, messages: HELLO, max_completion_tokens: 7 })
    assert.equal(whole.choices[0]?.finish_reason, 'stop')
    assert.equal(capped.choices[0]?.finish_reason, 'length')
    assert.equal(capped.usage?.completion_tokens, 7)
    assert.equal(capped.usage.total_tokens, capped.usage.prompt_tokens + 7)
  })
})

describe('the official client calls tools', () => {
  const call = (client: OpenAI, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
    client.chat.completions.create({
      model: MODEL,
      messages: HELLO,
      tools: [WEATHER],
      tool_choice: 'required',
      ...more,
    })

  test('with arguments from the schema, then gets text for the result', async () => {
    await withClient({}, async (client) => {
      const { id, choices } = await call(client)
      assert.ok(delayFromText(id))
      assert.equal(choices[0]?.finish_reason, 'tool_calls')
      const { message } = choices[0]
      assert.equal(message.content, null)
      const toolCall = message.tool_calls?.[0]
      assert.ok(toolCall?.type === 'function')
      assert.equal(toolCall.function.name, 'weather')
      assert.deepEqual(JSON.parse(toolCall.function.arguments), { city: 'x', days: 1 })

      const messages = [...HELLO, message, { role: 'tool' as const, tool_call_id: toolCall.id, content: '22' }]
      const answer = await call(client, { messages })
      assert.equal(answer.choices[0]?.finish_reason, 'stop')
      assert.match(answer.choices[0].message.content ?? '', /^The mock provider/)
    })
  })

  test('only when it is told to', async () => {
    await withClient({}, async (client) => {
      const reason = async (more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) =>
        (await call(client, more)).choices[0]?.finish_reason
      assert.equal(await reason({ tool_choice: 'auto' }), 'stop')
      const wanting = [{ role: 'user' as const, content: 'Please use the tool' }]
      assert.equal(await reason({ tool_choice: 'auto', messages: wanting }), 'tool_calls')
      assert.equal(await reason({ tool_choice: 'none', messages: wanting }), 'stop')
      assert.equal(await reason({ tool_choice: { type: 'function', function: { name: 'weather' } } }), 'tool_calls')
      await assert.rejects(
        reason({ tool_choice: { type: 'function', function: { name: 'time' } } }),
        (error) => error instanceof APIError && error.status === 400 && error.param === 'tool_choice',
      )
    })
  })

  test('in fragments, as the stream helper puts them together', async () => {
    await withClient({ tokens: 5 }, async (client) => {
      const stream = client.chat.completions.stream({
        model: MODEL,
        messages: HELLO,
        tools: [WEATHER],
        tool_choice: 'required',
      })
      let fragments = 0
      for await (const { choices } of stream) if (choices[0]?.delta.tool_calls?.[0]?.function?.arguments) fragments++
      assert.equal(fragments, 5)
      const { choices } = await stream.finalChatCompletion()
      const toolCall = choices[0]?.message.tool_calls?.[0]
      assert.equal(choices[0]?.finish_reason, 'tool_calls')
      assert.equal(toolCall?.function.name, 'weather')
      assert.deepEqual(JSON.parse(toolCall.function.arguments), { city: 'x', days: 1 })
    })
  })
})

describe('the official client embeds', () => {
  test('texts and tokens, the same numbers as base64 and as floats', async () => {
    await withClient({}, async (client) => {
      const model = 'text-embedding-3-small'
      const decoded = await client.embeddings.create({ model, input: ['one', 'two', 'one'], dimensions: 256 })
      const [one, two, again] = decoded.data.map(({ embedding }) => embedding)
      assert.deepEqual(
        decoded.data.map(({ index }) => index),
        [0, 1, 2],
      )
      assert.equal(one?.length, 256)
      assert.deepEqual(again, one)
      assert.notDeepEqual(two, one)
      const floats = await client.embeddings.create({ model, input: 'one', dimensions: 256, encoding_format: 'float' })
      assert.deepEqual(floats.data[0]?.embedding.map(Math.fround), Array.from(one))
      assert.equal(decoded.model, model)

      const tokens = await client.embeddings.create({ model, input: [[1, 2, 3], [4]] })
      assert.equal(tokens.data.length, 2)
      assert.equal(tokens.data[0]?.embedding.length, 8)
      assert.equal(tokens.usage.prompt_tokens, 4)
      assert.equal((await client.embeddings.create({ model, input: [1, 2, 3] })).data.length, 1)
    })
  })

  test('and is told what is wrong with its request', async () => {
    await withClient({}, async (client) => {
      for (const { body, param } of [
        { body: { input: '' }, param: 'input' },
        { body: { input: [] }, param: 'input' },
        { body: { input: Array<string>(2_049).fill('x') }, param: 'input' },
        { body: { input: 'x', dimensions: 3_073 }, param: 'dimensions' },
        { body: { input: 'x', encoding_format: 'hex' as 'float' }, param: 'encoding_format' },
      ]) {
        await assert.rejects(
          client.embeddings.create({ model: 'm', ...body }),
          (error) => error instanceof APIError && error.status === 400 && error.param === param,
        )
      }
    })
  })

  test('no more than a million numbers at once', async () => {
    await withClient({}, async (client) => {
      const ask = (texts: number) =>
        client.embeddings.create({ model: 'm', input: Array<string>(texts).fill('x'), dimensions: 1_000 })
      assert.equal((await ask(1_000)).data.length, 1_000)
      await assert.rejects(
        ask(1_001),
        (error) => error instanceof OpenAI.BadRequestError && error.param === 'dimensions',
      )
    })
  })

  test('after the delay, which the header tells', async () => {
    await withClient({ latency: 20 }, async (client) => {
      const { response } = await client.embeddings.create({ model: 'm', input: 'x' }).withResponse()
      const delay = parseDelayHeader(response.headers.get('x-mock-delay') ?? '')
      assert.ok(delay && delay.plannedUs === 20_000 && delay.actualUs >= 20_000)
    })
  })
})

test('the official client finds a model that is listed, and no other', async () => {
  await withClient({}, async (client) => {
    assert.equal((await client.models.retrieve('gpt-4o')).id, 'gpt-4o')
    await assert.rejects(
      client.models.retrieve('openai/none'),
      (error) => error instanceof NotFoundError && error.code === 'model_not_found',
    )
  })
})

describe('API keys', () => {
  test('others than those required are refused, wherever they are sent', async () => {
    await withMock({ requireKeys: ['sk-1', 'sk-2'] }, async ({ url }) => {
      const client = (apiKey: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
      for (const key of ['sk-1', 'sk-2']) {
        await client(key).chat.completions.create({ model: MODEL, messages: HELLO })
        await client(key).models.list()
      }
      for (const refused of [
        () => client('sk-3').chat.completions.create({ model: MODEL, messages: HELLO }),
        () => client('sk-3').embeddings.create({ model: MODEL, input: 'x' }),
        () => client('sk-3').models.list(),
      ]) {
        await assert.rejects(
          async () => refused(),
          (error) => error instanceof AuthenticationError && error.code === 'invalid_api_key',
        )
      }
      const keyless = await fetch(`${url}/v1/models`)
      assert.equal(keyless.status, 401)
    })
  })

  test('told to fail do, with their status, and others do not', async () => {
    const failKeys = [
      { key: 'sk-dead', status: 401 },
      { key: 'sk-busy', status: 429 },
    ]
    await withMock({ failKeys }, async ({ url }) => {
      const chat = (apiKey: string) =>
        new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }).chat.completions.create({
          model: MODEL,
          messages: HELLO,
        })
      await assert.rejects(chat('sk-dead'), AuthenticationError)
      await assert.rejects(
        chat('sk-busy'),
        (error) => error instanceof RateLimitError && error.headers.get('retry-after') === '1',
      )
      await chat('sk-live')
    })
  })
})

describe("Azure's paths", () => {
  const azureClient = (url: string) =>
    new AzureOpenAI({ endpoint: url, apiKey: 'azure-key', apiVersion: '2024-10-21', deployment: 'd1', maxRetries: 0 })

  test('serve its official client: chat, streams, embeddings', async () => {
    await withMock({ requireKeys: ['azure-key'] }, async ({ url }) => {
      const client = azureClient(url)
      const whole = await client.chat.completions.create({ model: 'm', messages: HELLO })
      assert.ok(delayFromText(whole.id))
      const stream = await client.chat.completions.create({ model: 'm', stream: true, messages: HELLO })
      assert.equal(parseChunkStamp(await textOf(stream))?.index, 0)
      assert.equal((await client.embeddings.create({ model: 'm', input: 'x' })).data[0]?.embedding.length, 8)
    })
  })

  test('need a key and a version, and take the deployment for the model', async () => {
    await withMock({}, async ({ url }) => {
      const post = (query: string, headers: Record<string, string>) =>
        fetch(`${url}/openai/deployments/my-gpt/chat/completions${query}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ messages: HELLO }),
        })
      const answer = await post('?api-version=2024-10-21', { 'api-key': 'k' })
      assert.equal(((await answer.json()) as { model: string }).model, 'my-gpt')
      const keyless = await post('?api-version=2024-10-21', {})
      assert.equal(keyless.status, 401)
      assert.equal(((await keyless.json()) as { error: { code: string } }).error.code, '401')
      const unversioned = await post('', { 'api-key': 'k' })
      assert.equal(unversioned.status, 400)
      assert.match(((await unversioned.json()) as { error: { message: string } }).error.message, /api-version/)
    })
  })

  test('have errors in the shape of Azure', async () => {
    await withMock({ errorRate: 1, errorStatus: 429 }, async ({ url }) => {
      await assert.rejects(
        azureClient(url).chat.completions.create({ model: 'm', messages: HELLO }),
        (error) => error instanceof RateLimitError && error.code === '429' && error.type === undefined,
      )
    })
  })
})
