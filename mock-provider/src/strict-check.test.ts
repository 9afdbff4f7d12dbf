import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, test } from 'node:test'
import { BODY, PATH, violationsOf } from './strict-check.fixture.ts'
import { isWrong, type Violation } from './strict-violation.ts'
import type { Fields } from './wire/request-fields.ts'

function inHeaders(expected: Record<string, string>, headers: IncomingHttpHeaders): Violation[] {
  return violationsOf({ requests: [{ path: PATH, headers: expected }] }, { headers })
}

describe('a request is right', () => {
  const expected = { path: PATH, headers: { Authorization: 'Bearer sk-abcdefgh', 'X-Team': 'blue' }, body: BODY }

  test('when it is as expected', () => {
    assert.deepEqual(violationsOf({ requests: [expected] }), [])
  })

  test('whatever its headers and body are, when none are expected', () => {
    assert.deepEqual(violationsOf({ requests: [{ path: PATH }] }), [])
  })

  test('when it matches any of those expected for its path', () => {
    const other = { ...expected, body: { ...BODY, temperature: 1 } }
    const third = { path: PATH, headers: { 'x-team': 'red' } }
    assert.deepEqual(violationsOf({ requests: [other, third, expected] }), [])
    // What is harmless to one may be expected by another.
    const { temperature: _temperature, ...less } = BODY
    assert.deepEqual(violationsOf({ requests: [{ path: PATH, body: less }, expected] }), [])
  })

  test('whatever it is, when only keys are checked', () => {
    assert.deepEqual(violationsOf({ keyShares: { a: 1 } }, { path: '/any', body: {}, key: 'a' }), [])
  })
})

describe('a wrong request is told by what differs least', () => {
  const first = { path: PATH, body: { ...BODY, temperature: 1, stop: ['x'] } }
  const second = { path: PATH, body: { ...BODY, temperature: 2 } }

  test('of those expected', () => {
    const violation = { kind: 'changed_field', at: 'body.temperature', problem: 'expected 2, got 0.5' }
    for (const requests of [
      [first, second],
      [second, first],
    ]) {
      assert.deepEqual(violationsOf({ requests }), [violation])
    }
  })

  test('and one thing that is wrong weighs more than anything harmless', () => {
    const bare = { path: PATH, body: {} }
    const many: Fields = { n: 7, ...Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`x${i}`, i])) }
    const { n: _n, ...rest } = many
    for (const requests of [
      [{ path: PATH, body: rest }, bare, { path: PATH, body: { ...many, n: 8 } }],
      [{ path: PATH, body: { ...many, n: 8 } }, { path: PATH, body: rest }, bare],
    ]) {
      assert.deepEqual(violationsOf({ requests }, { body: many }), [
        { kind: 'added_field', at: 'body.n', problem: 'expected nothing, got 7' },
      ])
    }
    const none = violationsOf({ requests: [{ path: PATH, body: { n: 8 } }, bare] }, { body: many })
    assert.equal(isWrong(none), false)
  })
})

