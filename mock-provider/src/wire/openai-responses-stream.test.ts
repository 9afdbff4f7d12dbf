import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { OpenAI } from 'openai'
import { asciiJson } from '../completion.ts'
import type { StreamScript } from '../stream.ts'
import { chunkText, responseId } from '../truth.ts'
import { ResponseCallStream, ResponseTextStream } from './openai-responses-stream.ts'

type Event = OpenAI.Responses.ResponseStreamEvent
type EventOf<Type extends Event['type']> = Extract<Event, { type: Type }>

const REQUEST = { model: '"gpt-4o-mini"', promptTokens: 25, maxTokens: undefined }
const WEATHER = { name: 'weather', argumentsJson: '{"city":"x"}' }
const DELAY = { plannedUs: 1_500_000, actualUs: 1_500_312 }
const ID = responseId(7, DELAY)
const CREATED_SEC = 1_700_000_000

const factsOf = (tokens: number, tokensPerChunk = 1) => ({ sequence: 7, tokens, tokensPerChunk })
const textOf = (index: number): string => `${chunkText(index, 81_000_000_042n, index * 10_000)}more `

function textOfAll(script: StreamScript): string {
  let text = script.begin(DELAY, CREATED_SEC)
  for (let index = 0; index < script.chunks; index++) text += script.chunk(index, textOf(index))
  return text + script.end()
}

/** The events of a stream; the `event:` line of each is checked against its data, and its number against its place. */
function eventsOf(script: StreamScript): Event[] {
  const blocks = textOfAll(script).split('\n\n')
  assert.equal(blocks.pop(), '')
  return blocks.map((block, index) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? assert.fail(block)
    const event = JSON.parse(data!) as Event
    assert.equal(event.type, name)
    assert.equal(event.sequence_number, index)
    return event
  })
}

function allOf<Type extends Event['type']>(events: readonly Event[], type: Type): EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type)
}

function onlyOf<Type extends Event['type']>(events: readonly Event[], type: Type): EventOf<Type> {
  const [event, ...others] = allOf(events, type)
  assert.deepEqual(others, [])
  return event ?? assert.fail(`no ${type}`)
}

function checkBeginning(events: readonly Event[]): void {
  for (const type of ['response.created', 'response.in_progress'] as const) {
    const { response } = onlyOf(events, type)
    assert.deepEqual([response.id, response.object, response.created_at], [ID, 'response', CREATED_SEC])
    assert.deepEqual([response.status, response.output, response.usage], ['in_progress', [], null])
  }
}

