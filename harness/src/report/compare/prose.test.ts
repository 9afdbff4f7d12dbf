import assert from 'node:assert/strict'
import { test } from 'node:test'
import { code, listed, plain } from './prose.ts'

test('the words of others stay one line and make no tag and no emphasis', () => {
  assert.equal(plain(' a\n  <b>bold</b> *c* `d` '), String.raw`a &lt;b>bold&lt;/b> \*c\* \`d\``)
  assert.equal(plain('p99 <= 5 and 1 < 2'), 'p99 <= 5 and 1 < 2')
})

test('quoted exactly, a text keeps its backticks', () => {
  assert.equal(code('a\n*b*'), '`a *b*`')
  assert.equal(code('run `x`'), '``` run `x` ```')
})

test('a list reads as a sentence does', () => {
  assert.deepEqual([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed), ['', 'a', 'a and b', 'a, b and c'])
})