describe('a path', () => {
  test('that no expected request has is wrong', () => {
    const requests = ['/a', '/b', '/c', '/d', '/e'].map((path) => ({ path }))
    const three = requests.slice(0, 3)
    const wrong = (problem: string) => [{ kind: 'wrong_path', at: 'path', problem }]
    assert.deepEqual(violationsOf({ requests: [{ path: '/a' }] }), wrong(`expected "/a", got "${PATH}"`))
    assert.deepEqual(violationsOf({ requests: three }), wrong(`expected "/a" or "/b" or "/c", got "${PATH}"`))
    assert.deepEqual(violationsOf({ requests }), wrong(`expected "/a" or "/b" or "/c" or 2 more, got "${PATH}"`))
  })

  for (const { path, other, tag } of [
    { path: '/openai/deployments/gpt-4o/chat/completions', other: '/openai/deployments/gpt-4/chat/completions' },
    { path: '/v1beta/models/gpt-4o:generateContent', other: '/v1beta/models/gpt-4:generateContent' },
    { path: '/model/gpt-4o/converse', other: '/model/gpt-4/converse' },
    { path: '/model/gpt-4o:free/converse', other: '/model/gpt-4:free/converse', tag: ':free' },
  ].map((paths) => ({ tag: '', ...paths }))) {
    test(`that carries another model is the wrong model: ${other}`, () => {
      const requests = [{ path, body: BODY }]
      assert.deepEqual(violationsOf({ requests }, { path }), [])
      assert.deepEqual(violationsOf({ requests }, { path: other, body: { ...BODY, n: 1 } }), [
        { kind: 'wrong_model', at: 'path', problem: `expected "gpt-4o${tag}", got "gpt-4${tag}"` },
        { kind: 'added_field', at: 'body.n', problem: 'expected nothing, got 1' },
      ])
    })
  }

  test('that carries a model is wrong when anything else in it differs', () => {
    for (const [expected, path] of [
      ['/v1beta/models/m:generateContent', '/v1beta/models/m:streamGenerateContent'],
      ['/model/m/converse', '/model/m/converse-stream'],
      ['/model/m/converse', '/x/model/m/converse'],
    ] as const) {
      const kinds = violationsOf({ requests: [{ path: expected }] }, { path }).map(({ kind }) => kind)
      assert.deepEqual(kinds, ['wrong_path'])
    }
  })

  test('carries the same model however that is escaped', () => {
    const requests = [{ path: '/model/anthropic.claude-v2:1/invoke' }]
    assert.deepEqual(violationsOf({ requests }, { path: '/model/anthropic.claude-v2%3A1/invoke' }), [])
    assert.deepEqual(violationsOf({ requests }, { path: '/model/anthropic.claude-v2%3A2/invoke' }), [
      { kind: 'wrong_model', at: 'path', problem: 'expected "anthropic.claude-v2:1", got "anthropic.claude-v2:2"' },
    ])
    assert.equal(violationsOf({ requests }, { path: '/model/%/invoke' })[0]?.problem.endsWith('got "%"'), true)
  })
})

describe('a header', () => {
  test('may be lost', () => {
    const violation = { kind: 'lost_header', at: 'headers.x-team', problem: 'expected "blue", got nothing' }
    assert.deepEqual(inHeaders({ 'X-Team': 'blue' }, {}), [violation])
    assert.deepEqual(inHeaders({ constructor: 'blue' }, {}).length, 1)
  })

  test('may be changed', () => {
    const changed = (problem: string) => [{ kind: 'changed_header', at: 'headers.x-team', problem }]
    assert.deepEqual(inHeaders({ 'x-team': 'blue' }, { 'x-team': 'red' }), changed('expected "blue", got "red"'))
    const several = { 'x-team': ['red', 'blue'] }
    assert.deepEqual(inHeaders({ 'x-team': 'blue' }, several), changed('expected "blue", got "red, blue"'))
  })

  test('never shows a key', () => {
    const expected = { authorization: 'Bearer sk-abcdefgh', 'x-api-key': 'sk-abcdefgh' }
    assert.deepEqual(inHeaders(expected, { authorization: 'Basic sk-ijklmnop' }), [
      {
        kind: 'changed_header',
        at: 'headers.authorization',
        problem: 'expected "Bearer ****efgh", got "Basic ****mnop"',
      },
      { kind: 'lost_header', at: 'headers.x-api-key', problem: 'expected "****efgh", got nothing' },
    ])
    assert.deepEqual(inHeaders({ 'api-key': 'sk-abcd-1234' }, { 'api-key': 'sk-efgh-1234' }), [
      {
        kind: 'changed_header',
        at: 'headers.api-key',
        problem: 'expected "****1234", got "****1234", different where it is masked',
      },
    ])
  })
})

describe('a key', () => {
  const keyShares = { 'sk-abcdefgh': 0.5, 'sk-ijklmnop': 0.5 }
  const wrong = (got: string) => [
    { kind: 'wrong_key', at: 'key', problem: `expected one of those with a share, got ${got}` },
  ]

  test('that has a share is right', () => {
    assert.deepEqual(violationsOf({ keyShares }, { key: 'sk-ijklmnop' }), [])
  })

  test('that has none is wrong, and so is no key', () => {
    assert.deepEqual(violationsOf({ keyShares }, { key: 'sk-qrstuvwx' }), wrong('"****uvwx"'))
    assert.deepEqual(violationsOf({ keyShares }), wrong('none'))
  })

  test('is told besides what else is wrong', () => {
    const violations = violationsOf({ keyShares, requests: [{ path: '/' }] })
    assert.deepEqual(
      violations.map(({ kind }) => kind),
      ['wrong_path', 'wrong_key'],
    )
  })
})
