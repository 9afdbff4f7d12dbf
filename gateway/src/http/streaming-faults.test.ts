import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'

import type { GatewayConfigFile } from '../config.ts'
import type { ErrorBody } from '../core/errors.ts'
import {
  chunk,
  DONE,
  errorIn,
  event,
  type EventReader,
  type Exchange,
  openStream,
  STREAM,
  startStreamProvider,
} from './streaming.fixture.ts'
import { assertNothingLeaked, COMPLETION, eventually, providerFile, startGateway } from './test-support.ts'

type NetworkFile = NonNullable<GatewayConfigFile['providers'][string]['network_config']>

const RETRY = { max_retries: 1, retry_backoff_initial: 1, retry_backoff_max: 1 }
const FAILURE_EVENT = event({ error: { message: 'overloaded, says sk-secret', type: 'server_error', code: null } })
const FINISHED = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })

async function start(t: TestContext, network: NetworkFile = {}) {
  const provider = await startStreamProvider(t)
  const gateway = await startGateway(t, {
    providers: { openai: providerFile(provider.url, { network_config: network }) },
  })
  return { provider, gateway }
}

/** A stream whose first event is with its caller. */
async function begun(t: TestContext, network: NetworkFile = {}) {
  const { provider, gateway } = await start(t, network)
  const opening = openStream(gateway.url)
  const upstream = await provider.next()
  upstream.send(chunk('first'))
  const caller = await opening
  assert.equal(await caller.next(), chunk('first'))
  return { provider, gateway, upstream, caller }
}

async function wholeAnswer(caller: EventReader): Promise<ErrorBody> {
  assert.match(caller.headers['content-type'] ?? '', /^application\/json/)
  const body = JSON.parse(await caller.rest()) as ErrorBody
  assert.equal(body.status_code, caller.status)
  assert.equal(body.extra_fields.request_type, 'chat_completion_stream')
  return body
}

describe('after the first event an error is the last event, and nothing is tried again', () => {
  const HUGE = 'x'.repeat(64 * 1024)
  for (const [how, breakIt, status, code, message] of [
    [
      'a provider that cuts the connection',
      (up: Exchange) => up.socket.destroy(),
      502,
      'upstream_reset',
      /openai broke/,
    ],
    [
      'a provider that resets the connection',
      (up: Exchange) => up.socket.resetAndDestroy(),
      502,
      'upstream_reset',
      /openai broke/,
    ],
    [
      'a provider that ends its answer without its last event',
      (up: Exchange) => up.response.end(),
      502,
      'upstream_reset',
      /openai ended the stream before its last event/,
    ],
    [
      'an event that is no JSON',
      (up: Exchange) => {
        up.send('data: nope\n\n')
      },
      502,
      'upstream_invalid_response',
      /malformed event/,
    ],
    [
      'an event that does not end',
      (up: Exchange) => {
        for (let kib = 0; kib <= 4 * 1024; kib += 64) up.send(HUGE)
      },
      502,
      'upstream_invalid_response',
      /malformed event/,
    ],
    [
      'an error event',
      (up: Exchange) => {
        up.send(FAILURE_EVENT)
      },
      500,
      null,
      /^overloaded, says \[key\]$/,
    ],
    [
      'chunks that are no HTTP',
      (up: Exchange) => up.socket.write('nonsense\r\n'),
      502,
      'upstream_invalid_response',
      /HTTP/,
    ],
    [
      'a provider that falls silent',
      () => undefined,
      504,
      'stream_idle_timeout',
      /sent nothing of the stream for 200 ms/,
    ],
  ] as const) {
    test(how, async (t) => {
      const silent = code === 'stream_idle_timeout'
      const { provider, gateway, upstream, caller } = await begun(t, {
        ...RETRY,
        ...(silent && { stream_idle_timeout_in_seconds: 0.2 }),
      })
      breakIt(upstream)
      const error = errorIn(await caller.next())
      assert.deepEqual([error.status, error.code, error.own], [status, code, code !== null])
      assert.match(error.message, message)
      assert.equal(await caller.next(), undefined)
      assert.equal(provider.requests.length, 1)
      assert.deepEqual(gateway.failures, [
        { status, code: code ?? 'server_error', provider: 'openai', model: 'openai/m' },
      ])
      await eventually(() => {
        assertNothingLeaked(gateway)
      })
    })
  }

  test('what the provider sent before its error, even in one piece with it, arrives', async (t) => {
    for (const bad of [FAILURE_EVENT, 'data: nope\n\n']) {
      const { upstream, caller } = await begun(t)
      upstream.send(chunk('second') + bad + chunk('third'))
      assert.equal(await caller.next(), chunk('second'))
      assert.ok(errorIn(await caller.next()).status >= 500)
      assert.equal(await caller.next(), undefined)
    }
  })

  test("the caller's own connection stays good", async (t) => {
    const { provider, gateway } = await start(t)
    for (let round = 0; round < 2; round++) {
      const answering = gateway.chat(STREAM)
      const upstream = await provider.next()
      upstream.send(chunk('a'))
      const answer = await answering
      upstream.socket.destroy()
      assert.match(await answer.text(), /upstream_reset/)
    }
    assertNothingLeaked(gateway)
  })
})

