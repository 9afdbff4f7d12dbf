import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asked, type Asking } from './behaviours.fixture.ts'

describe('whose settings count', () => {
  const { behaviour, delaysMs } = asked({
    ...{ latency: 10, tokens: 5, responseSize: 1_000 },
    models: { m: { latency: 20, tokensPerChunk: 2, responseSize: 'tokens' } },
    keys: { k: { latency: 30, tokens: 7 } },
  })
  const cases: {
    who: string
    asking: Asking
    expected: [ms: number, tokens: number, perChunk: number, bytes: number | undefined]
  }[] = [
    { who: "nobody's: the mock's", asking: { model: 'other' }, expected: [10, 5, 1, 1_000] },
    { who: "a model's win over the mock's", asking: { model: 'm' }, expected: [20, 5, 2, undefined] },
    { who: "a key's win over the mock's", asking: { key: 'k', model: 'other' }, expected: [30, 7, 1, 1_000] },
    {
      who: "a key's win over a model's, each setting by itself",
      asking: { key: 'k' },
      expected: [30, 7, 2, undefined],
    },
    { who: 'a key without settings changes nothing', asking: { key: 'K' }, expected: [20, 5, 2, undefined] },
    {
      who: 'names are never those of a prototype',
      asking: { key: 'toString', model: '__proto__' },
      expected: [10, 5, 1, 1_000],
    },
  ]
  for (const { who, asking, expected } of cases) {
    test(who, () => {
      const of = behaviour(asking)
      assert.deepEqual([...delaysMs(1, asking), of.nextTokens(), of.tokensPerChunk, of.nextResponseBytes()], expected)
    })
  }

  test('a model is found by its name, whatever characters that has', () => {
    const names = ['gpt-π 🦊', 'a/b:c', '"', '\\', 'constructor', '\u0000\n']
    const models = Object.fromEntries(names.map((name, at) => [name, { latency: at + 1 }]))
    const { delaysMs } = asked({ models })
    assert.deepEqual(
      names.map((model) => delaysMs(1, { model })[0]),
      [1, 2, 3, 4, 5, 6],
    )
  })

  test('every pair of a hundred models and keys has its own mixture, also where not all of them are remembered', () => {
    const numbers = Array.from({ length: 101 }, (_, at) => at + 1)
    const { behaviour, delaysMs } = asked({
      models: Object.fromEntries(numbers.map((latency) => [`m${latency}`, { latency }])),
      keys: Object.fromEntries(numbers.map((tokens) => [`k${tokens}`, { tokens }])),
    })
    for (const latency of [...numbers, 1]) {
      const model = `m${latency}`
      for (const tokens of numbers) assert.equal(behaviour({ model, key: `k${tokens}` }).nextTokens(), tokens)
      assert.deepEqual(delaysMs(1, { model, key: 'k1' }), [latency])
    }
  })
})

describe('the first token of a stream', () => {
  test('comes after a delay of its own, without jitter', () => {
    const { firstTokensMs, delaysMs } = asked({ latency: 100, jitter: 50, firstToken: 7 })
    assert.deepEqual(firstTokensMs(5), [7, 7, 7, 7, 7])
    assert.notDeepEqual(delaysMs(5), [100, 100, 100, 100, 100])
  })

  test('without one comes after latency +- jitter, drawn as for an answer that is given whole', () => {
    const drawn = { latency: 'uniform:100ms:200ms', jitter: 50 }
    const asStream = asked(drawn).firstTokensMs(50)
    assert.deepEqual(asStream, asked(drawn).delaysMs(50))
    assert.ok(new Set(asStream).size > 40)
    // One stream of chance for both.
    const both = asked(drawn)
    assert.deepEqual([...both.firstTokensMs(1), ...both.delaysMs(1), ...both.firstTokensMs(1)], asStream.slice(0, 3))
  })

  test("may be a model's own, or a key's", () => {
    const { firstTokensMs } = asked({ latency: 100, models: { m: { firstToken: 3 } }, keys: { k: { firstToken: 4 } } })
    assert.deepEqual(firstTokensMs(1, 0, { model: 'other' }), [100])
    assert.deepEqual(firstTokensMs(1), [3])
    assert.deepEqual(firstTokensMs(1, 0, { key: 'k' }), [4])
  })

  test('is later for a longer prompt, and by the factor of the time, as every delay is', () => {
    const mock = asked({ firstToken: 10, latency: 20, latencyPerPromptToken: 0.5, latencyOverTime: 'step:5s:3' })
    const asking = { promptTokens: 8 }
    assert.deepEqual([...mock.firstTokensMs(1, 0, asking), ...mock.delaysMs(1, asking)], [14, 24])
    mock.at(5)
    assert.deepEqual([...mock.firstTokensMs(1, 0, asking), ...mock.delaysMs(1, asking)], [42, 72])
  })
})

describe('no delay is longer than an hour', () => {
  const HOUR_MS = 3_600_000

  test('whatever the prompt and the factor of the time', () => {
    const mock = asked({ latency: '3600s', latencyPerPromptToken: 1_000, latencyOverTime: 'step:0:1000' })
    assert.deepEqual(mock.delaysMs(1), [HOUR_MS])
    assert.deepEqual(mock.firstTokensMs(1, HOUR_MS, { promptTokens: 1e9 }), [HOUR_MS])
  })

  test('however long the queue is; and a server is kept no longer than that either', () => {
    const mock = asked({ latency: '1800s', latencyOverTime: 'step:0:4', servers: 1 })
    assert.deepEqual(mock.delaysMs(2), [HOUR_MS, HOUR_MS])
    assert.deepEqual(mock.firstTokensMs(1, HOUR_MS), [HOUR_MS])
    // Three hours for the three above, and one for what the stream takes after its first token.
    mock.control.change({ latencyOverTime: '', latency: 1 })
    mock.at(4 * 3_600)
    assert.deepEqual(mock.delaysMs(1), [1])
  })
})