describe('a stream of text', () => {
  const events = eventsOf(new ResponseTextStream(REQUEST, factsOf(3)))

  test('has the published sequence of events', () => {
    assert.deepEqual(
      events.map(({ type }) => type),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.delta',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
    )
  })

  test('says every chunk as it was given, all of one item', () => {
    const deltas = allOf(events, 'response.output_text.delta').map(({ delta }) => delta)
    assert.deepEqual(deltas, [0, 1, 2].map(textOf))
    for (const event of events) {
      if ('item_id' in event) assert.equal(event.item_id, 'msg_7')
      if ('output_index' in event) assert.equal(event.output_index, 0)
      if ('content_index' in event) assert.equal(event.content_index, 0)
    }
  })

  test('says at its beginning that there is nothing yet, and at its end all that there was', () => {
    checkBeginning(events)
    const part = { type: 'output_text', annotations: [], logprobs: [], text: [0, 1, 2].map(textOf).join('') }
    const message = { id: 'msg_7', type: 'message', role: 'assistant', content: [part], status: 'completed' }
    assert.deepEqual(onlyOf(events, 'response.output_item.added').item, {
      ...message,
      content: [],
      status: 'in_progress',
    })
    assert.deepEqual(onlyOf(events, 'response.content_part.added').part, { ...part, text: '' })
    assert.equal(onlyOf(events, 'response.output_text.done').text, part.text)
    assert.deepEqual(onlyOf(events, 'response.content_part.done').part, part)
    assert.deepEqual(onlyOf(events, 'response.output_item.done').item, message)
    const { response } = onlyOf(events, 'response.completed')
    assert.deepEqual([response.id, response.status, response.output], [ID, 'completed', [message]])
    assert.deepEqual(response.usage, {
      input_tokens: 25,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 28,
    })
  })

  test('ends as incomplete where the limit ended it', () => {
    const capped = eventsOf(new ResponseTextStream({ ...REQUEST, maxTokens: 16 }, factsOf(50, 5)))
    assert.equal(allOf(capped, 'response.output_text.delta').length, 4)
    assert.deepEqual(allOf(capped, 'response.completed'), [])
    const { response } = onlyOf(capped, 'response.incomplete')
    assert.deepEqual(
      [response.status, response.incomplete_details, response.max_output_tokens, response.usage?.output_tokens],
      ['incomplete', { reason: 'max_output_tokens' }, 16, 16],
    )
    const item = response.output[0]
    assert.ok(item?.type === 'message')
    assert.equal(item.status, 'incomplete')
    const uncapped = eventsOf(new ResponseTextStream({ ...REQUEST, maxTokens: 50 }, factsOf(50, 5)))
    assert.equal(onlyOf(uncapped, 'response.completed').response.incomplete_details, null)
  })
})

describe('a stream of a call', () => {
  const events = eventsOf(new ResponseCallStream(REQUEST, WEATHER, factsOf(2)))

  test('has the published sequence of events', () => {
    assert.deepEqual(
      events.map(({ type }) => type),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.function_call_arguments.delta',
        'response.function_call_arguments.delta',
        'response.function_call_arguments.done',
        'response.output_item.done',
        'response.completed',
      ],
    )
  })

  test('has its arguments in fragments, then whole', () => {
    checkBeginning(events)
    for (const event of events) if ('item_id' in event) assert.equal(event.item_id, 'fc_7')
    const call = {
      id: 'fc_7',
      type: 'function_call',
      call_id: 'call_7',
      name: 'weather',
      arguments: '{"city":"x"}',
      status: 'completed',
    }
    const { item } = onlyOf(events, 'response.output_item.added')
    assert.deepEqual(item, { ...call, arguments: '', status: 'in_progress' })
    const deltas = allOf(events, 'response.function_call_arguments.delta').map(({ delta }) => delta)
    assert.equal(deltas.join(''), call.arguments)
    const done = onlyOf(events, 'response.function_call_arguments.done')
    assert.deepEqual([done.name, done.arguments], [call.name, call.arguments])
    assert.deepEqual(onlyOf(events, 'response.output_item.done').item, call)
    const { response } = onlyOf(events, 'response.completed')
    assert.deepEqual([response.id, response.status, response.output], [ID, 'completed', [call]])
    assert.equal(response.usage?.output_tokens, 2)
  })
})

test('streams are ASCII, whatever the model and the tool are', () => {
  const text = fc.string({ unit: 'binary', maxLength: 50 })
  fc.assert(
    fc.property(text, text, text, fc.integer({ min: 1, max: 30 }), (model, name, city, tokens) => {
      const request = { ...REQUEST, model: asciiJson(model) }
      const call = { name, argumentsJson: asciiJson({ city }) }
      for (const script of [
        new ResponseTextStream(request, factsOf(tokens)),
        new ResponseCallStream(request, call, factsOf(tokens)),
      ]) {
        assert.match(textOfAll(script), /^[\x20-\x7e\n]*$/)
      }
      const events = eventsOf(new ResponseCallStream(request, call, factsOf(tokens)))
      const done = onlyOf(events, 'response.function_call_arguments.done')
      assert.equal(done.name, name)
      assert.deepEqual(JSON.parse(done.arguments), { city })
    }),
    { seed: 1 },
  )
})
