import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { asciiJson } from '../completion.ts'
import { delayFromText } from '../truth.ts'
import type { GeminiRequest } from './gemini-request.ts'
import { geminiWire } from './gemini.ts'
import type { StreamFacts } from './wire.ts'

const DELAY = { plannedUs: 1_000, actualUs: 1_042 }
const REQUEST: GeminiRequest = {
  model: '"gemini-x"',
  promptTokens: 11,
  maxTokens: undefined,
  stream: true,
  sse: true,
  toolCall: undefined,
}
const TOOL_CALL = { name: 'weather', argumentsJson: '{"city":"x"}' }

interface Answer {
  responseId: string
  modelVersion: string
  candidates: [{ content: { parts: [Record<string, unknown>]; role: string }; finishReason?: string; index: number }]
  usageMetadata: { promptTokenCount: number; candidatesTokenCount: number; totalTokenCount: number }
}

function whole(request: GeminiRequest, responseBytes?: number, tokens = 6): string {
  return geminiWire.body(request, { sequence: 3, delay: DELAY, createdSec: 1, responseBytes, tokens })
}

/** All that a stream says, its content chunks being texts 't0', 't1', ... */
function streamed(request: GeminiRequest, facts: Partial<StreamFacts> = {}): string[] {
  const script = geminiWire.stream?.(request, { sequence: 3, tokens: 5, tokensPerChunk: 2, ...facts })
  assert.ok(script)
  const begin = script.begin(DELAY, 1)
  const chunks = Array.from({ length: script.chunks }, (_, i) => script.chunk(i, `t${i}`))
  return [begin, ...chunks, script.end()]
}

function eventsOf(request: GeminiRequest, facts: Partial<StreamFacts> = {}): Answer[] {
  const [begin, ...chunks] = streamed(request, facts)
  assert.equal(begin, '')
  assert.equal(chunks.pop(), '')
  return chunks.map((chunk) => {
    const [, json] = /^data: (.*)\r\n\r\n$/.exec(chunk) ?? assert.fail(chunk)
    return JSON.parse(json!) as Answer
  })
}

describe('a whole answer', () => {
  test('has candidates, usage, model and an id that carries the delay', () => {
    const answer = JSON.parse(whole(REQUEST)) as Answer
    const [{ content, ...candidate }] = answer.candidates
    assert.deepEqual(candidate, { finishReason: 'STOP', index: 0 })
    assert.equal(content.role, 'model')
    assert.equal(String(content.parts[0].text).length, 24)
    assert.deepEqual(answer.usageMetadata, { promptTokenCount: 11, candidatesTokenCount: 6, totalTokenCount: 17 })
    assert.equal(answer.modelVersion, 'gemini-x')
    assert.equal(answer.responseId, 'gem_3-1000-1042')
  })

  test('tells its delay within its first bytes, however long it is', () => {
    assert.deepEqual(delayFromText(whole(REQUEST, 20_000).slice(0, 100)), DELAY)
  })

  test('ends for its limit', () => {
    const { candidates, usageMetadata } = JSON.parse(whole({ ...REQUEST, maxTokens: 2 })) as Answer
    assert.equal(candidates[0].finishReason, 'MAX_TOKENS')
    assert.equal(usageMetadata.candidatesTokenCount, 2)
  })

  test('is exact to the byte from the smallest size on, and ASCII', () => {
    const models = fc.string({ unit: 'binary', maxLength: 80 })
    const limits = fc.option(fc.integer({ min: 1, max: 99_999_999 }), { nil: undefined })
    fc.assert(
      fc.property(models, limits, fc.nat(5_000), (model, maxTokens, more) => {
        const request = { ...REQUEST, model: asciiJson(model), maxTokens }
        const bytes = (geminiWire.smallestBytes?.(request) ?? 0) + more
        const body = whole(request, bytes)
        assert.equal(body.length, bytes)
        assert.match(body, /^[ -~]*$/)
        assert.equal((JSON.parse(body) as Answer).modelVersion, model)
      }),
    )
  })

  test('calls a function with an object of arguments', () => {
    const request = { ...REQUEST, toolCall: TOOL_CALL }
    assert.equal(geminiWire.smallestBytes?.(request), 0)
    const { candidates, usageMetadata, responseId } = JSON.parse(whole(request)) as Answer
    const [{ content, finishReason }] = candidates
    assert.deepEqual(content.parts, [{ functionCall: { id: 'call_3', name: 'weather', args: { city: 'x' } } }])
    assert.equal(finishReason, 'STOP')
    assert.equal(usageMetadata.candidatesTokenCount, 3)
    assert.equal(responseId, 'gem_3-1000-1042')
  })
})

