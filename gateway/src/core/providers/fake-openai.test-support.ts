import assert from 'node:assert/strict'

import { azure } from './azure.ts'
import type { FakeProvider, Item, Said, Understood } from './contract.test-support.ts'
import { openai } from './openai.ts'

interface Message {
  role: string
  content: string | null | { type: string; text?: string; image_url?: { url: string } }[]
  tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[]
  tool_call_id?: string
}

interface Body {
  model: string
  messages: Message[]
  tools?: { type: string; function: { name: string; parameters: unknown } }[]
}

function itemsOf(message: Message): Item[] {
  const { role, content, tool_calls: calls = [], tool_call_id: of } = message
  const items: Item[] = []
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])
  for (const part of parts) {
    if (part.image_url) items.push({ image: part.image_url.url })
    else if (role === 'system') items.push({ system: part.text! })
    else if (role === 'user') items.push({ user: part.text! })
    else if (role === 'tool') items.push({ result: part.text!, of: of! })
    else if (part.text !== '') items.push({ assistant: part.text! })
  }
  for (const { id, type, function: called } of calls) {
    assert.equal(type, 'function')
    items.push({ call: { id, name: called.name, input: JSON.parse(called.arguments) as Record<string, unknown> } })
  }
  return items
}

function understand(value: unknown): Understood {
  const { model, messages, tools = [] } = value as Body
  assert.ok(messages.length > 0)
  return {
    model,
    items: messages.flatMap(itemsOf),
    tools: tools.map(({ function: described }) => ({ name: described.name, schema: described.parameters })),
  }
}

function usageOf({ inputTokens, outputTokens }: Said) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
}

function answer(said: Said): string {
  const calls = said.calls.map(({ id, name, input }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }))
  return JSON.stringify({
    id: said.id,
    object: 'chat.completion',
    created: 1_741_570_283,
    model: said.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: said.pieces.length === 0 ? null : said.pieces.join(''),
          refusal: null,
          annotations: [],
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: said.finish,
      },
    ],
    usage: usageOf(said),
    service_tier: 'default',
    system_fingerprint: 'fp_44709d6fcb',
  })
}

function events(said: Said, includeUsage: boolean): string[] {
  const chunk = (choices: object[], usage: object | null = null) =>
    `data: ${JSON.stringify({
      id: said.id,
      object: 'chat.completion.chunk',
      created: 1_741_570_283,
      model: said.model,
      service_tier: 'default',
      system_fingerprint: 'fp_44709d6fcb',
      choices,
      ...(includeUsage ? { usage } : {}),
    })}\n\n`
  const delta = (content: object, finished: string | null = null) =>
    chunk([{ index: 0, delta: content, logprobs: null, finish_reason: finished }])
  const calls = said.calls.flatMap(({ id, name, input }, index) => [
    delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
    ...thirds(JSON.stringify(input)).map((part) => delta({ tool_calls: [{ index, function: { arguments: part } }] })),
  ])
  return [
    delta({ role: 'assistant', content: '', refusal: null }),
    ...said.pieces.map((content) => delta({ content })),
    ...calls,
    delta({}, said.finish),
    ...(includeUsage ? [chunk([], usageOf(said))] : []),
    'data: [DONE]\n\n',
  ]
}

/** A JSON text in pieces. */
export function thirds(text: string): string[] {
  const third = Math.ceil(text.length / 3)
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)]
}

export const fakeOpenai: FakeProvider = {
  name: 'openai',
  adapter: openai,
  keyHeader: ['authorization', 'Bearer k'],
  understand,
  answer,
  events,
  overloaded: {
    event: 'data: {"error":{"message":"Too much to do","type":"server_error","param":null,"code":"503"}}\n\n',
    status: 503,
    message: 'Too much to do',
  },
}

export const fakeAzure: FakeProvider = {
  ...fakeOpenai,
  name: 'azure',
  adapter: azure,
  keyHeader: ['api-key', 'k'],
  // What content filters found in the prompt comes first, with no choice.
  events: (said, includeUsage) => [
    'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}\n\n',
    ...events(said, includeUsage),
  ],
}
