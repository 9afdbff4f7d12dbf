import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { estimateTokens } from './completion.ts'
import {
  ANTHROPIC,
  ask,
  CALLERS,
  delayOf,
  OPENAI,
  until,
  withStoppedClock,
  type Caller,
} from './server.callers.fixture.ts'
import type { Mock } from './server.fixture.ts'

/** Statuses of so many requests, one after the other. */
async function statuses(mock: Mock, count: number, key = 'sk-test-1', caller = OPENAI, body = {}): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < count; i++) {
    const response = await ask(mock, caller, { key, body })
    await response.arrayBuffer()
    all.push(response.status)
  }
  return all
}

/** Headers that tell of limits, without what is the same for all. */
function limitsOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.includes('ratelimit') || name === 'retry-after'))
}

/** What a request comes to: its prompt, from the length of its body, and the tokens of its answer. */
function promptTokens(caller: Caller, body: Readonly<Record<string, unknown>> = {}): number {
  return estimateTokens(JSON.stringify({ ...caller.body, ...body }).length)
}

async function errorOf(response: Response): Promise<{ type: string; code?: string; message: string }> {
  return ((await response.json()) as { error: { type: string; code?: string; message: string } }).error
}

describe('requests per minute', () => {
  test('of one key are answered up to the limit, then refused until the next one is due', async () => {
    await withStoppedClock({ requestsPerMinute: 3 }, async (mock, advanceMs) => {
      assert.deepEqual(await statuses(mock, 5), [200, 200, 200, 429, 429])
      advanceMs(19_999)
      assert.deepEqual(await statuses(mock, 1), [429])
      advanceMs(1)
      assert.deepEqual(await statuses(mock, 2), [200, 429])
      advanceMs(60_000)
      assert.deepEqual(await statuses(mock, 4), [200, 200, 200, 429])
    })
  })

  test('of other keys, and of no key at all, are not affected', async () => {
    await withStoppedClock({ requestsPerMinute: 1 }, async (mock) => {
      assert.deepEqual(await statuses(mock, 2, 'sk-one'), [200, 429])
      assert.deepEqual(await statuses(mock, 2, 'sk-two'), [200, 429])
      assert.deepEqual([(await mock.chat()).status, (await mock.chat()).status], [200, 429])
    })
  })

  test('count together in all dialects and for all models, streams included', async () => {
    await withStoppedClock({ requestsPerMinute: 3 }, async (mock) => {
      assert.deepEqual(await statuses(mock, 1, 'sk-one', OPENAI), [200])
      assert.deepEqual(await statuses(mock, 1, 'sk-one', ANTHROPIC, { model: 'claude' }), [200])
      assert.deepEqual(await statuses(mock, 2, 'sk-one', OPENAI, { stream: true }), [200, 429])
      assert.deepEqual(await statuses(mock, 1, 'sk-one', ANTHROPIC, { stream: true }), [429])
    })
  })

  test('are told in the headers of OpenAI, success and refusal alike', async () => {
    await withStoppedClock({ requestsPerMinute: 2 }, async (mock) => {
      const told = (remaining: string, reset: string) => ({
        'x-ratelimit-limit-requests': '2',
        'x-ratelimit-remaining-requests': remaining,
        'x-ratelimit-reset-requests': reset,
      })
      assert.deepEqual(limitsOf(await ask(mock, OPENAI)), told('1', '30s'))
      assert.deepEqual(limitsOf(await ask(mock, OPENAI, { body: { stream: true } })), told('0', '1m0s'))
      const refused = await ask(mock, OPENAI)
      assert.equal(refused.status, 429)
      assert.deepEqual(limitsOf(refused), { ...told('0', '1m0s'), 'retry-after': '30' })
      const error = await errorOf(refused)
      assert.equal(error.code, 'rate_limit_exceeded')
      assert.match(error.message, /may use 2 requests a minute/)
    })
  })

  test('are told in the headers of Anthropic, success and refusal alike', async () => {
    await withStoppedClock({ requestsPerMinute: 1 }, async (mock) => {
      for (const [status, retryAfter] of [
        [200, {}],
        [429, { 'retry-after': '60' }],
      ] as const) {
        const beforeMs = Date.now()
        const response = await ask(mock, ANTHROPIC)
        assert.equal(response.status, status)
        const { 'anthropic-ratelimit-requests-reset': reset, ...rest } = limitsOf(response)
        const left = { 'anthropic-ratelimit-requests-limit': '1', 'anthropic-ratelimit-requests-remaining': '0' }
        assert.deepEqual(rest, { ...left, ...retryAfter })
        assert.match(reset ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        assert.ok(Date.parse(reset ?? '') >= beforeMs + 60_000)
        if (status === 429) assert.equal((await errorOf(response)).type, 'rate_limit_error')
      }
    })
  })

  test('are told with the errors that faults make, too', async () => {
    await withStoppedClock({ requestsPerMinute: 2 }, async (mock) => {
      const failed = await ask(mock, OPENAI, { fault: 'error=503' })
      assert.equal(failed.status, 503)
      assert.equal(limitsOf(failed)['x-ratelimit-remaining-requests'], '1')
    })
  })
})

describe('tokens per minute', () => {
  test('are those that the usage tells: of the prompt and of the answer', async () => {
    for (const { config, body } of [
      { config: { responseSize: 1_000 }, body: {} },
      { config: { responseSize: 1_000 }, body: { max_tokens: 7 } },
      { config: { responseSize: 'tokens', tokens: 33 }, body: {} },
      { config: { responseSize: 'tokens', tokens: 33 }, body: { max_tokens: 7 } },
    ]) {
      await withStoppedClock({ ...config, tokensPerMinute: 1_000 }, async (mock) => {
        const response = await ask(mock, OPENAI, { body })
        const { usage } = (await response.json()) as { usage: { prompt_tokens: number; total_tokens: number } }
        assert.equal(usage.prompt_tokens, promptTokens(OPENAI, body))
        assert.equal(limitsOf(response)['x-ratelimit-remaining-tokens'], String(1_000 - usage.total_tokens))
      })
    }
  })

  test('of a stream are those of its prompt and its chunks, up to its own limit', async () => {
    await withStoppedClock({ tokens: 100, tokensPerMinute: 1_000 }, async (mock) => {
      for (const [body, answerTokens] of [
        [{ stream: true }, 100],
        [{ stream: true, max_tokens: 40 }, 40],
      ] as const) {
        const key = `sk-${answerTokens}`
        const used = promptTokens(OPENAI, body) + answerTokens
        const response = await ask(mock, OPENAI, { body, key })
        assert.equal(limitsOf(response)['x-ratelimit-remaining-tokens'], String(1_000 - used))
      }
    })
  })

  test('refuse what is above them, with the time until it fits', async () => {
    const used = promptTokens(OPENAI) + 20
    const config = { responseSize: 'tokens', tokens: 20, tokensPerMinute: 2 * used }
    await withStoppedClock(config, async (mock, advanceMs) => {
      assert.deepEqual(await statuses(mock, 2), [200, 200])
      const refused = await ask(mock, OPENAI)
      assert.equal(refused.status, 429)
      assert.equal(limitsOf(refused)['retry-after'], '30')
      assert.match((await errorOf(refused)).message, new RegExp(`may use ${2 * used} tokens a minute`))
      advanceMs(30_000)
      assert.deepEqual(await statuses(mock, 2), [200, 429])
    })
  })

  for (const caller of CALLERS) {
    test(`refuse what no wait would let through, without asking ${caller.name}'s callers to wait`, async () => {
      await withStoppedClock({ tokensPerMinute: 10 }, async (mock) => {
        const refused = await ask(mock, caller)
        assert.equal(refused.status, 429)
        assert.equal(refused.headers.get('retry-after'), null)
      })
    })
  }
})

test('tokens per minute of embeddings are those of their inputs alone', async () => {
  await withStoppedClock({ tokensPerMinute: 100 }, async (mock) => {
    const embeddings = { ...OPENAI, path: '/v1/embeddings', body: { model: 'm', input: [1, 2, 3] } }
    assert.equal(limitsOf(await ask(mock, embeddings))['x-ratelimit-remaining-tokens'], '97')
  })
})

describe('limits of their own', () => {
  test('have a model and a key, the key before the model', async () => {
    const config = {
      requestsPerMinute: 1,
      models: { large: { requestsPerMinute: 2 } },
      keys: { 'sk-rich': { requestsPerMinute: 3 } },
    }
    await withStoppedClock(config, async (mock) => {
      assert.deepEqual(await statuses(mock, 2, 'sk-one'), [200, 429])
      // Apart from what the key has used of other models.
      assert.deepEqual(await statuses(mock, 3, 'sk-one', OPENAI, { model: 'large' }), [200, 200, 429])
      assert.deepEqual(await statuses(mock, 2, 'sk-rich'), [200, 200])
      assert.deepEqual(await statuses(mock, 2, 'sk-rich', OPENAI, { model: 'large' }), [200, 429])
    })
  })

  test('are none where none is set', async () => {
    await withStoppedClock({ keys: { 'sk-poor': { requestsPerMinute: 1 } } }, async (mock) => {
      assert.deepEqual(await statuses(mock, 2, 'sk-poor'), [200, 429])
      assert.deepEqual(await statuses(mock, 3, 'sk-other'), [200, 200, 200])
      assert.deepEqual(limitsOf(await ask(mock, OPENAI, { key: 'sk-other' })), {})
    })
  })
})

test('a request that is refused keeps no server from the others', async () => {
  await withStoppedClock({ latency: 10, servers: 1, requestsPerMinute: 1 }, async (mock, advanceMs) => {
    const first = ask(mock, OPENAI, { key: 'sk-greedy' })
    await until(() => mock.server.waiting() === 1)
    assert.deepEqual(await statuses(mock, 5, 'sk-greedy'), [429, 429, 429, 429, 429])
    const second = ask(mock, OPENAI, { key: 'sk-modest' })
    await until(() => mock.server.waiting() === 2)
    advanceMs(1_000)
    const planned = await Promise.all(
      [first, second].map(async (answer) => delayOf(await (await answer).text()).plannedUs),
    )
    assert.deepEqual(planned, [10_000, 20_000])
  })
})
