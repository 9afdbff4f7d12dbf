import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bodyPlace, maskKey, toldHeader } from './strict-text.ts'

test('a place in a body is written with dots, or with brackets where a name needs quotes', () => {
  for (const [steps, place] of [
    [[], 'body'],
    [['temperature'], 'body.temperature'],
    [['messages', 0, 'content'], 'body.messages[0].content'],
    [['metadata', 'a.b', ''], 'body.metadata["a.b"][""]'],
    [['x-y', '0'], 'body.x-y.0'],
  ] as const) {
    assert.equal(bodyPlace(steps), place)
  }
  assert.ok(bodyPlace(['x'.repeat(1e6)]).length < 100)
})

describe('a key is masked', () => {
  test('but for its last 4 characters, or half of them', () => {
    const masked = ['', 'a', 'ab', 'sk-a', 'sk-abcd', 'sk-abcde', 'sk-abcdefgh'].map(maskKey)
    assert.deepEqual(masked, ['****', '****', '****b', '****-a', '****bcd', '****bcde', '****efgh'])
  })

  test('in the headers that carry one, with its scheme', () => {
    for (const [name, value, text] of [
      ['authorization', 'Bearer sk-abcdefgh', '"Bearer ****efgh"'],
      ['authorization', 'basic sk-abcdefgh', '"basic ****efgh"'],
      ['authorization', 'sk-abcdefgh', '"****efgh"'],
      ['authorization', 'sk-abcdefgh sk-ijklmnop', '"****mnop"'],
      ['x-api-key', 'sk-abcdefgh', '"****efgh"'],
      ['api-key', 'sk-abcdefgh', '"****efgh"'],
      ['x-goog-api-key', 'sk-abcdefgh', '"****efgh"'],
      ['x-team', 'Bearer blue', '"Bearer blue"'],
      ['authorization', undefined, 'nothing'],
    ] as const) {
      assert.equal(toldHeader(name, value), text)
    }
  })
})
