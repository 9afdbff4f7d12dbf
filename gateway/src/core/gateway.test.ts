import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test, type TestContext } from 'node:test'

import { chunk, event, type Exchange, pump, stalled, startStreamProvider } from '../http/streaming.fixture.ts'
import { COMPLETION, eventually, providerFile } from '../http/test-support.ts'
import { ConfigError, type FailureRecord, Gateway, type GatewayConfigFile, GatewayRequestError } from './gateway.ts'

const CHAT = { model: 'openai/m', messages: [{ role: 'user', content: 'hi' }] }
const FINISHED = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })

type NetworkFile = NonNullable<GatewayConfigFile['providers'][string]['network_config']>

async function start(t: TestContext, network: NetworkFile = {}) {
  const provider = await startStreamProvider(t)
  const failures: FailureRecord[] = []
  const gateway = new Gateway(
    {
      config: { initial_pool_size: 1, prometheus_labels: ['team-id'] },
      providers: { openai: providerFile(provider.url, { network_config: network }) },
    },
    { onFailure: (failure) => failures.push(failure) },
  )
  t.after(() => gateway.close(0))
  return { provider, gateway, failures }
}

function answer({ response }: Exchange, body: object = COMPLETION, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function failureOf(call: Promise<unknown>): Promise<GatewayRequestError> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof GatewayRequestError, String(error))
  return error
}

describe('a whole answer', () => {
  test('is in the shape that callers over HTTP get, its text decoded', async (t) => {
    const { provider, gateway } = await start(t)
    const answering = gateway.chatCompletion({ ...CHAT, stream: true, temperature: 0.5 })
    const upstream = await provider.next()
    assert.deepEqual(upstream.body, { model: 'm', messages: CHAT.messages, temperature: 0.5 })
    answer(upstream)
    const { extra_fields: extra, ...rest } = await answering
    assert.deepEqual(rest, COMPLETION)
    assert.deepEqual([extra.provider, extra.resolved_model, extra.request_type], ['openai', 'm', 'chat_completion'])
  })

  test('may be embeddings', async (t) => {
    const { provider, gateway } = await start(t)
    const answering = gateway.embeddings({ model: 'openai/e', input: ['a', 'b'] })
    const upstream = await provider.next()
    assert.deepEqual(upstream.body, { model: 'e', input: ['a', 'b'] })
    answer(upstream, { data: [{ index: 0, embedding: [0.5] }] })
    assert.deepEqual((await answering).data, [{ index: 0, embedding: [0.5] }])
  })

  test('leaves nothing on the signal that could have ended the call', async (t) => {
    const { provider, gateway } = await start(t)
    const { signal } = new AbortController()
    const answering = gateway.chatCompletion(CHAT, { signal })
    answer(await provider.next())
    await answering
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })
})

describe('a call that fails', () => {
  test("has the provider's status, code and words", async (t) => {
    const { provider, gateway, failures } = await start(t)
    const failing = failureOf(gateway.chatCompletion(CHAT))
    answer(
      await provider.next(),
      { error: { type: 'tokens', code: 'rate_limit', message: 'slow down, sk-secret' } },
      429,
    )
    const { status, code, message, body, name } = await failing
    assert.deepEqual([status, code, message, name], [429, 'rate_limit', 'slow down, [key]', 'GatewayRequestError'])
    assert.deepEqual(body, {
      is_gateway_error: false,
      status_code: 429,
      error: { type: 'tokens', code: 'rate_limit', message: 'slow down, [key]' },
      extra_fields: { provider: 'openai', model_requested: 'openai/m', request_type: 'chat_completion' },
    })
    assert.deepEqual(failures, [{ status: 429, code: 'rate_limit', provider: 'openai', model: 'openai/m' }])
  })

  test("or the gateway's own", async (t) => {
    const { gateway } = await start(t)
    const wrong = await failureOf(gateway.chatCompletion({ model: 'nowhere/m', messages: CHAT.messages }))
    assert.deepEqual([wrong.status, wrong.code, wrong.body.is_gateway_error], [400, 'unknown_provider', true])
    const input = await failureOf(gateway.embeddings({ model: 'openai/e', input: undefined }))
    assert.deepEqual([input.status, input.code], [400, 'invalid_request'])
    const stream = gateway.stream({ model: 'openai/m', messages: [] })
    assert.equal((await failureOf(stream.next())).code, 'invalid_request')
  })
})