describe('before the first event', () => {
  for (const [how, breakIt] of [
    ['a broken connection', (up: Exchange) => up.socket.destroy()],
    [
      'a connection that breaks after the head',
      (up: Exchange) => {
        up.begin()
        up.socket.destroy()
      },
    ],
    [
      'an answer without an event',
      (up: Exchange) => {
        up.begin()
        up.response.end()
      },
    ],
    ['a 503', (up: Exchange) => up.response.writeHead(503).end()],
    [
      'an error event',
      (up: Exchange) => {
        up.send(FAILURE_EVENT)
      },
    ],
    [
      'a chunk and an error event in one piece',
      (up: Exchange) => {
        up.send(chunk('never seen') + FAILURE_EVENT)
      },
    ],
  ] as const) {
    test(`${how} is tried again, and the caller sees only the second try`, async (t) => {
      const { provider, gateway } = await start(t, RETRY)
      const opening = openStream(gateway.url)
      breakIt(await provider.next())
      const second = await provider.next()
      second.send(chunk('a'))
      second.finish()
      const caller = await opening
      assert.equal(caller.status, 200)
      assert.equal(await caller.rest(), chunk('a') + DONE)
      assertNothingLeaked(gateway)
      assert.deepEqual(gateway.failures, [])
    })
  }

  test('without a retry left the caller gets the error as an answer', async (t) => {
    const { provider, gateway } = await start(t, RETRY)
    const opening = openStream(gateway.url)
    for (let tries = 0; tries < 2; tries++) (await provider.next()).socket.destroy()
    const caller = await opening
    assert.equal(caller.status, 502)
    assert.equal((await wholeAnswer(caller)).error.code, 'upstream_reset')
    assertNothingLeaked(gateway)
  })

  for (const [type, status, tries] of [
    ['invalid_request_error', 400, 1],
    ['rate_limit_error', 429, 2],
    ['server_error', 500, 2],
  ] as const) {
    test(`an error event of type ${type} counts as ${status}: ${tries} in all`, async (t) => {
      const { provider, gateway } = await start(t, RETRY)
      const opening = openStream(gateway.url)
      for (let each = 0; each < tries; each++) {
        ;(await provider.next()).send(event({ error: { message: 'no, sk-secret', type } }))
      }
      const caller = await opening
      assert.equal(caller.status, status)
      const { error } = await wholeAnswer(caller)
      assert.deepEqual([error.type, error.message], [type, 'no, [key]'])
      assert.equal(provider.requests.length, tries)
      assertNothingLeaked(gateway)
    })
  }

  test('an answer that is no stream is not relayed', async (t) => {
    const { provider, gateway } = await start(t, RETRY)
    const opening = openStream(gateway.url)
    const { response } = await provider.next()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(COMPLETION))
    const { error } = await wholeAnswer(await opening)
    assert.equal(error.code, 'upstream_invalid_response')
    assert.match(error.message, /without an event stream/)
    assert.equal(provider.requests.length, 1)
    assertNothingLeaked(gateway)
  })

  test("the provider's own error keeps its status, words and Retry-After", async (t) => {
    const { provider, gateway } = await start(t)
    const opening = openStream(gateway.url)
    const { response } = await provider.next()
    response.writeHead(429, { 'retry-after': '7' })
    response.end('{"error":{"type":"tokens","code":"rate_limit","message":"key sk-secret is over its limit"}}')
    const caller = await opening
    assert.deepEqual([caller.status, caller.headers['retry-after']], [429, '7'])
    const { error } = await wholeAnswer(caller)
    assert.deepEqual(error, { type: 'tokens', code: 'rate_limit', message: 'key [key] is over its limit' })
    assertNothingLeaked(gateway)
  })

  test('the timeout holds, however much of a first event has come', async (t) => {
    const { provider, gateway } = await start(t, { timeout: 500 })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    upstream.send('data: {"id":')
    const caller = await opening
    assert.equal(caller.status, 504)
    assert.equal((await wholeAnswer(caller)).error.code, 'upstream_timeout')
    await upstream.closed
    assertNothingLeaked(gateway)
  })

  test('a fallback takes over', async (t) => {
    const [first, second] = [await startStreamProvider(t), await startStreamProvider(t)]
    const gateway = await startGateway(t, {
      providers: { openai: providerFile(first.url), other: providerFile(second.url) },
    })
    for (const fail of [
      (up: Exchange) => up.response.writeHead(500).end(),
      (up: Exchange) => up.socket.destroy(),
      (up: Exchange) => {
        up.send(FAILURE_EVENT)
      },
    ]) {
      const opening = openStream(gateway.url, { body: { ...STREAM, fallbacks: ['other/n'] } })
      fail(await first.next())
      const upstream = await second.next()
      assert.deepEqual([upstream.body.model, upstream.body.stream], ['n', true])
      upstream.send(chunk('from the other'))
      upstream.finish()
      assert.equal(await (await opening).rest(), chunk('from the other') + DONE)
    }
    assertNothingLeaked(gateway)
  })

  test('a fallback that begins and breaks has its own error', async (t) => {
    const [first, second] = [await startStreamProvider(t), await startStreamProvider(t)]
    const gateway = await startGateway(t, {
      providers: { openai: providerFile(first.url), other: providerFile(second.url) },
    })
    const opening = openStream(gateway.url, { body: { ...STREAM, fallbacks: ['other/n'] } })
    ;(await first.next()).response.writeHead(500).end()
    const upstream = await second.next()
    upstream.send(chunk('a'))
    const caller = await opening
    await caller.next()
    upstream.socket.destroy()
    const error = errorIn(await caller.next())
    assert.equal(error.code, 'upstream_reset')
    assert.match(error.message, /other/)
    assertNothingLeaked(gateway)
  })
})

