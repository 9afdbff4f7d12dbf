import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isJsonObject, mergeJson, parseJsonObject, type JsonObject } from './json-object.ts'

const anyObject = fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<unknown>) as fc.Arbitrary<JsonObject>

describe('mergeJson', () => {
  test('objects are merged, arrays and single values replaced', () => {
    const base = { a: { b: 1, c: [1, 2] }, d: { e: 1 }, f: 1 }
    assert.deepEqual(mergeJson(base, { a: { c: [3] }, d: 2, g: { h: null } }), {
      a: { b: 1, c: [3] },
      d: 2,
      f: 1,
      g: { h: null },
    })
    assert.deepEqual(base, { a: { b: 1, c: [1, 2] }, d: { e: 1 }, f: 1 })
  })

  test('nothing merged over anything, and anything over nothing, is that', () => {
    fc.assert(
      fc.property(anyObject, (value) => {
        assert.deepEqual(mergeJson(value, {}), { ...value })
        assert.deepEqual(mergeJson({}, value), { ...value })
        assert.deepEqual(mergeJson(value, value), { ...value })
      }),
    )
  })

  test('every single value of what is merged over is there afterwards', () => {
    const leaves = (value: JsonObject, path = ''): [string, unknown][] =>
      Object.entries(value).flatMap(([name, item]) =>
        isJsonObject(item) && Object.keys(item).length > 0
          ? leaves(item, `${path}${JSON.stringify(name)}`)
          : [[`${path}${JSON.stringify(name)}`, item]],
      )
    fc.assert(
      fc.property(anyObject, anyObject, (base, over) => {
        const merged = new Map(leaves(mergeJson(base, over)))
        for (const [path, value] of leaves(over)) if (!isJsonObject(value)) assert.deepEqual(merged.get(path), value)
      }),
    )
  })

  test('a member called __proto__ is a member', () => {
    const merged = mergeJson({}, JSON.parse('{"__proto__":{"polluted":1}}') as JsonObject)
    assert.deepEqual(Object.keys(merged), ['__proto__'])
    assert.ok(!('polluted' in {}))
  })
})

test('a text that is no object says what it is, and quotes nothing of it', () => {
  assert.deepEqual(parseJsonObject('{"a":1}'), { a: 1 })
  assert.equal(parseJsonObject('[1]'), 'must be a JSON object, got an array')
  assert.equal(parseJsonObject('null'), 'must be a JSON object, got null')
  assert.equal(parseJsonObject('5'), 'must be a JSON object, got a number')
  assert.equal(parseJsonObject('{"value":"sk-secret" oops'), parseJsonObject('{"value":"sk-secret" ooops'))
  for (const text of ['sk-secret', '{"value": sk-secret}', '{"value":"sk-secret"', '{"a":"sk-secret",}']) {
    const problem = parseJsonObject(text)
    assert.match(problem as string, /^is not JSON/)
    assert.doesNotMatch(problem as string, /secret/)
  }
})