describe('a stream', () => {
  test('yields each chunk before the provider sends the next', async (t) => {
    const { provider, gateway } = await start(t)
    const { signal } = new AbortController()
    const stream = gateway.stream(CHAT, { signal })
    const first = stream.next()
    const upstream = await provider.next()
    assert.equal(upstream.body.stream, true)
    upstream.send(chunk('Hé'))
    assert.equal((await first).value?.choices[0]?.delta.content, 'Hé')
    upstream.send(`: a comment\n\n${chunk('llo 😀')}`)
    assert.equal((await stream.next()).value?.choices[0]?.delta.content, 'llo 😀')
    upstream.send(FINISHED)
    upstream.finish()
    assert.equal((await stream.next()).value?.choices[0]?.finish_reason, 'stop')
    assert.deepEqual(await stream.next(), { value: undefined, done: true })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  test('takes a chunk that only looks like an error of the gateway for a chunk', async (t) => {
    const { provider, gateway } = await start(t)
    const stream = gateway.stream(CHAT)
    const first = stream.next()
    const upstream = await provider.next()
    upstream.send(event({ is_gateway_error: 1 }))
    assert.equal((await first).value?.is_gateway_error, 1)
    upstream.send(FINISHED)
    upstream.finish()
    assert.equal((await stream.next()).value?.choices[0]?.finish_reason, 'stop')
    assert.equal((await stream.next()).done, true)
  })

  test('asks for nothing before it is read', async (t) => {
    const { provider, gateway } = await start(t)
    gateway.stream(CHAT)
    await gateway.close()
    assert.equal(provider.requests.length, 0)
  })

  test('that is left early ends the request at the provider', async (t) => {
    const { provider, gateway, failures } = await start(t)
    const upstream = provider.next()
    void upstream.then(({ send }) => {
      send(chunk('a') + chunk('b'))
    })
    for await (const { choices } of gateway.stream(CHAT)) {
      assert.equal(choices[0]?.delta.content, 'a')
      break
    }
    await (
      await upstream
    ).closed
    assert.deepEqual(failures, [{ status: 499, code: 'caller_gone', provider: 'openai', model: 'openai/m' }])
    await gateway.close()
  })

  test('that is read slowly makes the provider wait, and arrives whole', async (t) => {
    const { provider, gateway } = await start(t)
    const EVENTS = 1_000
    const stream = gateway.stream(CHAT)
    const first = stream.next()
    const upstream = await provider.next()
    const pumping = pump(upstream, chunk('y'.repeat(64 * 1024)), EVENTS)
    await first
    await stalled(pumping)
    assert.ok(pumping.sent < EVENTS / 2, `${pumping.sent} of ${EVENTS} were taken`)
    void pumping.all.then(upstream.finish)
    let chunks = 1
    let characters = 0
    for await (const { choices } of stream) {
      chunks++
      characters += choices[0]!.delta.content!.length
    }
    assert.deepEqual([chunks, characters], [EVENTS, (EVENTS - 1) * 64 * 1024])
  })

  test('that is not read any more is ended when nothing has moved for the idle limit', async (t) => {
    const { provider, gateway } = await start(t, { stream_idle_timeout_in_seconds: 1 })
    const stream = gateway.stream(CHAT)
    const first = stream.next()
    const upstream = await provider.next()
    pump(upstream, chunk('y'.repeat(64 * 1024)), 1_000)
    await first
    await upstream.closed
    const reading = async (): Promise<void> => {
      while (!(await stream.next()).done);
    }
    const { status, code, message } = await failureOf(reading())
    assert.deepEqual([status, code], [504, 'stream_idle_timeout'])
    assert.match(message, /nothing of the stream was taken/)
  })

  test('that breaks throws after the chunks that came', async (t) => {
    for (const [bad, status, code] of [
      ['', 502, 'upstream_reset'],
      [event({ error: { type: 'server_error', message: 'no, sk-secret', code: 'oops' } }), 500, 'oops'],
    ] as const) {
      const { provider, gateway } = await start(t)
      const stream = gateway.stream(CHAT)
      const first = stream.next()
      const upstream = await provider.next()
      upstream.send(chunk('a'))
      assert.equal((await first).done, false)
      if (bad === '') upstream.socket.destroy()
      else upstream.send(chunk('b') + bad)
      if (bad !== '') assert.equal((await stream.next()).value?.choices[0]?.delta.content, 'b')
      const error = await failureOf(stream.next())
      assert.deepEqual([error.status, error.code], [status, code])
      assert.doesNotMatch(error.message, /sk-secret/)
    }
  })

  test('that holds what is not JSON throws, and ends the request at the provider', async (t) => {
    const { provider, gateway } = await start(t)
    for (const withMore of ['', chunk('b'), `${FINISHED}data: [DONE]\n\n`]) {
      const stream = gateway.stream(CHAT)
      const first = stream.next()
      const upstream = await provider.next()
      upstream.send(`${chunk('a')}data: {nope}\n\n${withMore}`)
      if (withMore.includes('DONE')) upstream.response.end()
      assert.equal((await first).value?.choices[0]?.delta.content, 'a')
      const { status, code } = await failureOf(stream.next())
      assert.deepEqual([status, code], [502, 'upstream_invalid_response'])
      if (!withMore.includes('DONE')) await upstream.closed
    }
    await gateway.close()
  })

  test('that fails before its first chunk throws what the provider said', async (t) => {
    const { provider, gateway } = await start(t)
    const failing = failureOf(gateway.stream(CHAT).next())
    answer(await provider.next(), { error: { message: 'no such model', type: 'invalid_request_error' } }, 404)
    const { status, message, body } = await failing
    assert.deepEqual([status, message], [404, 'no such model'])
    assert.equal(body.extra_fields.request_type, 'chat_completion_stream')
  })
})

describe('a signal', () => {
  test('that is aborted already lets nothing begin', async (t) => {
    const { provider, gateway } = await start(t)
    const reason = new Error('too late')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(gateway.chatCompletion(CHAT, { signal }), reason)
    await assert.rejects(gateway.stream(CHAT, { signal }).next(), reason)
    await gateway.close()
    assert.equal(provider.requests.length, 0)
  })

  test('ends a call at the provider, at once', async (t) => {
    const { provider, gateway } = await start(t)
    const leaving = new AbortController()
    const call = gateway.chatCompletion(CHAT, { signal: leaving.signal })
    const upstream = await provider.next()
    leaving.abort(new Error('left'))
    await assert.rejects(call, /^Error: left$/)
    await upstream.closed
    assert.equal(getEventListeners(leaving.signal, 'abort').length, 0)
    await gateway.close()
  })

  test('ends a stream that waits for a chunk', async (t) => {
    const { provider, gateway } = await start(t)
    const leaving = new AbortController()
    const stream = gateway.stream(CHAT, { signal: leaving.signal })
    const first = stream.next()
    const upstream = await provider.next()
    upstream.send(chunk('a'))
    await first
    const second = stream.next()
    leaving.abort(new Error('left'))
    await assert.rejects(second, /^Error: left$/)
    await upstream.closed
    assert.deepEqual(await stream.next(), { value: undefined, done: true })
  })

  test('ends a stream before the chunks that wait for the loop', async (t) => {
    const { provider, gateway } = await start(t)
    const leaving = new AbortController()
    const stream = gateway.stream(CHAT, { signal: leaving.signal })
    const first = stream.next()
    const upstream = await provider.next()
    upstream.send(chunk('a') + chunk('b') + chunk('c'))
    await first
    leaving.abort(new Error('left'))
    await assert.rejects(stream.next(), /^Error: left$/)
  })

  test('that comes after the end changes nothing', async (t) => {
    const { provider, gateway, failures } = await start(t)
    const leaving = new AbortController()
    const answering = gateway.chatCompletion(CHAT, { signal: leaving.signal })
    answer(await provider.next())
    await answering
    leaving.abort()
    assert.deepEqual(failures, [])
  })
})

describe('closing', () => {
  test('waits for what runs, then refuses', async (t) => {
    const { provider, gateway } = await start(t)
    const answering = gateway.chatCompletion(CHAT)
    const upstream = await provider.next()
    let closed = false
    const closing = gateway.close().then(() => (closed = true))
    await assert.rejects(gateway.chatCompletion(CHAT), /the gateway is closed/)
    await assert.rejects(gateway.stream(CHAT).next(), /the gateway is closed/)
    assert.equal(closed, false)
    answer(upstream)
    assert.equal((await answering).id, COMPLETION.id)
    await closing
    await upstream.closed
    await gateway.close()
  })

  test('ends what still runs at its limit, and tells it', async (t) => {
    const { provider, gateway } = await start(t)
    const stream = gateway.stream(CHAT)
    const first = stream.next()
    const streaming = await provider.next()
    streaming.send(chunk('a'))
    await first
    const call = failureOf(gateway.chatCompletion(CHAT))
    const answering = await provider.next()
    const next = failureOf(stream.next())
    await gateway.close(20)
    for (const { status, code } of [await call, await next]) assert.deepEqual([status, code], [503, 'shutting_down'])
    await Promise.all([streaming.closed, answering.closed])
  })
})

describe('a configuration', () => {
  test('with problems names them all', () => {
    const file = { providers: { openai: { keys: [{ value: 'env.NOT_SET' }], network_config: { timeout: -1 } } } }
    assert.throws(
      () => new Gateway(file, { env: {} }),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.equal(error.problems.length, 2)
        assert.match(error.message, /NOT_SET/)
        assert.match(error.message, /timeout/)
        return true
      },
    )
  })

  test('takes keys from the environment that it is given', async (t) => {
    const provider = await startStreamProvider(t)
    const file = { providers: { openai: providerFile(provider.url, { keys: [{ value: 'env.SOME_KEY' }] }) } }
    const gateway = new Gateway(file, { env: { SOME_KEY: 'sk-from-env' } })
    t.after(() => gateway.close(0))
    const answering = gateway.chatCompletion(CHAT)
    const upstream = await provider.next()
    assert.equal(upstream.headers.authorization, 'Bearer sk-from-env')
    answer(upstream)
    await answering
  })

  test('may have connections opened before the first call', async (t) => {
    const { provider, gateway } = await start(t, { open_ahead: 3 })
    assert.deepEqual(await gateway.start(), [])
    await eventually(() => {
      assert.equal(provider.accepted, 3)
    })
  })
})

test('labels are the configured ones; others are not known', async (t) => {
  const { provider, gateway } = await start(t)
  const answering = gateway.chatCompletion(CHAT, { labels: { 'team-id': 'blue', other: 'x' } })
  answer(await provider.next())
  await answering
  const { traffic } = (gateway as unknown as { pipeline: { traffic: { sets: { values: readonly string[] }[] } } })
    .pipeline
  assert.deepEqual(
    traffic.sets.map(({ values }) => values),
    [[''], ['blue']],
  )
})
