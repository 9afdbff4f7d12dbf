import assert from 'node:assert/strict'

import { anthropicAdapter } from './anthropic.ts'
import type { Call, FakeProvider, Item, Said, Understood } from './contract.test-support.ts'
import { thirds } from './fake-openai.test-support.ts'

type Block =
  | { type: 'text'; text: string }
  | { type: 'image'; source: { type: 'url'; url: string } | { type: 'base64'; media_type: string; data: string } }
  | ({ type: 'tool_use' } & Call)
  | { type: 'tool_result'; tool_use_id: string; content: { type: 'text'; text: string }[] }

interface Body {
  model: string
  max_tokens: number
  system?: string
  messages: { role: 'user' | 'assistant'; content: Block[] }[]
  tools?: { name: string; input_schema: { type: string } }[]
  temperature?: number
}

const MEMBERS = [
  'model',
  'max_tokens',
  'messages',
  'metadata',
  'stop_sequences',
  'stream',
  'system',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_k',
  'top_p',
]

function understand(value: unknown): Understood {
  const body = value as Body
  for (const name of Object.keys(body)) assert.ok(MEMBERS.includes(name), `${name}: Extra inputs are not permitted`)
  assert.ok(Number.isInteger(body.max_tokens) && body.max_tokens > 0, 'max_tokens: Field required')
  if (body.temperature !== undefined) assert.ok(body.temperature >= 0 && body.temperature <= 1)
  checkTurns(body.messages)
  const items: Item[] = body.system === undefined ? [] : [{ system: body.system }]
  for (const { role, content } of body.messages) items.push(...content.map((block) => itemOf(role, block)))
  const tools = (body.tools ?? []).map(({ name, input_schema: schema }) => ({ name, schema }))
  for (const { schema } of tools) assert.equal(schema.type, 'object')
  return { model: body.model, items, tools }
}

function checkTurns(messages: Body['messages']): void {
  assert.equal(messages[0]?.role, 'user')
  messages.forEach(({ role, content }, index) => {
    assert.ok(content.length > 0, 'messages must have non-empty content')
    assert.notEqual(role, messages[index - 1]?.role, 'roles must alternate')
    const used = content.filter((block) => block.type === 'tool_use').map(({ id }) => id)
    const answered = messages[index + 1]?.content.flatMap((block) =>
      block.type === 'tool_result' ? [block.tool_use_id] : [],
    )
    if (used.length > 0) assert.deepEqual(answered, used, 'tool_use ids were found without tool_result blocks')
  })
}

function itemOf(role: 'user' | 'assistant', block: Block): Item {
  switch (block.type) {
    case 'text':
      assert.notEqual(block.text, '', 'text content blocks must be non-empty')
      return role === 'user' ? { user: block.text } : { assistant: block.text }
    case 'image': {
      const { source } = block
      return { image: source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}` }
    }
    case 'tool_use':
      return { call: { id: block.id, name: block.name, input: block.input } }
    case 'tool_result':
      return { result: block.content.map(({ text }) => text).join(''), of: block.tool_use_id }
  }
}

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' }

function answer(said: Said): string {
  return JSON.stringify({
    id: said.id,
    type: 'message',
    role: 'assistant',
    model: said.model,
    content: [
      ...(said.pieces.length === 0 ? [] : [{ type: 'text', text: said.pieces.join('') }]),
      ...said.calls.map((call) => ({ type: 'tool_use', ...call })),
    ],
    stop_reason: STOP_REASONS[said.finish],
    stop_sequence: null,
    usage: { input_tokens: said.inputTokens, output_tokens: said.outputTokens },
  })
}

function events(said: Said): string[] {
  const blocks = said.calls.flatMap(({ id, name, input }, position) => {
    const index = position + 1
    // A tool without parameters gets one fragment, which is empty.
    const fragments = Object.keys(input).length === 0 ? [''] : ['', ...thirds(JSON.stringify(input))]
    return [
      event({ type: 'content_block_start', index, content_block: { type: 'tool_use', id, name, input: {} } }),
      ...fragments.map((fragment) =>
        event({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: fragment } }),
      ),
      event({ type: 'content_block_stop', index }),
    ]
  })
  return [
    event({
      type: 'message_start',
      message: {
        id: said.id,
        type: 'message',
        role: 'assistant',
        content: [],
        model: said.model,
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: said.inputTokens, output_tokens: 1 },
      },
    }),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    event({ type: 'ping' }),
    ...said.pieces.map((text) => event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    event({ type: 'content_block_stop', index: 0 }),
    ...blocks,
    event({
      type: 'message_delta',
      delta: { stop_reason: STOP_REASONS[said.finish], stop_sequence: null },
      usage: { output_tokens: said.outputTokens },
    }),
    event({ type: 'message_stop' }),
  ]
}

/** One event as Anthropic writes it. */
export function event(data: { type: string; [member: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

export const fakeAnthropic: FakeProvider = {
  name: 'anthropic',
  adapter: anthropicAdapter(() => 1_741_570_283_900),
  keyHeader: ['x-api-key', 'k'],
  understand,
  answer,
  events,
  overloaded: {
    event: event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
    status: 529,
    message: 'Overloaded',
  },
}
