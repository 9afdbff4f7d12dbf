import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AccessDeniedException,
  BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
  InternalServerException,
  ModelErrorException,
  ModelTimeoutException,
  ResourceNotFoundException,
  ServiceUnavailableException,
  ThrottlingException,
  ValidationException,
  type ConverseCommandInput,
  type ConverseStreamOutput,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { withMock } from './server.fixture.ts'
import { MOCK_DELAY_HEADER, parseChunkStamp, parseDelayHeader } from './truth.ts'

const HELLO: ConverseCommandInput = {
  modelId: 'anthropic.claude-3-haiku-20240307-v1:0',
  system: [{ text: 'Be brief.' }],
  messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
}
const WITH_TOOL: ConverseCommandInput = {
  ...HELLO,
  toolConfig: {
    tools: [
      {
        toolSpec: {
          name: 'weather',
          inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } } } },
        },
      },
    ],
    toolChoice: { any: {} },
  },
}
const AUTH = { authorization: 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request' }

/**
 * Bedrock's own client, gone after `use`. By itself it would speak HTTP/2, which Bedrock and this client agree on in
 * TLS alone.
 */
async function withClient(
  url: string,
  use: (client: BedrockRuntimeClient) => Promise<void>,
  { accessKeyId = 'AKIDEXAMPLE', headers = {} }: { accessKeyId?: string; headers?: Record<string, string> } = {},
): Promise<void> {
  const client = new BedrockRuntimeClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    authSchemePreference: ['sigv4'],
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  })
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: Record<string, string> }).headers, headers)
      return next(args)
    },
    { step: 'build' },
  )
  try {
    await use(client)
  } finally {
    client.destroy()
  }
}

async function eventsOf(client: BedrockRuntimeClient, input: ConverseCommandInput): Promise<ConverseStreamOutput[]> {
  const { stream } = await client.send(new ConverseStreamCommand(input))
  assert.ok(stream)
  const events: ConverseStreamOutput[] = []
  for await (const event of stream) events.push(event)
  return events
}

function typeOf(event: ConverseStreamOutput): string | undefined {
  return Object.keys(event)[0]
}

