import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseTarget } from './address.ts'

describe('a target is', () => {
  for (const [text, target] of [
    ['builtin', 'builtin'],
    ['direct', 'direct'],
    ['nginx', 'nginx'],
    ['haproxy', 'haproxy'],
    ['portkey', 'portkey'],
    ['litellm', 'litellm'],
    ['bifrost', 'bifrost'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['http://gateway.internal', 'http://gateway.internal'],
    ['http://[::1]:8080/llm/', 'http://[::1]:8080/llm'],
  ] as const) {
    test(text, () => {
      assert.deepEqual(parseTarget(text), { target })
    })
  }
})

describe('a target is not', () => {
  for (const [text, why] of [
    [
      'kong',
      /^"kong" is not a known target; write direct, builtin, .*, a base URL such as .*, or the path of a target file/,
    ],
    ['litellmm', /did you mean litellm\?/],
    ['nowhere/gateway.json', /^nowhere\/gateway.json: cannot be read as JSON: ENOENT/],
    ['buildin', /did you mean builtin\?/],
    ['127.0.0.1:8080', /is not a known target/],
    ['https://gateway', /https is not supported, only http for now/],
    ['ftp://gateway', /only http is supported/],
    ['http://', /is not a URL/],
    ['http://me:secret@gateway', /pass them with --header/],
    ['http://gateway?x=1', /no query/],
    ['http://gateway/v1', /leave out \/v1/],
    ['http://gateway/v1/chat/completions', /leave out \/v1/],
  ] as const) {
    test(text, () => {
      const parsed = parseTarget(text)
      assert.ok('problem' in parsed)
      assert.match(parsed.problem, why)
      assert.doesNotMatch(parsed.problem, /secret/)
    })
  }
})
