import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import { APIError } from 'openai'

import { StreamRelay } from '../stream-relay.ts'
import {
  anyConversation,
  anySaid,
  type FakeProvider,
  readAnswer,
  readStream,
  type Said,
  SAID,
  SAID_WITH_CALLS,
} from './contract.test-support.ts'
import { fakeAnthropic } from './fake-anthropic.test-support.ts'
import { fakeAzure, fakeOpenai } from './fake-openai.test-support.ts'
import type { ChatRequest, ExtraFields, GatewayRequest, Operation, StreamTranslator } from './provider.ts'

const EXTRA: ExtraFields = {
  provider: 'some',
  resolvedModel: 'model-1',
  latencyMs: 1_502,
  requestType: 'chat_completion',
}

const TOOL = {
  type: 'function',
  function: { name: 'get_weather', description: 'Now', parameters: { type: 'object', properties: { city: {} } } },
}

function bodyFor<R extends GatewayRequest>(operation: Operation<R>, request: R): Record<string, unknown> {
  const body = operation.prepareBody('bare', operation.formatMessages(request), operation.prepareParams(request))
  return JSON.parse(JSON.stringify(body)) as Record<string, unknown>
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

const asLatin1 = (text: string) => Buffer.from(text).toString('latin1')

/** Feeds the events one by one, as the gateway does. */
function relay(stream: StreamTranslator, events: readonly string[]): string {
  let sent = ''
  events.forEach((event, index) => {
    assert.equal(stream.done, false, 'done before the last event')
    sent += stream.translate(asLatin1(event))
    assert.equal(stream.done, index === events.length - 1)
  })
  return sent
}

/** The one choice of a completion in a form that both a whole answer and a stream can have. */
function gist({ id, model, choices, usage }: Awaited<ReturnType<typeof readAnswer>>) {
  const [choice, ...others] = choices
  assert.deepEqual(others, [])
  const { message, finish_reason: finish } = choice!
  const calls = (message.tool_calls ?? []).map((call) => {
    assert.equal(call.type, 'function')
    return { id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }
  })
  assert.equal(message.role, 'assistant')
  return {
    id,
    model,
    text: message.content ?? '',
    calls,
    finish,
    usage: usage && [usage.prompt_tokens, usage.completion_tokens],
  }
}

function gistOf(said: Said, withUsage = true) {
  return {
    id: said.id,
    model: said.model,
    text: said.pieces.join(''),
    calls: said.calls,
    finish: said.finish,
    usage: withUsage ? [said.inputTokens, said.outputTokens] : undefined,
  }
}

function contract(fake: FakeProvider): void {
  const { adapter } = fake
  const parse = (said: Said) => adapter.chat.parseAnswer(Buffer.from(fake.answer(said)), EXTRA)
  const open = (includeUsage: boolean) => adapter.openStream({ model: 'some/model-1', includeUsage })

  describe('a chat request', () => {
    test("holds the same conversation as the caller wrote, whatever it is, and leaves the caller's as it was", () => {
      fc.assert(
        fc.property(anyConversation, ({ messages, items }) => {
          const request: ChatRequest = frozen({ model: 'some/bare', messages })
          const understood = fake.understand(bodyFor(adapter.chat, request))
          assert.deepEqual(understood, { model: 'bare', items, tools: [] })
        }),
      )
    })

    test('names the tools and their parameters', () => {
      const request = frozen({
        model: 'some/bare',
        messages: [{ role: 'user', content: 'Hi' }],
        tools: [TOOL],
        tool_choice: 'auto',
      })
      const { tools } = fake.understand(bodyFor(adapter.chat, request))
      assert.deepEqual(tools, [{ name: 'get_weather', schema: TOOL.function.parameters }])
    })

    test('asks for a stream when the caller does', () => {
      const request = { model: 'x', messages: [{ role: 'user', content: 'Hi' }], stream: true }
      assert.equal(bodyFor(adapter.chat, request).stream, true)
    })

    test("passes parameters that nobody knows, and none of the gateway's own", () => {
      const request = {
        model: 'x',
        messages: [{ role: 'user', content: 'Hi' }],
        provider: 'p',
        fallbacks: [],
        new_one: [1],
      }
      const body = bodyFor(adapter.chat, request)
      assert.deepEqual(body.new_one, [1])
      assert.equal('provider' in body || 'fallbacks' in body, false)
    })
  })

  describe('a key', () => {
    test('travels in its header', () => {
      assert.ok(adapter.headers('k').some((header) => header.join(': ') === fake.keyHeader.join(': ')))
    })

    test('travels nowhere when there is none', () => {
      assert.ok(adapter.headers('').every(([name]) => name !== fake.keyHeader[0]))
    })
  })

  test('paths are absolute and hold no character that a request line may not', () => {
    for (const type of ['chat_completion', 'chat_completion_stream', 'embedding'] as const) {
      assert.match(adapter.path(type, 'a model/ü?#\r\n', { apiVersion: 'v 1&' }), /^\/[\w/.\-~%?=&]+$/)
    }
  })

  describe('an answer', () => {
    for (const said of [SAID, SAID_WITH_CALLS]) {
      test(`${said.finish}: is what the official client expects`, async () => {
        const { reply, inputTokens, outputTokens } = parse(said)
        const completion = await readAnswer(reply)
        assert.deepEqual(gist(completion), gistOf(said))
        assert.equal(completion.object, 'chat.completion')
        assert.equal(completion.created, 1_741_570_283)
        assert.equal(completion.usage?.total_tokens, said.inputTokens + said.outputTokens)
        assert.deepEqual([inputTokens, outputTokens], [said.inputTokens, said.outputTokens])
        assert.deepEqual((completion as { extra_fields?: unknown }).extra_fields, {
          provider: 'some',
          resolved_model: 'model-1',
          request_type: 'chat_completion',
          latency: 1_502,
        })
      })
    }

    test('says what was said, whatever it is', async () => {
      await fc.assert(
        fc.asyncProperty(anySaid, async (said) => {
          assert.deepEqual(gist(await readAnswer(parse(said).reply)), gistOf(said))
        }),
        { numRuns: 50 },
      )
    })

    test('that is broken is a SyntaxError or an answer, never anything else', () => {
      fc.assert(
        fc.property(brokenJson(fake.answer(SAID_WITH_CALLS)), (text) => {
          const reply = orSyntaxError(() => adapter.chat.parseAnswer(Buffer.from(text), EXTRA).reply)
          if (reply !== undefined) JSON.parse(reply)
        }),
        { numRuns: 500 },
      )
    })

    test('that is cut short or no object is a SyntaxError', () => {
      for (const text of ['', 'x', '[]', 'null', '"x"', fake.answer(SAID).slice(0, -1)]) {
        assert.throws(() => adapter.chat.parseAnswer(Buffer.from(text), EXTRA), SyntaxError)
      }
    })
  })

  describe('a stream', () => {
    for (const includeUsage of [true, false]) {
      test(`says what the whole answer says, ${includeUsage ? 'with' : 'without'} the usage`, async () => {
        await fc.assert(
          fc.asyncProperty(anySaid, async (said) => {
            const stream = open(includeUsage)
            const sent = relay(stream, fake.events(said, includeUsage))
            assert.deepEqual(gist(await readStream(sent)), gistOf(said, includeUsage))
            assert.equal(stream.failure, undefined)
            if (includeUsage) {
              assert.deepEqual([stream.inputTokens, stream.outputTokens], [said.inputTokens, said.outputTokens])
            }
          }),
          { numRuns: 50 },
        )
      })
    }

    test('may have CRLF at the end of its lines, and nothing behind the colon', async () => {
      const events = fake.events(SAID_WITH_CALLS, true)
      for (const written of [
        events.map((event) => event.replaceAll('\n', '\r\n')),
        events.map((event) => event.replaceAll('\n', '\r')),
        events.map((event) => event.replace('data: ', 'data:')),
      ]) {
        assert.deepEqual(gist(await readStream(relay(open(true), written))), gistOf(SAID_WITH_CALLS))
      }
    })

    test('may arrive in any chunks of bytes', () => {
      const events = fake.events(SAID_WITH_CALLS, true)
      const bytes = Buffer.from(events.join(''))
      const whole = relay(open(true), events)
      fc.assert(
        fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
          const chunks = new StreamRelay(open(true))
          const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
          const sent = places.map((end, index) => chunks.push(bytes.subarray(places[index - 1] ?? 0, end)))
          assert.equal(sent.join(''), whole)
          assert.equal(chunks.translator.done, true)
        }),
      )
    })

    test('gives whole events', () => {
      const stream = open(true)
      for (const event of fake.events(SAID_WITH_CALLS, true)) {
        assert.match(stream.translate(asLatin1(event)), /^$|\n\n$/)
      }
    })

    test('that ends without its last event gets it made up for', async () => {
      for (const includeUsage of [true, false]) {
        const stream = open(includeUsage)
        let sent = ''
        for (const event of fake.events(SAID, includeUsage).slice(0, -1)) sent += stream.translate(asLatin1(event))
        assert.equal(stream.done, false)
        sent += stream.end()
        assert.equal(stream.done, true)
        assert.ok(sent.endsWith('data: [DONE]\n\n'))
        assert.deepEqual(gist(await readStream(sent)), gistOf(SAID, includeUsage))
      }
    })

    test('that ends in the middle is not done', () => {
      const stream = open(true)
      for (const event of fake.events(SAID, true).slice(0, 4)) stream.translate(asLatin1(event))
      assert.equal(stream.end(), '')
      assert.equal(stream.done, false)
    })

    test('that fails tells the gateway and the caller, and nothing follows', async () => {
      const { event, status, message } = fake.overloaded
      const stream = open(true)
      const events = fake.events(SAID, true)
      let sent = ''
      for (const before of events.slice(0, 4)) sent += stream.translate(asLatin1(before))
      sent += stream.translate(event)
      assert.equal(stream.failure?.status, status)
      assert.equal(stream.failure.message, message)
      await assert.rejects(readStream(sent), (error) => error instanceof APIError && error.message.includes(message))
      assert.equal(stream.translate(asLatin1(events.at(-1)!)) + stream.end(), '')
      assert.equal(stream.done, false)
    })

    test('that is broken is a SyntaxError or passes, never anything else', () => {
      const events = fake.events(SAID_WITH_CALLS, true)
      const broken = fc.array(
        fc.oneof(
          fc.constantFrom(...events),
          fc.constantFrom(...events).chain((event) => brokenEvent(event)),
          fc.string({ unit: 'binary' }),
        ),
        { maxLength: 12 },
      )
      fc.assert(
        fc.property(broken, (sequence) => {
          const stream = open(true)
          for (const event of sequence) orSyntaxError(() => stream.translate(asLatin1(event)))
          stream.end()
          assert.ok(Number.isFinite(stream.inputTokens) && Number.isFinite(stream.outputTokens))
        }),
        { numRuns: 500 },
      )
    })
  })

  if (adapter.embeddings) {
    const { embeddings } = adapter
    test('embeddings go and come as they are', () => {
      const request = frozen({ model: 'some/e', input: ['a', 'b'], dimensions: 2, fallbacks: ['x'] })
      assert.deepEqual(bodyFor(embeddings, request), { model: 'bare', input: ['a', 'b'], dimensions: 2 })
      const answer = { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5] }], model: 'e' }
      const usage = { prompt_tokens: 5, total_tokens: 5 }
      const bytes = Buffer.from(JSON.stringify({ ...answer, usage }))
      const { reply, inputTokens, outputTokens } = embeddings.parseAnswer(bytes, { ...EXTRA, requestType: 'embedding' })
      const { extra_fields: extra, ...rest } = JSON.parse(reply) as { extra_fields: { request_type: string } }
      assert.deepEqual(rest, { ...answer, usage })
      assert.equal(extra.request_type, 'embedding')
      assert.deepEqual([inputTokens, outputTokens], [5, 0])
    })
  }
}

