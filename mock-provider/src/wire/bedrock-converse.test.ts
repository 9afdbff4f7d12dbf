import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { estimateTokens } from '../completion.ts'
import { ProviderError } from '../provider-error.ts'
import { converseWire, readBedrockKey, readConverseRequest, type ConverseRequest } from './bedrock-converse.ts'
import { framesOf } from './bedrock-stream.fixture.ts'
import type { Fields } from './request-fields.ts'
import type { BodyFacts } from './wire.ts'

const MODEL = 'anthropic.claude-3-haiku-20240307-v1:0'
const HELLO: Fields = { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] }
const WEATHER = {
  toolSpec: { name: 'weather', inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } } } } },
}
const WITH_TOOL: Fields = { ...HELLO, toolConfig: { tools: [WEATHER], toolChoice: { any: {} } } }

function read(fields: Fields, { stream = false, modelId = MODEL } = {}): ConverseRequest {
  return readConverseRequest(fields, JSON.stringify(fields).length, modelId, stream)
}

interface Answer {
  output: {
    message: { role: string; content: { text?: string; toolUse?: Record<string, unknown> }[] }
  }
  stopReason: string
  usage: { inputTokens: number; outputTokens: number; totalTokens: number }
  metrics: { latencyMs: number }
}

const FACTS: BodyFacts = {
  sequence: 7,
  delay: { plannedUs: 20_000, actualUs: 20_600 },
  createdSec: 1_800_000_000,
  responseBytes: undefined,
  tokens: 8,
}

function answerTo(fields: Fields, facts: Partial<BodyFacts> = {}): Answer {
  return JSON.parse(converseWire.body(read(fields), { ...FACTS, ...facts })) as Answer
}

/** The events of the stream that answers these fields, as `[type, payload]`. */
function eventsTo(fields: Fields, { tokens = 3, tokensPerChunk = 1 } = {}): [unknown, unknown][] {
  const script = converseWire.stream?.(read(fields, { stream: true }), { sequence: 7, tokens, tokensPerChunk })
  assert.ok(script)
  const chunks = Array.from({ length: script.chunks }, (_, index) => script.chunk(index, `t${index}:42+0 `))
  const stream = [script.begin({ plannedUs: 30_000, actualUs: 30_400 }, 1_800_000_000), ...chunks, script.end()].join(
    '',
  )
  return framesOf(stream).map(({ headers, payload }) => [headers[':event-type'], payload])
}

