import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BODY, inBody } from './strict-check.fixture.ts'
import type { Fields } from './wire/request-fields.ts'

describe('a field of the body', () => {
  for (const { name, got, violations } of [
    {
      name: 'may be lost, also from within another',
      got: { ...BODY, metadata: { trace: 't' } },
      violations: [{ kind: 'lost_field', at: 'body.metadata.user', problem: 'expected null, got nothing' }],
    },
    {
      name: 'may be changed',
      got: { ...BODY, temperature: 1 },
      violations: [{ kind: 'changed_field', at: 'body.temperature', problem: 'expected 0.5, got 1' }],
    },
    {
      name: 'may have another type',
      got: { ...BODY, temperature: '0.5', stop: { 0: 'a', 1: 'b' }, metadata: 't' },
      violations: [
        { kind: 'changed_field', at: 'body.temperature', problem: 'expected 0.5, got "0.5"' },
        { kind: 'changed_field', at: 'body.stop', problem: 'expected ["a","b"], got {"0":"a","1":"b"}' },
        { kind: 'changed_field', at: 'body.metadata', problem: 'expected {"trace":"t","user":null}, got "t"' },
      ],
    },
    {
      name: 'may be added',
      got: { ...BODY, stream_options: { include_usage: true }, metadata: { trace: 't', user: null, constructor: 1 } },
      violations: [
        { kind: 'added_field', at: 'body.metadata.constructor', problem: 'expected nothing, got 1' },
        { kind: 'added_field', at: 'body.stream_options', problem: 'expected nothing, got {"include_usage":true}' },
      ],
    },
    {
      name: 'may be an array in another order',
      got: { ...BODY, stop: ['b', 'a'] },
      violations: [
        { kind: 'changed_field', at: 'body.stop[0]', problem: 'expected "a", got "b"' },
        { kind: 'changed_field', at: 'body.stop[1]', problem: 'expected "b", got "a"' },
      ],
    },
    {
      name: 'may be an array that has grown',
      got: { ...BODY, stop: ['x', 'a', 'b'] },
      violations: [{ kind: 'changed_field', at: 'body.stop', problem: 'expected length 2, got length 3' }],
    },
    {
      name: 'may be the model',
      got: { ...BODY, model: 'gpt-4o' },
      violations: [{ kind: 'wrong_model', at: 'body.model', problem: 'expected "gpt-4o-mini", got "gpt-4o"' }],
    },
  ]) {
    test(name, () => {
      assert.deepEqual(inBody(BODY, got), violations)
    })
  }

  test('may be the model that is missing, or that was added', () => {
    const missing = { kind: 'wrong_model', at: 'body.model', problem: 'expected "m", got nothing' }
    const added = { kind: 'added_field', at: 'body.model', problem: 'expected nothing, got "m"' }
    assert.deepEqual(inBody({ model: 'm' }, {}), [missing])
    assert.deepEqual(inBody({}, { model: 'm' }), [added])
  })

  test('null is not absent, and 1.0 is 1', () => {
    assert.deepEqual(
      inBody({ a: null }, {}).map(({ kind }) => kind),
      ['lost_field'],
    )
    assert.deepEqual(inBody(JSON.parse('{"a":1,"b":100}'), JSON.parse('{"b":1e2,"a":1.0}') as Fields), [])
  })
})

describe('a message', () => {
  for (const { name, got, at, problem } of [
    {
      name: 'may be changed',
      got: [{ role: 'user', content: 'Hello!' }],
      at: 'body.messages[0].content',
      problem: 'expected "Hello", got "Hello!"',
    },
    {
      name: 'may be lost in part',
      got: [{ role: 'user' }],
      at: 'body.messages[0].content',
      problem: 'expected "Hello", got nothing',
    },
    {
      name: 'may be added to',
      got: [{ role: 'user', content: 'Hello', name: 'x' }],
      at: 'body.messages[0].name',
      problem: 'expected nothing, got "x"',
    },
    { name: 'may be lost', got: [], at: 'body.messages', problem: 'expected length 1, got length 0' },
  ]) {
    test(name, () => {
      const violations = inBody({ messages: [{ role: 'user', content: 'Hello' }] }, { messages: got })
      assert.deepEqual(violations, [{ kind: 'changed_message', at, problem }])
    })
  }

  for (const field of ['messages', 'input', 'contents', 'system', 'instructions', 'prompt', 'systemInstruction']) {
    test(`is what ${field} has, lost, changed and added`, () => {
      for (const [expected, got] of [
        [{ [field]: 'a' }, {}],
        [{ [field]: 'a' }, { [field]: 'b' }],
        [{}, { [field]: 'b' }],
      ] as const) {
        const violations = inBody(expected, got)
        assert.deepEqual(
          [violations.length, violations[0]?.kind, violations[0]?.at],
          [1, 'changed_message', `body.${field}`],
        )
      }
    })
  }
})

describe('what is ignored is not compared', () => {
  const got = { ...BODY, temperature: 1, metadata: { trace: 5, user: 'x', more: [] }, stream_options: {} }

  test('whether lost, changed or added', () => {
    assert.deepEqual(inBody(BODY, got, ['temperature', 'metadata.trace', 'metadata.more', 'stream_options']), [
      { kind: 'changed_field', at: 'body.metadata.user', problem: 'expected null, got "x"' },
    ])
    const { metadata: _metadata, ...rest } = got
    assert.deepEqual(inBody(BODY, rest, ['temperature', 'metadata', 'stream_options']), [])
  })

  test('nor is anything in it, in whatever order that is said', () => {
    for (const ignore of [
      ['metadata', 'metadata.trace'],
      ['metadata.trace', 'metadata'],
    ]) {
      assert.deepEqual(inBody({ metadata: { trace: 't', user: 1 } }, { metadata: {} }, ignore), [])
    }
  })

  test('in elements of arrays, the last one of which may be missing', () => {
    const messages = [{ role: 'system' }, { role: 'user' }]
    assert.deepEqual(inBody({ messages }, { messages: [{ role: 'x' }, { role: 'user' }] }, ['messages[0].role']), [])
    assert.deepEqual(inBody({ messages }, { messages: [{ role: 'system' }] }, ['messages[1]']), [])
    assert.equal(inBody({ messages }, { messages: [] }, ['messages[1]']).length, 1)
    assert.equal(inBody({ messages }, { messages: [{ role: 'system' }] }, ['messages[1].role']).length, 1)
  })
})

describe('a hostile body', () => {
  test('does not use up the stack', () => {
    const deep = (levels: number) => JSON.parse('{"a":'.repeat(levels) + '1' + '}'.repeat(levels)) as Fields
    const [violation, ...more] = inBody(deep(64), deep(100_000))
    assert.equal(violation?.at, `body${'.a'.repeat(64)}`)
    assert.deepEqual(more, [])
  })

  test('is told in 100 differences that are harmless, and 100 that are not', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x${i}`, i]))
    const violations = inBody({ z: 1 }, { ...many, messages: many, system: many })
    const count = (kind: string) => violations.filter((each) => each.kind === kind).length
    assert.deepEqual([count('lost_field'), count('added_field'), count('changed_message')], [1, 100, 2])
    const within = inBody({ messages: {}, z: 1 }, { messages: many })
    assert.equal(within.length, 100)
  })
})