function post(url: string, action: string, body: unknown, headers: Record<string, string> = AUTH): Promise<Response> {
  return fetch(`${url}/model/some.model-v1%3A0/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

describe('converse of Bedrock', () => {
  test('is whole, exact to the byte, and carries its delay in a header', async () => {
    await withMock({ latency: 20, responseSize: 2_000 }, async ({ url }) => {
      const response = await post(url, 'converse', { messages: HELLO.messages })
      const text = await response.text()
      assert.equal(response.status, 200)
      assert.equal(text.length, 2_000)
      assert.equal(response.headers.get('x-amzn-requestid'), 'mock-1')
      const delay = parseDelayHeader(response.headers.get(MOCK_DELAY_HEADER) ?? '')
      assert.ok(delay)
      assert.equal(delay.plannedUs, 20_000)
      const { metrics } = JSON.parse(text) as { metrics: { latencyMs: number } }
      assert.equal(metrics.latencyMs, Math.round(delay.actualUs / 1_000))
    })
  })

  test('reads as text, usage and the reason for its end', async () => {
    await withMock({ responseSize: 2_000 }, async ({ url }) => {
      await withClient(url, async (client) => {
        const { output, stopReason, usage, metrics, $metadata } = await client.send(new ConverseCommand(HELLO))
        assert.equal(output?.message?.role, 'assistant')
        assert.equal(output.message.content?.length, 1)
        assert.match(output.message.content[0]?.text ?? '', /^The mock provider/)
        assert.equal(stopReason, 'end_turn')
        assert.equal(usage?.outputTokens, 500)
        assert.equal(usage.totalTokens, usage.inputTokens! + 500)
        assert.ok(metrics?.latencyMs !== undefined)
        assert.equal($metadata.requestId, 'mock-1')

        const capped = await client.send(new ConverseCommand({ ...HELLO, inferenceConfig: { maxTokens: 5 } }))
        assert.deepEqual([capped.stopReason, capped.usage?.outputTokens], ['max_tokens', 5])
      })
    })
  })

  test('streams in the published sequence of events, a stamp in each chunk', async () => {
    await withMock({ tokens: 3 }, async ({ url }) => {
      await withClient(url, async (client) => {
        const events = await eventsOf(client, HELLO)
        assert.deepEqual(events.map(typeOf), [
          'messageStart',
          'contentBlockDelta',
          'contentBlockDelta',
          'contentBlockDelta',
          'contentBlockStop',
          'messageStop',
          'metadata',
        ])
        assert.equal(events[0]?.messageStart?.role, 'assistant')
        const stamps = events.slice(1, 4).map((event) => parseChunkStamp(event.contentBlockDelta?.delta?.text ?? ''))
        assert.deepEqual(
          stamps.map((stamp) => stamp?.index),
          [0, 1, 2],
        )
        assert.equal(events.at(-2)?.messageStop?.stopReason, 'end_turn')
        const usage = events.at(-1)?.metadata?.usage
        assert.equal(usage?.outputTokens, 3)
        assert.equal(usage.totalTokens, usage.inputTokens! + 3)

        const capped = await eventsOf(client, { ...HELLO, inferenceConfig: { maxTokens: 2 } })
        assert.equal(capped.length, 6)
        assert.equal(capped.at(-2)?.messageStop?.stopReason, 'max_tokens')
      })
    })
  })

  test('has the delay of a stream in its head, and its metrics', async () => {
    await withMock({ tokens: 2, firstToken: 15 }, async ({ url }) => {
      const response = await post(url, 'converse-stream', { messages: HELLO.messages })
      assert.equal(response.headers.get('content-type'), 'application/vnd.amazon.eventstream')
      const delay = parseDelayHeader(response.headers.get(MOCK_DELAY_HEADER) ?? '')
      assert.equal(delay?.plannedUs, 15_000)
      assert.ok((await response.text()).includes(`"latencyMs":${Math.round(delay.actualUs / 1_000)}}`))
    })
  })

  test('calls tools, whole and in fragments of JSON, and gives text for a result', async () => {
    await withMock({ tokens: 4 }, async ({ url }) => {
      await withClient(url, async (client) => {
        const whole = await client.send(new ConverseCommand(WITH_TOOL))
        const toolUse = whole.output?.message?.content?.[0]?.toolUse
        assert.deepEqual([whole.stopReason, toolUse?.name, toolUse?.input], ['tool_use', 'weather', { city: 'x' }])

        const events = await eventsOf(client, WITH_TOOL)
        const start = events[1]?.contentBlockStart?.start?.toolUse
        assert.equal(start?.name, 'weather')
        const fragments = events.flatMap((event) => event.contentBlockDelta?.delta?.toolUse?.input ?? [])
        assert.equal(fragments.length, 4)
        assert.deepEqual(JSON.parse(fragments.join('')), { city: 'x' })
        assert.equal(events.at(-2)?.messageStop?.stopReason, 'tool_use')

        const toolUseId = toolUse?.toolUseId
        const conversation = [
          ...HELLO.messages!,
          whole.output!.message!,
          { role: 'user' as const, content: [{ toolResult: { toolUseId, content: [{ text: '22' }] } }] },
        ]
        const answer = await client.send(new ConverseCommand({ ...WITH_TOOL, messages: conversation }))
        assert.equal(answer.stopReason, 'end_turn')
      })
    })
  })

  for (const { status, type } of [
    { status: 400, type: ValidationException },
    { status: 403, type: AccessDeniedException },
    { status: 404, type: ResourceNotFoundException },
    { status: 408, type: ModelTimeoutException },
    { status: 424, type: ModelErrorException },
    { status: 429, type: ThrottlingException },
    { status: 500, type: InternalServerException },
    { status: 503, type: ServiceUnavailableException },
  ]) {
    test(`fails with ${status} as the client's own ${type.name}, whole and streaming`, async () => {
      await withMock({}, async ({ url }) => {
        await withClient(
          url,
          async (client) => {
            for (const call of [() => client.send(new ConverseCommand(HELLO)), () => eventsOf(client, HELLO)]) {
              const error: unknown = await call().catch((reason: unknown) => reason)
              assert.ok(error instanceof type, String(error))
              assert.equal(error.$metadata.httpStatusCode, status)
              assert.match(error.message, new RegExp(String(status)))
            }
          },
          { headers: { 'x-mock-fault': `error=${status}` } },
        )
      })
    })
  }

  test('refuses what Bedrock would not read, naming it', async () => {
    await withMock({}, async ({ url }) => {
      await withClient(url, async (client) => {
        const failing = client.send(new ConverseCommand({ ...HELLO, messages: [] }))
        await assert.rejects(failing, (error) => error instanceof ValidationException && /messages/.test(error.message))
      })
    })
  })

  test('knows its caller by the access key id, or by an API key as Bearer', async () => {
    const settings = { failKeys: [{ key: 'AKIDBUSY', status: 429 }], requireKeys: ['AKIDEXAMPLE', 'api-key'] }
    await withMock(settings, async ({ url }) => {
      const hello = async (client: BedrockRuntimeClient) => {
        await client.send(new ConverseCommand(HELLO))
      }
      await withClient(url, hello)
      await assert.rejects(withClient(url, hello, { accessKeyId: 'AKIDBUSY' }), ThrottlingException)
      await assert.rejects(withClient(url, hello, { accessKeyId: 'AKIDOTHER' }), (error) => {
        assert.ok(error instanceof BedrockRuntimeServiceException)
        assert.equal(error.name, 'UnrecognizedClientException')
        return true
      })

      const body = { messages: HELLO.messages }
      assert.equal((await post(url, 'converse', body, { authorization: 'Bearer api-key' })).status, 200)
      const without = await post(url, 'converse', body, {})
      assert.equal(without.status, 403)
      assert.equal(without.headers.get('x-amzn-errortype'), 'MissingAuthenticationTokenException')
    })
  })
})