/** A JSON text with one place cut, or one value replaced by any other. */
function brokenJson(text: string): fc.Arbitrary<string> {
  const places = [...text.matchAll(/[{[:,]/g)].map(({ index }) => index)
  return fc.oneof(
    fc.nat({ max: text.length }).map((length) => text.slice(0, length)),
    fc.json(),
    fc.tuple(fc.constantFrom(...memberNames(text)), fc.jsonValue({ maxDepth: 2 })).map(([name, value]) => {
      let replaced = false
      return JSON.stringify(JSON.parse(text), (key, old: unknown) => {
        if (key !== name || replaced) return old
        replaced = true
        return value
      })
    }),
    fc
      .tuple(fc.constantFrom(...places), fc.string({ maxLength: 3 }))
      .map(([place, inserted]) => text.slice(0, place) + inserted + text.slice(place + 1)),
  )
}

function brokenEvent(event: string): fc.Arbitrary<string> {
  const data = event.slice(event.indexOf('data: ') + 6).trim()
  return data.startsWith('{') ? brokenJson(data).map((broken) => `data: ${broken}\n\n`) : fc.constant(event)
}

function memberNames(text: string): string[] {
  const names = new Set<string>()
  JSON.parse(text, (key, value: unknown) => {
    if (key !== '') names.add(key)
    return value
  })
  return [...names]
}

function orSyntaxError<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error))
    return undefined
  }
}

for (const fake of [fakeOpenai, fakeAzure, fakeAnthropic]) {
  describe(fake.name, () => {
    contract(fake)
  })
}