describe('the key of a converse request', () => {
  const signature = 'SignedHeaders=host;x-amz-date, Signature=fe5f80'
  for (const { name, authorization, key } of [
    {
      name: 'is the access key id that signed it',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, ${signature}`,
      key: 'AKIDEXAMPLE',
    },
    { name: 'is the token of a Bearer', authorization: 'Bearer bedrock-api-key-abc=', key: 'bedrock-api-key-abc=' },
  ]) {
    test(name, () => {
      assert.equal(readBedrockKey({ authorization }), key)
    })
  }

  for (const authorization of [
    undefined,
    '',
    'Basic YTpi',
    'AWS4-HMAC-SHA256 Credential=',
    'Credential=AKID/2026',
    5,
  ]) {
    test(`cannot be missing: ${authorization ?? 'no header'}`, () => {
      assert.throws(() => readBedrockKey({ authorization }), {
        statusCode: 403,
        code: 'MissingAuthenticationTokenException',
        message: /AWS4-HMAC-SHA256/,
      })
    })
  }
})

describe('a converse request', () => {
  test('has its model and its stream from the path, and its limit from inferenceConfig', () => {
    const request = read({ ...HELLO, system: [{ text: 'Be brief.' }], inferenceConfig: { maxTokens: 9 } })
    assert.equal(request.model, JSON.stringify(MODEL))
    assert.equal(request.stream, false)
    assert.equal(request.maxTokens, 9)
    assert.equal(request.toolCall, undefined)
    assert.ok(request.promptTokens > 0)
    assert.equal(read(HELLO, { stream: true }).stream, true)
    assert.equal(read(HELLO).maxTokens, undefined)
  })

  test('has tools, of which cache points are none', () => {
    const toolConfig = { tools: [{ cachePoint: { type: 'default' } }, WEATHER], toolChoice: { any: {} } }
    assert.deepEqual(read({ ...HELLO, toolConfig }).toolCall, { name: 'weather', argumentsJson: '{"city":"x"}' })
  })

  for (const { name, toolChoice, last, call } of [
    { name: 'not by default', toolChoice: undefined, last: [{ text: 'Hi' }], call: undefined },
    { name: 'on request', toolChoice: { auto: {} }, last: [{ text: 'use the tool' }], call: 'weather' },
    { name: 'when any must be', toolChoice: { any: {} }, last: [{ text: 'Hi' }], call: 'weather' },
    { name: 'by name', toolChoice: { tool: { name: 'weather' } }, last: [{ text: 'Hi' }], call: 'weather' },
    {
      name: 'not after its result',
      toolChoice: { any: {} },
      last: [{ toolResult: { toolUseId: 'tooluse_1', content: [{ text: '22' }] } }],
      call: undefined,
    },
  ]) {
    test(`calls a tool: ${name}`, () => {
      const fields = {
        messages: [{ role: 'user', content: last }],
        toolConfig: { tools: [WEATHER], ...(toolChoice && { toolChoice }) },
      }
      assert.equal(read(fields).toolCall?.name, call)
    })
  }

  for (const { name, fields, message } of [
    { name: 'no messages', fields: {}, message: /messages/ },
    {
      name: 'content that is text',
      fields: { messages: [{ role: 'user', content: 'Hi' }] },
      message: /^messages\[0\]: must be .*"content":"Hi"/,
    },
    {
      name: 'a role of other dialects',
      fields: { messages: [...(HELLO.messages as object[]), { role: 'system', content: [] }] },
      message: /^messages\[1\]/,
    },
    { name: 'a system that is text', fields: { ...HELLO, system: 'Be brief.' }, message: /^system: .*"Be brief\."/ },
    { name: 'a config that is none', fields: { ...HELLO, inferenceConfig: 5 }, message: /^inferenceConfig: .*5/ },
    {
      name: 'a limit of nothing',
      fields: { ...HELLO, inferenceConfig: { maxTokens: 0 } },
      message: /^inferenceConfig\.maxTokens: .*got 0/,
    },
    { name: 'no tools', fields: { ...HELLO, toolConfig: {} }, message: /^toolConfig\.tools: .*got null/ },
    {
      name: 'tools of none',
      fields: { ...HELLO, toolConfig: { tools: [] } },
      message: /^toolConfig\.tools: .*got \[\]/,
    },
    {
      name: 'a tool of other dialects',
      fields: { ...HELLO, toolConfig: { tools: [{ name: 'weather' }] } },
      message: /^toolConfig\.tools\[0\]: .*"weather"/,
    },
    {
      name: 'a choice of other dialects',
      fields: { ...HELLO, toolConfig: { tools: [WEATHER], toolChoice: 'auto' } },
      message: /^toolConfig\.toolChoice: .*got "auto"/,
    },
    {
      name: 'a choice of no tool there is',
      fields: { ...HELLO, toolConfig: { tools: [WEATHER], toolChoice: { tool: { name: 'news' } } } },
      message: /"news" cannot be called; the tools are weather/,
    },
  ] as { name: string; fields: Fields; message: RegExp }[]) {
    test(`is refused with ${name}`, () => {
      assert.throws(() => read(fields), { statusCode: 400, message })
    })
  }

  test('is read or refused with 400 and a message, whatever its fields hold', () => {
    const names = [
      'messages',
      'system',
      'inferenceConfig',
      'toolConfig',
      'tools',
      'toolChoice',
      'maxTokens',
      'toolSpec',
    ]
    const wildFields = fc.dictionary(fc.constantFrom(...names), fc.jsonValue())
    fc.assert(
      fc.property(wildFields, wildFields, fc.boolean(), (wild, wildConfig, mostlyGood) => {
        const toolConfig = { ...(WITH_TOOL.toolConfig as Fields), ...wildConfig }
        const fields = (mostlyGood ? { ...HELLO, toolConfig, inferenceConfig: wildConfig, ...wild } : wild) as Fields
        try {
          read(fields)
        } catch (error) {
          assert.ok(error instanceof ProviderError, String(error))
          assert.equal(error.statusCode, 400)
          assert.notEqual(error.message, '')
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a whole answer', () => {
  test('is exact to the byte and ASCII, whatever its size, limit and delay', () => {
    const smallest = converseWire.smallestBytes!(read(HELLO))
    fc.assert(
      fc.property(
        fc.integer({ min: smallest, max: 20_000 }),
        fc.option(fc.integer({ min: 1, max: 9_000 }), { nil: null }),
        fc.integer({ min: 0, max: 36_000_000_000 }),
        (responseBytes, maxTokens, actualUs) => {
          const request = read({ ...HELLO, inferenceConfig: { maxTokens } })
          const body = converseWire.body(request, { ...FACTS, delay: { plannedUs: 0, actualUs }, responseBytes })
          assert.equal(body.length, responseBytes)
          assert.match(body, /^[\x20-\x7e]+$/)
          const { output, stopReason, usage, metrics } = JSON.parse(body) as Answer
          assert.equal(output.message.role, 'assistant')
          assert.equal(typeof output.message.content[0]?.text, 'string')
          assert.equal(usage.inputTokens, request.promptTokens)
          assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens)
          const tokensOfSize = estimateTokens(responseBytes)
          assert.equal(usage.outputTokens, Math.min(maxTokens ?? Infinity, tokensOfSize))
          assert.equal(stopReason, (maxTokens ?? Infinity) < tokensOfSize ? 'max_tokens' : 'end_turn')
          assert.equal(metrics.latencyMs, Math.round(actualUs / 1_000))
        },
      ),
    )
  })

  test('has the tokens asked for where no size is, and says when the limit ended it', () => {
    const answer = answerTo(HELLO)
    assert.deepEqual([answer.stopReason, answer.usage.outputTokens], ['end_turn', 8])
    assert.equal(answer.metrics.latencyMs, 21)
    const capped = answerTo({ ...HELLO, inferenceConfig: { maxTokens: 5 } })
    assert.deepEqual([capped.stopReason, capped.usage.outputTokens], ['max_tokens', 5])
    assert.equal(capped.output.message.content[0]?.text?.length, 20)
  })

  test('calls a tool, of whatever size', () => {
    assert.equal(converseWire.smallestBytes?.(read(WITH_TOOL)), 0)
    const { output, stopReason, usage } = answerTo(WITH_TOOL, { responseBytes: 2_000 })
    assert.deepEqual(output.message, {
      role: 'assistant',
      content: [{ toolUse: { toolUseId: 'tooluse_7', name: 'weather', input: { city: 'x' } } }],
    })
    assert.equal(stopReason, 'tool_use')
    assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens)
  })

  test('has the id of its request in a header', () => {
    assert.deepEqual(converseWire.head?.(read(HELLO), FACTS), ['x-amzn-requestid', 'mock-7'])
  })
})

describe('a stream', () => {
  test('is none where none is asked for', () => {
    assert.equal(converseWire.stream?.(read(HELLO), { sequence: 7, tokens: 3, tokensPerChunk: 1 }), undefined)
  })

  test('has the published sequence of events, with each chunk as it was given', () => {
    const inputTokens = read(HELLO).promptTokens
    assert.deepEqual(eventsTo(HELLO), [
      ['messageStart', { role: 'assistant' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 't0:42+0 ' } }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 't1:42+0 ' } }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 't2:42+0 ' } }],
      ['contentBlockStop', { contentBlockIndex: 0 }],
      ['messageStop', { stopReason: 'end_turn' }],
      [
        'metadata',
        {
          usage: { inputTokens, outputTokens: 3, totalTokens: inputTokens + 3 },
          metrics: { latencyMs: 30 },
        },
      ],
    ])
  })

  test('ends at the limit on its tokens, however many a chunk holds', () => {
    const events = eventsTo({ ...HELLO, inferenceConfig: { maxTokens: 5 } }, { tokens: 8, tokensPerChunk: 2 })
    assert.equal(events.filter(([type]) => type === 'contentBlockDelta').length, 3)
    assert.deepEqual(events.at(-2), ['messageStop', { stopReason: 'max_tokens' }])
    assert.equal((events.at(-1)?.[1] as Answer).usage.outputTokens, 5)
  })

  test('calls a tool in fragments of its input', () => {
    const events = eventsTo(WITH_TOOL, { tokens: 4 })
    const start = { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'tooluse_7', name: 'weather' } } }
    assert.deepEqual(events[1], ['contentBlockStart', start])
    const deltas = events.slice(2, -3).map(([type, payload]) => {
      assert.equal(type, 'contentBlockDelta')
      return (payload as { delta: { toolUse: { input: string } } }).delta.toolUse.input
    })
    assert.equal(deltas.length, 4)
    assert.deepEqual(JSON.parse(deltas.join('')), { city: 'x' })
    assert.deepEqual(events.at(-2), ['messageStop', { stopReason: 'tool_use' }])
  })

  test('is one char a byte, whatever the tool is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const toolConfig = { tools: [{ toolSpec: { name } }], toolChoice: { any: {} } }
        const start = eventsTo({ ...HELLO, toolConfig })[1]?.[1] as { start: { toolUse: { name: string } } }
        assert.equal(start.start.toolUse.name, name)
      }),
    )
  })
})
