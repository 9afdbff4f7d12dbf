import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProviderError } from '../provider-error.ts'
import { readGeminiCall, readGeminiKey, readGeminiRequest } from './gemini-request.ts'
import type { Fields } from './request-fields.ts'

const CALL = { model: 'gemini-x', stream: false }
const HELLO: Fields = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }
const WANTING: Fields = { contents: [{ role: 'user', parts: [{ text: 'Please' }, { text: 'use the tool.' }] }] }
const TWO_TOOLS: Fields = {
  tools: [
    { googleSearch: {} },
    { functionDeclarations: [{ name: 'first' }] },
    { functionDeclarations: [{ name: 'second', parametersJsonSchema: { properties: { n: { type: 'integer' } } } }] },
  ],
}

function choosing(functionCallingConfig: Fields): Fields {
  return { toolConfig: { functionCallingConfig } }
}

function calledBy(...fields: Fields[]): string | undefined {
  return readGeminiRequest(Object.assign({}, ...fields) as Fields, 100, CALL, false).toolCall?.name
}

describe('the last part of a path', () => {
  test('names model and method', () => {
    assert.deepEqual(readGeminiCall('gemini-x:generateContent'), { model: 'gemini-x', stream: false })
    assert.deepEqual(readGeminiCall('ft:7:streamGenerateContent'), { model: 'ft:7', stream: true })
  })

  for (const call of ['', 'gemini-x', 'gemini-x:', ':generateContent', 'gemini-x:countTokens', 'x:toString']) {
    test(`is not found as ${JSON.stringify(call)}`, () => {
      assert.throws(() => readGeminiCall(call), { name: 'ProviderError', statusCode: 404, message: /generateContent/ })
    })
  }
})

test('the key stands in the header or in the query, and a caller without one is refused', () => {
  assert.equal(readGeminiKey({ 'x-goog-api-key': 'a' }, { key: 'b' }), 'a')
  assert.equal(readGeminiKey({ 'x-goog-api-key': '' }, { key: 'b' }), 'b')
  for (const query of [{}, { key: '' }, { key: ['a', 'b'] }]) {
    assert.throws(() => readGeminiKey({}, query), { statusCode: 403, message: /x-goog-api-key/ })
  }
})

