import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { anthropicParams } from './params.ts'

const params = (request: object) => anthropicParams({ model: 'm', messages: [], ...request })

const TOOL = { type: 'function', function: { name: 'now' } }
const TOOL_THERE = { name: 'now', input_schema: { type: 'object', properties: {} } }

const translated: [given: object, expected: object][] = [
  [{}, { max_tokens: 4_096 }],
  [{ max_tokens: null }, { max_tokens: 4_096 }],
  [{ max_tokens: 7 }, { max_tokens: 7 }],
  [{ max_tokens: 7, max_completion_tokens: 8 }, { max_tokens: 8 }],
  [{ temperature: 0 }, { max_tokens: 4_096, temperature: 0 }],
  [
    { temperature: 1, top_p: 0.5 },
    { max_tokens: 4_096, temperature: 1, top_p: 0.5 },
  ],
  [{ stop: 'END' }, { max_tokens: 4_096, stop_sequences: ['END'] }],
  [{ stop: ['a', 'b'] }, { max_tokens: 4_096, stop_sequences: ['a', 'b'] }],
  [{ stop: null }, { max_tokens: 4_096 }],
  [{ user: 'u-1' }, { max_tokens: 4_096, metadata: { user_id: 'u-1' } }],
  [
    { stream: true, stream_options: { include_usage: true } },
    { max_tokens: 4_096, stream: true },
  ],
  [
    { top_k: 5, thinking: { type: 'enabled' } },
    { max_tokens: 4_096, top_k: 5, thinking: { type: 'enabled' } },
  ],
  [{ n: 1, response_format: { type: 'text' }, logprobs: false, modalities: ['text'] }, { max_tokens: 4_096 }],
  [{ n: null, response_format: null, logprobs: null, audio: null }, { max_tokens: 4_096 }],
  [
    { logit_bias: { 50256: -100 }, seed: 7, frequency_penalty: 1, store: true, metadata: { a: 'b' }, verbosity: 'low' },
    { max_tokens: 4_096 },
  ],
]

describe('parameters', () => {
  for (const [given, expected] of translated) {
    test(`${JSON.stringify(given)} become ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(params(given), expected)
    })
  }
})

describe('what the answer would lack is refused, with its name and value', () => {
  const refused: [given: object, message: string][] = [
    [{ n: 2 }, 'n: anthropic gives one choice; must be 1 or absent, got 2'],
    [
      { response_format: { type: 'json_object' } },
      'response_format: anthropic answers with text; must be {"type":"text"} or absent, got {"type":"json_object"}',
    ],
    [{ logprobs: true }, 'logprobs: anthropic gives no log probabilities; must be false or absent, got true'],
    [{ top_logprobs: 3 }, 'top_logprobs: anthropic gives no log probabilities; must be absent, got 3'],
    [
      { modalities: ['text', 'audio'] },
      'modalities: anthropic answers with text; must be ["text"] or absent, got ["text","audio"]',
    ],
    [{ functions: [] }, 'functions: is deprecated and not translated; use tools, got []'],
    [{ function_call: 'auto' }, 'function_call: is deprecated and not translated; use tool_choice, got "auto"'],
    [{ web_search_options: {} }, 'web_search_options: is not translated; must be absent, got {}'],
    [{ temperature: 1.2 }, "temperature: must be at most 1, where anthropic's scale ends, got 1.2"],
    [{ tools: {} }, 'tools: must be an array, got {}'],
    [{ tools: [{ type: 'custom' }] }, 'tools[0].type: must be "function", got "custom"'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name: must be a string, got nothing'],
    [
      { tools: [TOOL], tool_choice: 'any' },
      'tool_choice: must be auto, none, required or {"type":"function","function":{"name":...}}, got "any"',
    ],
  ]

  for (const [given, message] of refused) {
    test(message, () => {
      assert.throws(() => params(given), { name: 'GatewayError', code: 'invalid_request', message })
    })
  }
})

describe('tools', () => {
  const choices: [given: object, choice: object | undefined][] = [
    [{}, undefined],
    [{ tool_choice: null }, undefined],
    [{ tool_choice: 'auto' }, { type: 'auto' }],
    [{ tool_choice: 'none' }, { type: 'none' }],
    [{ tool_choice: 'required' }, { type: 'any' }],
    [{ tool_choice: { type: 'function', function: { name: 'now' } } }, { type: 'tool', name: 'now' }],
    [{ parallel_tool_calls: true }, undefined],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      { parallel_tool_calls: false, tool_choice: 'required' },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{ parallel_tool_calls: false, tool_choice: 'none' }, { type: 'none' }],
  ]

  for (const [given, choice] of choices) {
    test(`with ${JSON.stringify(given)} the choice is ${JSON.stringify(choice)}`, () => {
      const expected = { max_tokens: 4_096, tools: [TOOL_THERE] }
      assert.deepEqual(params({ tools: [TOOL], ...given }), choice ? { ...expected, tool_choice: choice } : expected)
    })
  }

  test('without tools there is nothing to choose', () => {
    assert.deepEqual(params({ tools: [], tool_choice: 'auto', parallel_tool_calls: false }), { max_tokens: 4_096 })
  })

  test('keep description and parameters; strict is dropped', () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const tool = { type: 'function', function: { name: 'w', description: 'd', parameters, strict: true } }
    assert.deepEqual(params({ tools: [tool] }).tools, [{ name: 'w', description: 'd', input_schema: parameters }])
  })
})
