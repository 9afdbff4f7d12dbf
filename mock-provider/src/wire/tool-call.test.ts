import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decideToolCall, exampleArguments, fragments, type ToolChoice } from './tool-call.ts'

test('fragments are as many as asked for at most, none empty, and join to the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 60 }), (text, count) => {
      const pieces = fragments(text, count)
      assert.equal(pieces.join(''), text)
      assert.equal(pieces.length, Math.min(count, text.length))
      assert.ok(pieces.every((piece) => piece !== ''))
      const lengths = pieces.map(({ length }) => length)
      assert.ok(pieces.length === 0 || Math.max(...lengths) - Math.min(...lengths) <= 1)
    }),
  )
})

describe('example arguments', () => {
  test('have every property of the schema, by its type', () => {
    const schema = {
      type: 'object',
      properties: {
        city: { type: 'string' },
        unit: { enum: ['celsius', 'kelvin'] },
        version: { const: 3 },
        days: { type: 'integer' },
        least: { type: 'number', minimum: 4.5 },
        exact: { type: 'boolean' },
        nothing: { type: 'null' },
        maybe: { type: ['integer', 'null'] },
        tags: { type: 'array', items: { type: 'string' } },
        where: { type: 'object', properties: { lat: { type: 'number' } } },
        untyped: {},
      },
    }
    assert.deepEqual(exampleArguments(schema), {
      city: 'x',
      unit: 'celsius',
      version: 3,
      days: 1,
      least: 5,
      exact: true,
      nothing: null,
      maybe: 1,
      tags: ['x'],
      where: { lat: 1 },
      untyped: 'x',
    })
  })

  test('are an object whatever the schema is, however deep', () => {
    const deep = `${'{"type":"array","items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`
    for (const schema of [undefined, null, 5, [], {}, { properties: 3 }, JSON.parse(deep)]) {
      assert.deepEqual(exampleArguments(schema), {})
    }
    const tooDeep = JSON.parse(deep) as unknown
    exampleArguments({ properties: { deep: tooDeep } })
    const given = { properties: { one: { const: tooDeep }, other: { enum: [tooDeep] } } }
    assert.deepEqual(exampleArguments(given), { one: 'x', other: 'x' })
    fc.assert(fc.property(fc.jsonValue(), (schema) => typeof exampleArguments(schema) === 'object'))
  })
})

describe('a tool is called', () => {
  const tools = [
    { name: 'first', schema: { properties: { a: { type: 'string' } } } },
    { name: 'second', schema: undefined },
  ]
  const called = (choice: ToolChoice, role: 'user' | 'tool' | 'other', content: unknown) =>
    decideToolCall(tools, choice, { role, content })?.name
  const wanting = 'Please use the tool.'

  for (const { name, choice, role, content, call } of [
    { name: 'the first, when one is required', choice: 'required', role: 'user', content: 'Hi', call: 'first' },
    { name: 'the named one', choice: { name: 'second' }, role: 'user', content: 'Hi', call: 'second' },
    { name: 'the first, when the user says so', choice: 'auto', role: 'user', content: wanting, call: 'first' },
    {
      name: 'the first, when a part of the message says so',
      choice: 'auto',
      role: 'user',
      content: [{ type: 'image_url' }, { type: 'text', text: wanting }],
      call: 'first',
    },
    { name: 'not when the user says nothing of it', choice: 'auto', role: 'user', content: 'Hi', call: undefined },
    { name: 'not when another role says so', choice: 'auto', role: 'other', content: wanting, call: undefined },
    { name: 'not when none may be', choice: 'none', role: 'user', content: wanting, call: undefined },
    { name: 'not after a result', choice: 'required', role: 'tool', content: '22', call: undefined },
  ] as const) {
    test(name, () => {
      assert.equal(called(choice, role, content), call)
    })
  }

  test('with arguments that its schema allows', () => {
    assert.equal(decideToolCall(tools, 'required', { role: 'user', content: '' })?.argumentsJson, '{"a":"x"}')
  })

  test('or the choice is refused, naming the tools there are', () => {
    assert.throws(() => called({ name: 'third' }, 'user', ''), {
      statusCode: 400,
      message: 'tool_choice: "third" cannot be called; the tools are first, second',
    })
    assert.throws(() => decideToolCall([], 'required', { role: 'user', content: '' }), /there are no tools/)
    assert.equal(decideToolCall([], 'auto', { role: 'user', content: wanting }), undefined)
  })
})