describe('a request', () => {
  test('has a model and framing from outside its body, and its limit inside', () => {
    const fields = { ...HELLO, generationConfig: { maxOutputTokens: 7, temperature: 0 } }
    assert.deepEqual(readGeminiRequest(fields, 400, { model: 'gemini-"ü"', stream: true }, true), {
      model: '"gemini-\\"\\u00fc\\""',
      promptTokens: 100,
      maxTokens: 7,
      stream: true,
      sse: true,
      toolCall: undefined,
    })
  })

  test('may write its fields as the protocol buffer names them, and single objects for lists', () => {
    const fields = {
      contents: { parts: { text: 'Hello' } },
      generation_config: { max_output_tokens: 7 },
      tools: { function_declarations: { name: 'first' } },
      tool_config: { function_calling_config: { mode: 'ANY', allowed_function_names: 'first' } },
    }
    const { maxTokens, toolCall } = readGeminiRequest(fields, 100, CALL, false)
    assert.equal(maxTokens, 7)
    assert.equal(toolCall?.name, 'first')
  })

  test('has null for what it leaves out', () => {
    const request = { ...HELLO, generationConfig: null, tools: null, toolConfig: { functionCallingConfig: null } }
    const { maxTokens, toolCall } = readGeminiRequest(request, 100, CALL, false)
    assert.deepEqual([maxTokens, toolCall], [undefined, undefined])
  })

  for (const { name, fields, message } of [
    { name: 'no contents', fields: { contents: undefined }, message: /^contents: / },
    { name: 'an empty list of contents', fields: { contents: [] }, message: /^contents: / },
    {
      name: 'settings that are no object',
      fields: { generationConfig: 5 },
      message: 'generationConfig: must be an object, got 5',
    },
    {
      name: 'a limit of nothing',
      fields: { generationConfig: { maxOutputTokens: 0 } },
      message: 'generationConfig.maxOutputTokens: must be a whole number of at least 1, got 0',
    },
    { name: 'a tool that is no object', fields: { tools: ['x'] }, message: 'tools[0]: must be an object, got "x"' },
    {
      name: 'a function without a name',
      fields: { tools: [{}, { functionDeclarations: [{ name: 'a' }, {}] }] },
      message: 'tools[1].functionDeclarations[1]: must be {"name":...,"parameters":...}, got {}',
    },
    {
      name: 'a configuration of calls that is no object',
      fields: { toolConfig: { functionCallingConfig: 'ANY' } },
      message: 'toolConfig.functionCallingConfig: must be an object, got "ANY"',
    },
    {
      name: 'a choice among no functions',
      fields: { tools: [{ googleSearch: {} }], ...choosing({ mode: 'AUTO' }) },
      message: /functionCallingConfig: needs functionDeclarations/,
    },
    {
      name: 'a mode that does not exist',
      fields: { ...TWO_TOOLS, ...choosing({ mode: 'toString' }) },
      message: /functionCallingConfig\.mode: must be AUTO, ANY, VALIDATED or NONE, got "toString"/,
    },
    {
      name: 'a function that was not declared',
      fields: { ...TWO_TOOLS, ...choosing({ mode: 'ANY', allowedFunctionNames: ['second', 'third'] }) },
      message: /allowedFunctionNames: "third" is no function; the functions are first, second/,
    },
  ]) {
    test(`is refused with ${name}`, () => {
      const request = { ...HELLO, ...fields }
      assert.throws(() => readGeminiRequest(request, 100, CALL, false), { statusCode: 400, message })
    })
  }

  test('whatever its fields hold, is read or refused with 400 and a message', () => {
    const names = ['contents', 'generationConfig', 'generation_config', 'tools', 'toolConfig', 'tool_config']
    const wild = fc.dictionary(fc.constantFrom(...names), fc.jsonValue())
    const inner = fc.record({
      contents: fc.oneof(fc.jsonValue(), fc.constant(WANTING.contents)),
      generationConfig: fc.record({ maxOutputTokens: fc.jsonValue() }),
      tools: fc.array(
        fc.record({ functionDeclarations: fc.array(fc.record({ name: fc.string(), parameters: fc.jsonValue() })) }),
      ),
      toolConfig: fc.record({
        functionCallingConfig: fc.record({
          mode: fc.constantFrom('AUTO', 'ANY', 'NONE', 5),
          allowedFunctionNames: fc.jsonValue(),
        }),
      }),
    })
    fc.assert(
      fc.property(fc.oneof(wild, inner), fc.boolean(), (fields, mostlyGood) => {
        try {
          readGeminiRequest(mostlyGood ? { ...HELLO, ...fields } : fields, 100, CALL, true)
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

describe('a function is called', () => {
  const result = { role: 'user', parts: [{ functionResponse: { name: 'first', response: { output: 22 } } }] }

  for (const { name, fields, call } of [
    { name: 'the first, when the user says so', fields: [WANTING, TWO_TOOLS], call: 'first' },
    {
      name: 'the first, when a user without a role says so',
      fields: [{ contents: [{ parts: [{ text: 'use the tool' }] }] }, TWO_TOOLS],
      call: 'first',
    },
    { name: 'not when nobody wants it', fields: [HELLO, TWO_TOOLS], call: undefined },
    { name: 'not when there is none', fields: [WANTING, { tools: [{ googleSearch: {} }] }], call: undefined },
    {
      name: 'not when the model itself says so',
      fields: [{ contents: [{ role: 'model', parts: [{ text: 'use the tool' }] }] }, TWO_TOOLS],
      call: undefined,
    },
    { name: 'the first, in mode ANY', fields: [HELLO, TWO_TOOLS, choosing({ mode: 'ANY' })], call: 'first' },
    {
      name: 'the allowed one, in mode ANY',
      fields: [HELLO, TWO_TOOLS, choosing({ mode: 'ANY', allowedFunctionNames: ['second'] })],
      call: 'second',
    },
    { name: 'not in mode NONE', fields: [WANTING, TWO_TOOLS, choosing({ mode: 'NONE' })], call: undefined },
    { name: 'as in mode AUTO, without a mode', fields: [HELLO, TWO_TOOLS, choosing({})], call: undefined },
    {
      name: 'as in mode AUTO, when validated',
      fields: [WANTING, TWO_TOOLS, choosing({ mode: 'VALIDATED' })],
      call: 'first',
    },
    {
      name: 'not after its response, even in mode ANY',
      fields: [{ contents: [result] }, TWO_TOOLS, choosing({ mode: 'ANY' })],
      call: undefined,
    },
  ] as { name: string; fields: Fields[]; call: string | undefined }[]) {
    test(name, () => {
      assert.equal(calledBy(...fields), call)
    })
  }

  test('with arguments that its schema allows, with types in capitals or not', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        city: { type: 'STRING' },
        days: { type: 'INTEGER', minimum: 2 },
        exact: { type: 'BOOLEAN' },
        unit: { type: 'STRING', enum: ['celsius', 'kelvin'] },
        tags: { type: 'ARRAY', items: { type: 'OBJECT', properties: { n: { type: 'NUMBER' } } } },
      },
    }
    const tools = [{ functionDeclarations: [{ name: 'weather', parameters }] }]
    const { toolCall } = readGeminiRequest({ ...WANTING, tools }, 100, CALL, false)
    const expected = { city: 'x', days: 2, exact: true, unit: 'celsius', tags: [{ n: 1 }] }
    assert.deepEqual(JSON.parse(toolCall?.argumentsJson ?? ''), expected)
    const second = readGeminiRequest(
      { ...HELLO, ...TWO_TOOLS, ...choosing({ mode: 'ANY', allowedFunctionNames: ['second'] }) },
      100,
      CALL,
      false,
    )
    assert.equal(second.toolCall?.argumentsJson, '{"n":1}')
  })

  test('or not, however deep its schema is', () => {
    const parameters: unknown = JSON.parse(`${'{"properties":{"a":'.repeat(20_000)}{}${'}}'.repeat(20_000)}`)
    assert.equal(calledBy(WANTING, { tools: [{ functionDeclarations: [{ name: 'deep', parameters }] }] }), 'deep')
  })
})
