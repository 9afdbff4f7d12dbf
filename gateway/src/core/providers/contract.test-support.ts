import fc from 'fast-check'
import OpenAI from 'openai'
import type { ChatCompletion } from 'openai/resources/chat/completions'

import type { ProviderAdapter } from './provider.ts'

/** A call of a tool, apart from any protocol. */
export interface Call {
  id: string
  name: string
  input: Record<string, unknown>
}

/** One answer of a model, apart from any protocol. */
export interface Said {
  id: string
  model: string
  /** The text as it comes, piece by piece. */
  pieces: string[]
  calls: Call[]
  finish: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  inputTokens: number
  outputTokens: number
}

/** One thing that a conversation holds, apart from any protocol. */
export type Item =
  | { system: string }
  | { user: string }
  | { image: string }
  | { assistant: string }
  | { call: Call }
  | { result: string; of: string }

/** What a provider reads out of a request's body. */
export interface Understood {
  model: string
  items: Item[]
  tools: { name: string; schema: unknown }[]
}

/** A provider's side of its protocol, as its documentation has it. */
export interface FakeProvider {
  name: string
  adapter: ProviderAdapter
  /** The header that carries a key `k`. */
  keyHeader: readonly [name: string, value: string]
  /** Reads a body as strictly as the provider does. @throws Error on what it would refuse */
  understand(body: unknown): Understood
  answer(said: Said): string
  /** The events of a streamed answer, as text. */
  events(said: Said, includeUsage: boolean): string[]
  /** The event that says that the provider has too much to do. */
  overloaded: { event: string; status: number; message: string }
}

export const SAID: Said = {
  id: 'chatcmpl-7-1500000-1500123',
  model: 'model-1',
  pieces: ['Grüße', ' aus ', '東京 ', '🗼', ', "zitiert" \\ und\numgebrochen'],
  calls: [],
  finish: 'stop',
  inputTokens: 12,
  outputTokens: 34,
}

export const SAID_WITH_CALLS: Said = {
  ...SAID,
  pieces: ['I will look.'],
  calls: [
    { id: 'call_1', name: 'get_weather', input: { city: 'Zürich', days: [1, 2] } },
    { id: 'call_2', name: 'now', input: {} },
  ],
  finish: 'tool_calls',
}

/** Any text in any pieces: empty ones, halves of a surrogate pair, and texts that look like the protocol. */
const pieces: fc.Arbitrary<string[]> = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('\ud83d', '\ude00', 'data: [DONE]\n\n', '"error":{}', '\r\n\r\n', ' '),
  ),
  { maxLength: 8 },
)

const call: fc.Arbitrary<Call> = fc.record(
  {
    id: fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/),
    name: fc.stringMatching(/^[a-z_]{1,12}$/),
    // __proto__ set to a value is no member, so no parser could give it back as one.
    input: fc.dictionary(
      fc.string({ maxLength: 6 }).filter((name) => name !== '__proto__'),
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null)),
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true },
)

const calls = fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id })

export const anySaid: fc.Arbitrary<Said> = fc.record({
  id: fc.string({ minLength: 1 }),
  model: fc.string({ minLength: 1 }),
  pieces,
  calls,
  finish: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
  inputTokens: fc.nat(),
  outputTokens: fc.nat(),
})

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const image = fc.constantFrom('https://example.com/a.png', 'data:image/png;base64,iVBORw0KGgo=')

const userTurn = fc.oneof(
  text.map((said) => ({ messages: [{ role: 'user', content: said }], items: [{ user: said }] as Item[] })),
  fc.tuple(text, image).map(([said, url]) => ({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: said },
          { type: 'image_url', image_url: { url, detail: 'low' } },
        ],
      },
    ],
    items: [{ user: said }, { image: url }] as Item[],
  })),
)

const assistantTurn = fc.oneof(
  text.map((said) => ({ messages: [{ role: 'assistant', content: said }], items: [{ assistant: said }] as Item[] })),
  fc
    .tuple(
      fc.constantFrom(null, ''),
      fc.uniqueArray(call, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
      text,
    )
    .map(([content, made, result]) => ({
      messages: [
        {
          role: 'assistant',
          content,
          tool_calls: made.map(({ id, name, input }) => ({
            id,
            type: 'function',
            function: { name, arguments: JSON.stringify(input) },
          })),
        },
        ...made.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: result })),
      ],
      items: [...made.map((one) => ({ call: one })), ...made.map(({ id }) => ({ result, of: id }))] as Item[],
    })),
)

/** A conversation in OpenAI's shape and what it holds. */
export const anyConversation = fc
  .tuple(fc.option(text), fc.array(fc.tuple(userTurn, assistantTurn), { maxLength: 3 }), userTurn)
  .map(([system, rounds, last]) => {
    const turns = [...rounds.flat(), last]
    const opening = system === null ? [] : [{ role: 'system', content: system }]
    return {
      messages: [...opening, ...turns.flatMap(({ messages }): object[] => messages)],
      items: [...(system === null ? [] : [{ system }]), ...turns.flatMap(({ items }) => items)] as Item[],
    }
  })

function clientOver(reply: string, contentType: string): OpenAI {
  return new OpenAI({
    apiKey: 'k',
    maxRetries: 0,
    fetch: () =>
      Promise.resolve(new Response(Buffer.from(reply, 'latin1'), { headers: { 'content-type': contentType } })),
  })
}

/** What the official client makes of an answer. */
export function readAnswer(reply: string): Promise<ChatCompletion> {
  return clientOver(reply, 'application/json').chat.completions.create({ model: 'm', messages: [] })
}

/** What the official client makes of a stream. */
export function readStream(reply: string): Promise<ChatCompletion> {
  return clientOver(reply, 'text/event-stream')
    .chat.completions.stream({ model: 'm', messages: [] })
    .finalChatCompletion()
}
