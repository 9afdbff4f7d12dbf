import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { conversation } from './messages.ts'

const USER = { role: 'user', content: 'Hi' }
const HI = { type: 'text', text: 'Hi' }

function assistantCall(args: string, more: object = {}) {
  const call = { id: 'c1', type: 'function', function: { name: 'now', arguments: args } }
  return { role: 'assistant', content: null, tool_calls: [call], ...more }
}

describe('system', () => {
  test('joins system and developer messages, wherever they stand', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      USER,
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'In ' },
          { type: 'text', text: 'French.' },
        ],
      },
    ]
    assert.deepEqual(conversation(messages), {
      system: 'Be brief.\n\nIn French.',
      messages: [{ role: 'user', content: [HI] }],
    })
  })

  test('is absent when nobody gave one', () => {
    assert.equal('system' in conversation([USER]), false)
  })
})

describe('turns', () => {
  test('neighbours of one role become one message', () => {
    const { messages } = conversation([
      USER,
      USER,
      { role: 'assistant', content: 'a' },
      { role: 'assistant', content: 'b' },
    ])
    assert.deepEqual(
      messages.map(({ role, content }) => [role, content.length]),
      [
        ['user', 2],
        ['assistant', 2],
      ],
    )
  })

  test('the results of several calls are one user message, and what the user says next is in it', () => {
    const { messages } = conversation([
      USER,
      assistantCall('{}'),
      { role: 'tool', tool_call_id: 'c1', content: 'noon' },
      { role: 'tool', tool_call_id: 'c2', content: '' },
      USER,
    ])
    assert.deepEqual(messages[2], {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'noon' }] },
        { type: 'tool_result', tool_use_id: 'c2', content: [] },
        HI,
      ],
    })
  })

  test('an assistant without words and calls is no turn', () => {
    assert.equal(conversation([USER, { role: 'assistant', content: '' }, USER]).messages.length, 1)
  })

  test("a refusal is the assistant's text", () => {
    for (const said of [{ content: null, refusal: 'No.' }, { content: [{ type: 'refusal', refusal: 'No.' }] }]) {
      const { messages } = conversation([USER, { role: 'assistant', ...said }])
      assert.deepEqual(messages[1]?.content, [{ type: 'text', text: 'No.' }])
    }
  })

  test('empty arguments are no input', () => {
    assert.deepEqual(conversation([assistantCall('')]).messages[0]?.content[0]?.input, {})
  })
})

describe('images', () => {
  const sourceOf = (url: string) =>
    conversation([{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]).messages[0]?.content[0]
      ?.source

  test('at an address stay there', () => {
    assert.deepEqual(sourceOf('HTTPS://example.com/a,b.png'), { type: 'url', url: 'HTTPS://example.com/a,b.png' })
  })

  test('in a data URL become base64', () => {
    const expected = { type: 'base64', media_type: 'image/jpeg', data: '/9j/4A==' }
    assert.deepEqual(sourceOf('data:image/jpeg;base64,/9j/4A=='), expected)
    assert.deepEqual(sourceOf('data:image/JPEG;name=a.jpg;base64,/9j/4A=='), expected)
  })
})

describe('what has no form there is named', () => {
  const image = (url: unknown) => [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
  const cases: [messages: unknown[], message: string][] = [
    [['Hi'], 'messages[0]: must be an object, got "Hi"'],
    [[{ content: 'x' }], 'messages[0].role: must be system, developer, user, assistant or tool, got nothing'],
    [
      [USER, { role: 'function' }],
      'messages[1].role: must be system, developer, user, assistant or tool, got "function"',
    ],
    [[{ role: 'user', content: 7 }], 'messages[0].content: must be a string or an array of parts, got 7'],
    [
      [{ role: 'user', content: [{ type: 'input_audio' }] }],
      'messages[0].content[0].type: anthropic takes text and image_url parts, got "input_audio"',
    ],
    [[{ role: 'user', content: [{ type: 'text' }] }], 'messages[0].content[0].text: must be a string, got nothing'],
    [
      image('ftp://x'),
      'messages[0].content[0].image_url.url: must be an http(s) URL or data:<media type>;base64,<data>, got "ftp://x"',
    ],
    [
      image('data:image/png,abc'),
      'messages[0].content[0].image_url.url: must be an http(s) URL or data:<media type>;base64,<data>, got "data:image/png,abc"',
    ],
    [
      [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'http://x' } }] }],
      'messages[0].content: must hold text only, got "image"',
    ],
    [[assistantCall('{"a":')], 'messages[0].tool_calls[0].function.arguments: must be a JSON object, got "{\\"a\\":"'],
    [[assistantCall('[1]')], 'messages[0].tool_calls[0].function.arguments: must be an object, got [1]'],
    [[{ role: 'assistant', tool_calls: {} }], 'messages[0].tool_calls: must be an array, got {}'],
    [
      [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'custom' }] }],
      'messages[0].tool_calls[0].type: must be "function", got "custom"',
    ],
    [
      [{ role: 'assistant', function_call: { name: 'f' } }],
      'messages[0].function_call: is deprecated and not translated; use tool_calls, got {"name":"f"}',
    ],
    [[{ role: 'tool', content: 'x' }], 'messages[0].tool_call_id: must be a string, got nothing'],
  ]

  for (const [messages, message] of cases) {
    test(message, () => {
      assert.throws(() => conversation(messages), { name: 'GatewayError', code: 'invalid_request', message })
    })
  }

  test('a value that is long is cut', () => {
    assert.throws(
      () => conversation(image('x'.repeat(1_000_000))),
      (error: Error) => error.message.length < 300,
    )
  })
})
