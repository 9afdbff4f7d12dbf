import assert from 'node:assert/strict'
import type { RequestListener, ServerResponse } from 'node:http'
import { describe, test, type TestContext } from 'node:test'

import type { GatewayConfigFile } from '../config.ts'
import { answerCompletion, type FakeProvider, startProvider } from '../http/test-support.ts'
import { type ChatCompletion, Gateway, GatewayRequestError } from './gateway.ts'

type Step = number | 'ok' | 'reset' | 'hang' | { status: number; retryAfter: string }
type NetworkFile = NonNullable<GatewayConfigFile['providers'][string]['network_config']>

/** A wait that no test outlives: a test that passes with it has shown that there was no wait. */
const FOR_EVER_MS = 3_600_000
const BACKOFF_MS = 20
const MESSAGES = [{ role: 'user', content: 'hi' }]

/** A provider that takes the steps one by one, then answers; it remembers which key came when. */
interface ScriptedProvider extends FakeProvider {
  keys: string[]
  arrivedMs: number[]
}

async function scripted(t: TestContext, steps: Step[], byKey: Record<string, Step> = {}): Promise<ScriptedProvider> {
  const keys: string[] = []
  const arrivedMs: number[] = []
  const listener: RequestListener = (request, response) => {
    const key = /(\w+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    keys.push(key)
    arrivedMs.push(performance.now())
    const step = byKey[key] ?? steps.shift() ?? 'ok'
    if (step === 'ok') answerCompletion(request, response)
    else if (step === 'reset') request.socket.resetAndDestroy()
    else if (step !== 'hang') answerError(response, step)
  }
  return { ...(await startProvider(t, listener)), keys, arrivedMs }
}

function answerError(response: ServerResponse, step: Exclude<Step, string>): void {
  const { status, retryAfter } = typeof step === 'number' ? { status: step, retryAfter: undefined } : step
  response.writeHead(status, { 'content-type': 'application/json', ...(retryAfter && { 'retry-after': retryAfter }) })
  response.end(JSON.stringify({ error: { type: 'test_error', code: `code_${status}`, message: `said ${status}` } }))
}

interface Options {
  keys?: string[]
  network?: NetworkFile
  fallback?: { url: string; network?: NetworkFile }
}

function startGateway(t: TestContext, provider: FakeProvider, { keys = ['a'], network = {}, fallback }: Options = {}) {
  const settings = (url: string, more: NetworkFile): NetworkFile => {
    return { base_url: url, retry_backoff_initial: BACKOFF_MS, retry_backoff_max: BACKOFF_MS, ...more }
  }
  const gateway = new Gateway(
    {
      config: { initial_pool_size: 1 },
      providers: {
        openai: {
          keys: keys.map((name) => ({ name, value: `sk-test-${name}` })),
          network_config: settings(provider.url, network),
        },
        ...(fallback && {
          second: { keys: [{ value: 'sk-test-f' }], network_config: settings(fallback.url, fallback.network ?? {}) },
        }),
      },
    },
    { random: () => 0.5 },
  )
  t.after(() => gateway.close())
  const chat = (more: object = {}): Promise<ChatCompletion> =>
    gateway.chatCompletion({ model: 'openai/m', messages: MESSAGES, ...more })
  const failure = async (more: object = {}): Promise<GatewayRequestError> => {
    try {
      await chat(more)
    } catch (error) {
      if (error instanceof GatewayRequestError) return error
      throw error
    }
    throw new Error('the request did not fail')
  }
  return { gateway, chat, failure }
}

describe('retries', () => {
  test('without max_retries there is one try', async (t) => {
    const provider = await scripted(t, [500])
    const { failure } = startGateway(t, provider)
    assert.equal((await failure()).status, 500)
    assert.equal(provider.keys.length, 1)
  })

  test('max_retries counts the tries after the first', async (t) => {
    const provider = await scripted(t, [500, 500, 500, 500])
    const { failure } = startGateway(t, provider, { network: { max_retries: 3 } })
    const { status, code } = await failure()
    assert.deepEqual([status, code, provider.keys.length], [500, 'code_500', 4])
  })

  for (const step of [500, 502, 503, 504, 'reset'] as const) {
    test(`${step}: again with the same key, after a wait`, async (t) => {
      const provider = await scripted(t, [step])
      const { chat } = startGateway(t, provider, { keys: ['a', 'b'], network: { max_retries: 1 } })
      assert.equal((await chat()).choices[0]?.finish_reason, 'stop')
      const [first, second] = provider.keys
      assert.equal(first, second)
      // A timer may fire up to 1 ms early by the clock of the test.
      assert.ok(provider.arrivedMs[1]! - provider.arrivedMs[0]! >= BACKOFF_MS - 1)
    })
  }

  test('a provider that refuses connections is tried again', async (t) => {
    const provider = await scripted(t, [])
    const { port } = new URL(provider.url)
    await new Promise((resolve) => provider.server.close(resolve))
    const { gateway, chat } = startGateway(t, provider, {
      network: { max_retries: 1, retry_backoff_initial: 300, retry_backoff_max: 300 },
    })
    // The first try finds nobody; the provider is back before the second.
    const answer = chat()
    setTimeout(() => provider.server.listen(Number(port), '127.0.0.1'), 50)
    assert.equal((await answer).choices.length, 1)
    await gateway.close()
  })

  for (const status of [400, 404, 422]) {
    test(`${status}: no retry`, async (t) => {
      const provider = await scripted(t, [status])
      const { failure } = startGateway(t, provider, { network: { max_retries: 3 } })
      assert.equal((await failure()).status, status)
      assert.equal(provider.keys.length, 1)
    })
  }

  test('the waits double up to the largest', async (t) => {
    const provider = await scripted(t, [503, 503, 503])
    const network = { max_retries: 3, retry_backoff_initial: 15, retry_backoff_max: 30 }
    const { chat } = startGateway(t, provider, { network })
    await chat()
    const waits = provider.arrivedMs.slice(1).map((at, index) => at - provider.arrivedMs[index]!)
    for (const [index, atLeast] of [14, 29, 29].entries())
      assert.ok(waits[index]! >= atLeast, `wait ${index}: ${waits[index]}`)
  })

  test('a wait beyond the deadline is not begun: the answer in hand is given', async (t) => {
    const provider = await scripted(t, [503])
    const network = {
      max_retries: 1,
      timeout: 5_000,
      retry_backoff_initial: FOR_EVER_MS,
      retry_backoff_max: FOR_EVER_MS,
    }
    assert.equal((await startGateway(t, provider, { network }).failure()).status, 503)
  })

  test('a provider that does not answer uses the whole deadline, and is not tried again', async (t) => {
    const provider = await scripted(t, ['hang'])
    const { failure } = startGateway(t, provider, { network: { max_retries: 3, timeout: 50 } })
    const { status, code } = await failure()
    assert.deepEqual([status, code, provider.keys.length], [504, 'upstream_timeout', 1])
  })
})

describe('a key at its limit (429)', () => {
  test('another key, after a wait', async (t) => {
    const provider = await scripted(t, [429])
    const { chat } = startGateway(t, provider, { keys: ['a', 'b'], network: { max_retries: 1 } })
    await chat()
    assert.deepEqual([...provider.keys].sort(), ['a', 'b'])
    assert.ok(provider.arrivedMs[1]! - provider.arrivedMs[0]! >= BACKOFF_MS - 1)
  })

  test('every key once, then a new round', async (t) => {
    const provider = await scripted(t, [429, 429, 429, 429, 429])
    const { chat } = startGateway(t, provider, { keys: ['a', 'b', 'c'], network: { max_retries: 5 } })
    await chat()
    assert.equal(new Set(provider.keys.slice(0, 3)).size, 3)
    assert.equal(new Set(provider.keys.slice(3, 6)).size, 3)
    assert.notEqual(provider.keys[2], provider.keys[3])
  })

  test('the only key is tried again', async (t) => {
    const provider = await scripted(t, [429])
    const { chat } = startGateway(t, provider, { network: { max_retries: 1 } })
    await chat()
    assert.deepEqual(provider.keys, ['a', 'a'])
  })
})

describe('a key that is refused', () => {
  for (const status of [401, 402, 403]) {
    test(`${status}: another key at once`, async (t) => {
      const provider = await scripted(t, [], { a: status, b: 'ok' })
      const network = { max_retries: 1, retry_backoff_initial: FOR_EVER_MS, retry_backoff_max: FOR_EVER_MS }
      const { chat } = startGateway(t, provider, { keys: ['a', 'b'], network })
      for (let round = 0; round < 3; round++) await chat()
    })
  }

  test('is dead for the request: a new round does not try it again', async (t) => {
    const provider = await scripted(t, [], { a: 401, b: 429, c: 429 })
    const { failure } = startGateway(t, provider, { keys: ['a', 'b', 'c'], network: { max_retries: 7 } })
    assert.equal((await failure()).status, 429)
    assert.equal(provider.keys.length, 8)
    assert.equal(provider.keys.filter((key) => key === 'a').length <= 1, true)
  })

  test('all dead: 502, and no further try', async (t) => {
    const provider = await scripted(t, [], { a: 401, b: 403 })
    const { failure } = startGateway(t, provider, { keys: ['a', 'b'], network: { max_retries: 9 } })
    const { status, code } = await failure()
    assert.deepEqual([status, code, provider.keys.length], [502, 'upstream_credentials_exhausted', 2])
  })

  test('only for this request: the next one may be served by it', async (t) => {
    const provider = await scripted(t, [401, 'ok', 'ok'])
    const { failure, chat } = startGateway(t, provider)
    assert.equal((await failure()).status, 502)
    await chat()
  })

  test('with retries used up the caller gets what the provider said', async (t) => {
    const provider = await scripted(t, [], { a: 401, b: 401 })
    const { failure } = startGateway(t, provider, { keys: ['a', 'b'], network: { max_retries: 0 } })
    assert.equal((await failure()).status, 401)
  })
})

describe('Retry-After', () => {
  test('is waited for before the same key is tried again', async (t) => {
    const provider = await scripted(t, [{ status: 503, retryAfter: '0.1' }])
    await startGateway(t, provider, { network: { max_retries: 1 } }).chat()
    assert.ok(provider.arrivedMs[1]! - provider.arrivedMs[0]! >= 99)
  })

  test('of a key that reached its limit does not hold up another key', async (t) => {
    const provider = await scripted(t, [{ status: 429, retryAfter: '3600' }])
    await startGateway(t, provider, { keys: ['a', 'b'], network: { max_retries: 1 } }).chat()
  })

  test('is remembered for each key, until its turn comes again', async (t) => {
    const limited = { status: 429, retryAfter: '2' }
    const provider = await scripted(t, [limited, limited])
    await startGateway(t, provider, { keys: ['a', 'b'], network: { max_retries: 2 } }).chat()
    const [first, second, third] = provider.keys
    assert.deepEqual([first !== second, third === first], [true, true])
    const [firstMs = 0, secondMs = 0, thirdMs = 0] = provider.arrivedMs
    assert.ok(secondMs - firstMs < 2_000, 'the other key is not held up')
    assert.ok(thirdMs - firstMs >= 1_999, 'the first one is')
  })

  test('beyond the deadline: the answer in hand is given, with the header', async (t) => {
    const provider = await scripted(t, [{ status: 429, retryAfter: '3600' }])
    const { failure } = startGateway(t, provider, { network: { max_retries: 5 } })
    assert.equal((await failure()).status, 429)
    assert.equal(provider.keys.length, 1)
  })
})

describe('fallbacks', () => {
  test('are tried when the first provider has failed, each with retries of its own', async (t) => {
    const provider = await scripted(t, [500, 500, 500])
    const second = await scripted(t, [503, 'ok'])
    const fallback = { url: second.url, network: { max_retries: 1 } }
    const { chat } = startGateway(t, provider, { network: { max_retries: 1 }, fallback })
    const answer = await chat({ fallbacks: ['second/n'] })
    assert.equal(answer.extra_fields.provider, 'second')
    assert.equal(answer.extra_fields.resolved_model, 'n')
    assert.deepEqual([provider.keys.length, second.keys.length], [2, 2])
    assert.equal((JSON.parse(second.requests[0]!.body) as { model: string }).model, 'n')
  })

  test('are not tried when the first provider answers', async (t) => {
    const provider = await scripted(t, [])
    const second = await scripted(t, [])
    const answer = await startGateway(t, provider, { fallback: second }).chat({ fallbacks: ['second/n'] })
    assert.deepEqual([answer.extra_fields.provider, second.keys.length], ['openai', 0])
  })

  test('in order, until one answers', async (t) => {
    const provider = await scripted(t, [500, 'ok'])
    const second = await scripted(t, [500])
    const { chat } = startGateway(t, provider, { fallback: second })
    assert.equal((await chat({ fallbacks: ['second/n', 'openai/other'] })).extra_fields.resolved_model, 'other')
    assert.equal(second.keys.length, 1)
  })

  test("all fail: the first provider's error", async (t) => {
    const provider = await scripted(t, [503])
    const second = await scripted(t, [422])
    const { failure } = startGateway(t, provider, { fallback: second })
    const { status, body } = await failure({ fallbacks: ['second/n'] })
    assert.deepEqual([status, body.error.message, body.extra_fields.provider], [503, 'said 503', 'openai'])
    assert.equal(second.keys.length, 1)
  })

  test('follow a timeout, with a deadline of their own', async (t) => {
    const provider = await scripted(t, ['hang'])
    const second = await scripted(t, [])
    const { chat } = startGateway(t, provider, { network: { timeout: 50 }, fallback: second })
    assert.equal((await chat({ fallbacks: ['second/n'] })).extra_fields.provider, 'second')
  })

  test('do not reach the provider in the body', async (t) => {
    const provider = await scripted(t, [])
    await startGateway(t, provider).chat({ fallbacks: [] })
    assert.equal('fallbacks' in (JSON.parse(provider.requests[0]!.body) as object), false)
  })

  test('that lead nowhere are refused before anything is sent', async (t) => {
    const provider = await scripted(t, [])
    const { failure } = startGateway(t, provider)
    for (const [fallbacks, message] of [
      [['nowhere/m'], /"nowhere"/],
      ['openai/m', /fallbacks must be an array/],
      [[7], /fallbacks.0/],
      [Array.from({ length: 11 }, () => 'openai/m'), /may hold 10, got 11/],
    ] as const) {
      const { status, body } = await failure({ fallbacks })
      assert.equal(status, 400)
      assert.match(body.error.message, message)
    }
    assert.equal(provider.keys.length, 0)
  })
})

test('a caller who leaves while a retry waits ends it', async (t) => {
  const provider = await scripted(t, [503])
  const network = { max_retries: 1, timeout: FOR_EVER_MS, retry_backoff_initial: 600_000, retry_backoff_max: 600_000 }
  const { gateway } = startGateway(t, provider, { network })
  const leaving = new AbortController()
  const call = gateway.chatCompletion({ model: 'openai/m', messages: MESSAGES }, { signal: leaving.signal })
  while (provider.keys.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  setTimeout(() => {
    leaving.abort(new Error('left'))
  }, 20)
  await assert.rejects(call, /left/)
  await gateway.close(1_000)
})