describe('a stream', () => {
  test('is given only to who asks for one', () => {
    assert.equal(
      geminiWire.stream?.({ ...REQUEST, stream: false }, { sequence: 1, tokens: 5, tokensPerChunk: 1 }),
      undefined,
    )
  })

  test('is one answer a chunk, counting up, and the last one says why it ends', () => {
    const events = eventsOf(REQUEST)
    assert.deepEqual(
      events.map(({ candidates: [{ content, finishReason }] }) => [content.parts, finishReason]),
      [
        [[{ text: 't0' }], undefined],
        [[{ text: 't1' }], undefined],
        [[{ text: 't2' }], 'STOP'],
      ],
    )
    assert.deepEqual(
      events.map(({ usageMetadata }) => Object.values(usageMetadata)),
      [
        [11, 2, 13],
        [11, 4, 15],
        [11, 5, 16],
      ],
    )
    for (const { responseId, modelVersion, candidates } of events) {
      assert.deepEqual([responseId, modelVersion], ['gem_3-1000-1042', 'gemini-x'])
      assert.deepEqual([candidates[0].index, candidates[0].content.role], [0, 'model'])
    }
  })

  test('ends for its limit', () => {
    const events = eventsOf({ ...REQUEST, maxTokens: 3 })
    assert.equal(events.length, 2)
    assert.equal(events[1]?.candidates[0].finishReason, 'MAX_TOKENS')
    assert.equal(events[1].usageMetadata.candidatesTokenCount, 3)
    assert.equal(eventsOf({ ...REQUEST, maxTokens: 5 }).at(-1)?.candidates[0].finishReason, 'STOP')
  })

  test('has a function call in one piece', () => {
    for (const maxTokens of [undefined, 1]) {
      const events = eventsOf({ ...REQUEST, toolCall: TOOL_CALL, maxTokens })
      assert.equal(events.length, 1)
      const [{ content, finishReason }] = events[0]!.candidates
      assert.deepEqual(content.parts, [{ functionCall: { id: 'call_3', name: 'weather', args: { city: 'x' } } }])
      assert.equal(finishReason, 'STOP')
      assert.equal(events[0]!.usageMetadata.candidatesTokenCount, 3)
    }
  })

  test('has the type of events, or of JSON', () => {
    const typeOf = (sse: boolean) =>
      geminiWire.stream?.({ ...REQUEST, sse }, { sequence: 1, tokens: 5, tokensPerChunk: 1 })?.contentType
    assert.deepEqual([typeOf(true), typeOf(false)], ['text/event-stream', 'application/json'])
  })

  test('is one array of the same answers without alt=sse', () => {
    for (const maxTokens of [1, 2, undefined]) {
      const request = { ...REQUEST, maxTokens }
      const array = JSON.parse(streamed({ ...request, sse: false }).join('')) as Answer[]
      assert.deepEqual(array, eventsOf(request))
    }
    const call = { ...REQUEST, toolCall: TOOL_CALL }
    assert.deepEqual(JSON.parse(streamed({ ...call, sse: false }).join('')), eventsOf(call))
  })
})
