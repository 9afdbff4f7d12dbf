import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { mergePatch } from './merge-patch.ts'

describe('the examples of RFC 7396, appendix A', () => {
  const examples: [original: string, patch: string, result: string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ]
  for (const [original, patch, result] of examples) {
    test(`${original} with ${patch} is ${result}`, () => {
      assert.deepEqual(mergePatch(JSON.parse(original), JSON.parse(patch)), JSON.parse(result))
    })
  }
})

const json = fc.jsonValue({ maxDepth: 4 })

test('a patch that is given twice changes nothing more', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const once = mergePatch(target, patch)
      assert.deepEqual(mergePatch(once, patch), once)
    }),
  )
})

test('neither the target nor the patch is changed', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const before = JSON.stringify([target, patch])
      mergePatch(target, patch)
      assert.equal(JSON.stringify([target, patch]), before)
    }),
  )
})

test('a member that is called as something of every object is a member like others', () => {
  const patch: unknown = JSON.parse('{"__proto__":{"latency":5},"constructor":{"a":1},"toString":2}')
  const merged = mergePatch({}, patch)
  assert.equal(JSON.stringify(merged), JSON.stringify(patch))
  assert.equal(Object.getPrototypeOf(merged), Object.prototype)
  assert.equal(
    JSON.stringify(mergePatch(merged, JSON.parse('{"__proto__":null}'))),
    '{"constructor":{"a":1},"toString":2}',
  )
})
