import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import type { WrittenConfig } from './config.ts'
import { withMock } from './server.fixture.ts'
import { delayFromText, parseChunkStamp } from './truth.ts'

const HELLO = {
  model: 'claude-sonnet-4-5',
  max_tokens: 10_000,
  messages: [{ role: 'user' as const, content: 'Hello' }],
}
const WEATHER = {
  name: 'weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' }, days: { type: 'integer' } } },
}

async function withClient(config: WrittenConfig, use: (client: Anthropic) => Promise<void>): Promise<void> {
  await withMock(config, async ({ url }) => {
    await use(new Anthropic({ baseURL: url, apiKey: 'sk-test', maxRetries: 0 }))
  })
}

describe('the official Anthropic client', () => {
  test('gets a message, with its delay and its usage', async () => {
    await withClient({ latency: 20, responseSize: 1_000 }, async (client) => {
      const message = await client.messages.create(HELLO)
      assert.equal(message.role, 'assistant')
      assert.equal(message.content[0]?.type, 'text')
      assert.equal(message.stop_reason, 'end_turn')
      assert.equal(message.usage.output_tokens, 250)
      const delay = delayFromText(message.id)
      assert.ok(delay && delay.plannedUs === 20_000 && delay.actualUs >= 20_000, message.id)
    })
  })

  test('gets a stream, chunk by chunk, that its helper puts together', async () => {
    await withClient({ tokens: 4, tokenInterval: 5 }, async (client) => {
      const stream = client.messages.stream(HELLO)
      const texts: string[] = []
      stream.on('text', (text) => texts.push(text))
      const message = await stream.finalMessage()
      assert.deepEqual(
        texts.map((text) => parseChunkStamp(text)?.plannedUs),
        [0, 5_000, 10_000, 15_000],
      )
      assert.equal(message.content[0]?.type === 'text' && message.content[0].text, texts.join(''))
      assert.equal(message.usage.output_tokens, 4)
      assert.equal(message.stop_reason, 'end_turn')
    })
  })

  test('ends where max_tokens says, whole and streamed', async () => {
    await withClient({ responseSize: 'tokens', tokens: 100 }, async (client) => {
      const asked = { ...HELLO, max_tokens: 7 }
      for (const message of [await client.messages.create(asked), await client.messages.stream(asked).finalMessage()]) {
        assert.equal(message.stop_reason, 'max_tokens')
        assert.equal(message.usage.output_tokens, 7)
      }
    })
  })

  test('calls a tool, whole and in fragments of JSON', async () => {
    await withClient({}, async (client) => {
      const asked = { ...HELLO, tools: [WEATHER], tool_choice: { type: 'any' as const } }
      for (const message of [await client.messages.create(asked), await client.messages.stream(asked).finalMessage()]) {
        const [block] = message.content
        assert.ok(block?.type === 'tool_use')
        assert.equal(block.name, 'weather')
        assert.deepEqual(block.input, { city: 'x', days: 1 })
        assert.equal(message.stop_reason, 'tool_use')
      }
    })
  })

  for (const [status, errorClass] of [
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [404, Anthropic.NotFoundError],
    [429, Anthropic.RateLimitError],
    [500, Anthropic.InternalServerError],
    [529, Anthropic.InternalServerError],
  ] as const) {
    test(`knows a ${status} for what it is`, async () => {
      await withClient({ errorRates: { [status]: 1 } }, async (client) => {
        await assert.rejects(client.messages.create(HELLO), (error) => {
          assert.ok(error instanceof errorClass, String(error))
          assert.equal(error.status, status)
          return true
        })
      })
    })
  }

  test('is known by its key', async () => {
    await withClient({ requireKeys: ['sk-other'] }, async (client) => {
      await assert.rejects(client.messages.create(HELLO), Anthropic.AuthenticationError)
    })
    await withClient({ requireKeys: ['sk-test'] }, async (client) => {
      assert.equal((await client.messages.create(HELLO)).type, 'message')
    })
  })
})