describe('a provider with ways of its own', () => {
  test('that leaves out [DONE] after every choice has finished gets it made up for', async (t) => {
    const { provider, gateway } = await start(t)
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    upstream.send(FINISHED)
    upstream.response.end()
    assert.equal(await (await opening).rest(), FINISHED + DONE)
    assert.deepEqual(gateway.failures, [])
  })

  test('that keeps the connection open after [DONE] ends well, long before the idle limit', async (t) => {
    const { gateway, upstream, caller } = await begun(t, { stream_idle_timeout_in_seconds: 3_600 })
    upstream.send(DONE)
    assert.equal(await caller.next(), DONE)
    assert.equal(await caller.next(), undefined)
    await upstream.closed
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [])
  })

  test('that cuts the connection after [DONE] ends well', async (t) => {
    const { gateway, upstream, caller } = await begun(t)
    upstream.send(DONE)
    assert.equal(await caller.next(), DONE)
    upstream.socket.destroy()
    assert.equal(await caller.next(), undefined)
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [])
  })

  test('that never stops sending after [DONE] does not keep it alive', async (t) => {
    const { gateway, upstream, caller } = await begun(t, { stream_idle_timeout_in_seconds: 0.5 })
    upstream.send(DONE)
    const sending = setInterval(() => {
      upstream.send(': more\n\n')
    }, 50)
    t.after(() => {
      clearInterval(sending)
    })
    assert.equal(await caller.rest(), DONE)
    await upstream.closed
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [])
  })

  test('that sends events after [DONE] is not listened to', async (t) => {
    const { upstream, caller } = await begun(t)
    upstream.send(DONE + chunk('more'))
    upstream.send(chunk('and more'))
    upstream.response.end()
    assert.equal(await caller.rest(), DONE)
  })

  test('that shows signs of life is not idle', async (t) => {
    const { upstream, caller } = await begun(t, { stream_idle_timeout_in_seconds: 1.5 })
    for (let sign = 0; sign < 5; sign++) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      upstream.send(': still there\n\n')
      assert.equal(await caller.next(), ': still there\n\n')
    }
    upstream.finish()
    assert.equal(await caller.rest(), DONE)
  })
})
