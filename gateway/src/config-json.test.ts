import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { jsonProblem } from './config-json.ts'

test('JSON has no problem', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.equal(jsonProblem(text), undefined)
    }),
  )
})

test('every mistake has its place', () => {
  const facts: [text: string, problem: RegExp][] = [
    ['[1,\n 2,\n]', /^Unexpected token in JSON at position 8 \(line 3 column 1\)$/],
    ['{"a": nul}', /position 9 \(line 1 column 10\)$/],
    ['{"a": 1\n"b"}', /position 8 \(line 2 column 1\)$/],
    ['{"a": 1,}', /position 8 \(line 1 column 9\)$/],
    ['x', /position 0 \(line 1 column 1\)$/],
    ['1 x', /position 2 \(line 1 column 3\)$/],
    ['', /^Unexpected end of JSON input$/],
  ]
  for (const [text, problem] of facts) assert.match(jsonProblem(text) ?? '', problem, text)
})

test('a wrong character is found wherever it is', () => {
  const wrong = '\u0001'
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, at) => {
      const place = at % (text.length + 1)
      const problem = jsonProblem(text.slice(0, place) + wrong + text.slice(place)) ?? ''
      assert.equal(/at position (\d+)/.exec(problem)?.[1], String(place), problem)
    }),
  )
})

test('no problem quotes the text', () => {
  for (const text of ['{"value": "sk-SECRET" x', '{"value": "sk-SECRET\n"}', 'sk-SECRET', '{"a": SECRET}', '"SECRET']) {
    assert.doesNotMatch(jsonProblem(text) ?? '', /SEC/)
    assert.ok(jsonProblem(text))
  }
})
