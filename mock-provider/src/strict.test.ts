import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readStrict, stepsOf } from './strict.ts'

fc.configureGlobal({ seed: 1 })

/** The problems that a value is refused with. */
function problemsOf(value: unknown): string[] {
  const problems: string[] = []
  assert.equal(readStrict(value, problems) === undefined, problems.length > 0)
  return problems
}

function nested(levels: number): unknown {
  return JSON.parse('{"a":'.repeat(levels) + '1' + '}'.repeat(levels))
}

describe('what is expected is read', () => {
  test('whole', () => {
    const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], temperature: 0.5 }
    const problems: string[] = []
    const config = readStrict(
      {
        refuse: true,
        requests: [
          {
            path: '/v1/chat/completions',
            headers: { Authorization: 'Bearer sk-a', 'X-Team': 'blue' },
            body,
            ignore: ['stream_options', 'metadata.trace', 'messages[0].name'],
          },
        ],
        keyShares: { 'sk-a': 0.7, 'sk-b': 0.3 },
      },
      problems,
    )
    assert.deepEqual(problems, [])
    assert.deepEqual(config, {
      refuse: true,
      requests: [
        {
          path: '/v1/chat/completions',
          headers: { authorization: 'Bearer sk-a', 'x-team': 'blue' },
          body,
          ignore: ['stream_options', 'metadata.trace', 'messages[0].name'],
        },
      ],
      keyShares: { 'sk-a': 0.7, 'sk-b': 0.3 },
    })
  })

  test('with defaults for what is absent or null', () => {
    const expected = { refuse: false, requests: [{ path: '/', headers: {}, ignore: [] }], keyShares: {} }
    assert.deepEqual(readStrict({ requests: [{ path: '/' }] }, []), expected)
    const nulls = { refuse: null, requests: [{ path: '/', headers: null, body: null, ignore: null }], keyShares: null }
    assert.deepEqual(readStrict(nulls, []), expected)
  })

  test('whatever problems there were before', () => {
    const problems = ['port: must be below 65536']
    assert.ok(readStrict({ requests: [{ path: '/' }] }, problems))
    assert.equal(problems.length, 1)
  })

  test('and read again, is the same', () => {
    const config = readStrict(
      { requests: [{ path: '/', headers: { A: 'b' }, body: {} }], keyShares: { a: 3, b: 1 } },
      [],
    )
    assert.deepEqual(readStrict(config, []), config)
  })

  test('with shares that are 1 together, whatever their sum was', () => {
    const config = readStrict({ keyShares: { a: 2, b: 5, c: 1 } }, [])
    assert.deepEqual(config?.keyShares, { a: 0.25, b: 0.625, c: 0.125 })
  })
})

describe('what cannot be expected is refused', () => {
  for (const { value, problems } of [
    { value: 'on', problems: ['strict: must be an object, got a string'] },
    { value: [], problems: ['strict: must be an object, got an array'] },
    { value: {}, problems: ['strict: nothing is expected; give requests, keyShares or both'] },
    { value: { requests: [] }, problems: ['strict: nothing is expected; give requests, keyShares or both'] },
    {
      value: { requests: [], keyShares: {} },
      problems: ['strict: nothing is expected; give requests, keyShares or both'],
    },
    { value: { requests: {} }, problems: ['strict.requests: must be an array, got an object'] },
    { value: { requests: [null] }, problems: ['strict.requests[0]: must be an object, got null'] },
    { value: { requests: [{}] }, problems: ['strict.requests[0].path: must start with "/", got nothing'] },
    { value: { requests: [{ path: 'v1' }] }, problems: ['strict.requests[0].path: must start with "/", got "v1"'] },
    {
      value: { requests: [{ path: '/v1?a=b' }] },
      problems: ['strict.requests[0].path: must be without a query, got "/v1?a=b"'],
    },
    {
      value: { requests: [{ path: '/', body: [] }] },
      problems: ['strict.requests[0].body: must be an object, got an array'],
    },
    {
      value: { requests: [{ path: '/', ignore: 'metadata' }] },
      problems: ['strict.requests[0].ignore: must be an array, got a string'],
    },
    {
      value: { requests: [{ path: '/', headers: ['a'] }] },
      problems: ['strict.requests[0].headers: must be an object, got an array'],
    },
  ]) {
    test(problems[0], () => {
      assert.deepEqual(problemsOf(value), problems)
    })
  }

  test('all at once, each with its place', () => {
    const value = {
      refuse: 'yes',
      request: [],
      requests: [
        { path: '/good' },
        {
          path: 3,
          header: {},
          headers: { 'bad name': 'x', 'x-a': ' x', 'x-b': 7, 'x-c': 'x', 'X-C': 'y' },
          body: 'x',
          ignore: ['', 5, 'a..b', '.a', 'a[x]', 'a.b[0].c'],
        },
      ],
      keyShares: { 'sk-abcdefgh': 0, 'sk-ijklmnop': '1', '': 1 },
    }
    const ignore = 'must be a place in the body, as metadata.trace or messages[0].name, got'
    assert.deepEqual(problemsOf(value), [
      'strict.request: unknown; the members are refuse, requests, keyShares',
      'strict.refuse: must be true or false, got "yes"',
      'strict.requests[1].header: unknown; the members are path, headers, body, ignore',
      'strict.requests[1].body: must be an object, got a string',
      'strict.requests[1].path: must start with "/", got 3',
      'strict.requests[1].headers.bad name: is a header that no request can have',
      'strict.requests[1].headers.x-a: is a header that no request can have',
      'strict.requests[1].headers.x-b: must be a string, got a number',
      'strict.requests[1].headers.X-C: is there twice; case does not matter in names',
      `strict.requests[1].ignore[0]: ${ignore} ""`,
      `strict.requests[1].ignore[1]: ${ignore} 5`,
      `strict.requests[1].ignore[2]: ${ignore} "a..b"`,
      `strict.requests[1].ignore[3]: ${ignore} ".a"`,
      `strict.requests[1].ignore[4]: ${ignore} "a[x]"`,
      'strict.keyShares["****efgh"]: must be a number above 0, got 0',
      'strict.keyShares["****mnop"]: must be a number above 0, got "1"',
      'strict.keyShares["****"]: the key must not be empty',
    ])
  })

  test('without showing a key that stands in the wrong place', () => {
    const key = 'sk-abcdefgh'
    for (const value of [
      key,
      { requests: { headers: { authorization: key } } },
      { requests: [key] },
      { requests: [{ path: '/', headers: key }] },
      { requests: [{ path: '/', headers: { authorization: [key] } }] },
      { requests: [{ path: '/', headers: { authorization: ` ${key}` } }] },
      { keyShares: key },
      { keyShares: [key] },
      { keyShares: { [key]: -1 } },
    ]) {
      assert.doesNotMatch(problemsOf(value).join(), /abcd/)
    }
  })

  test('when a body is nested deeper than 64, however deep', () => {
    const problem = ['strict.requests[0].body: must not be nested deeper than 64']
    assert.deepEqual(problemsOf({ requests: [{ path: '/', body: nested(64) }] }), [])
    assert.deepEqual(problemsOf({ requests: [{ path: '/', body: nested(65) }] }), problem)
    assert.deepEqual(problemsOf({ requests: [{ path: '/', body: nested(100_000) }] }), problem)
    assert.equal(problemsOf({ refuse: nested(100_000), keyShares: { a: nested(100_000) } }).length, 2)
  })
})

test('whatever the value is, it is read or refused with problems', () => {
  const names = fc.constantFrom('refuse', 'requests', 'keyShares', 'other')
  const requestNames = fc.constantFrom('path', 'headers', 'body', 'ignore', 'other')
  const requests = fc.array(fc.dictionary(requestNames, fc.oneof(fc.jsonValue(), fc.constant('/'))))
  fc.assert(
    fc.property(fc.dictionary(names, fc.oneof(fc.jsonValue(), requests)), (value) => {
      for (const problem of problemsOf(value)) assert.match(problem, /^strict[^ ]*.*: ./)
    }),
  )
})

test('a place is its steps', () => {
  assert.deepEqual(stepsOf('metadata.trace'), ['metadata', 'trace'])
  assert.deepEqual(stepsOf('messages[0].content[12]'), ['messages', '0', 'content', '12'])
})
