import assert from 'node:assert/strict'
import { createServer, type AddressInfo, connect } from 'node:net'
import { describe, test } from 'node:test'

import type { ErrorBody } from '../core/errors.ts'
import {
  answerCompletion,
  assertNothingLeaked,
  CHAT,
  COMPLETION,
  eventually,
  providerFile,
  type RunningGateway,
  startGateway,
  startProvider,
} from './test-support.ts'

async function errorOf(response: Response): Promise<ErrorBody & { http: number }> {
  const body = (await response.json()) as ErrorBody
  assert.equal(body.status_code, response.status)
  return { ...body, http: response.status }
}

async function assertFails(
  gateway: RunningGateway,
  body: unknown,
  status: number,
  code: string,
  message: RegExp,
): Promise<void> {
  const answer = await errorOf(await gateway.chat(body))
  assert.deepEqual([answer.http, answer.is_gateway_error, answer.error.code], [status, true, code])
  assert.match(answer.error.message, message)
  await eventually(() => {
    assertNothingLeaked(gateway)
  })
}

describe('requests that the gateway refuses', () => {
  test('each gets its status, its code and a message that names the value', async (t) => {
    const provider = await startProvider(t)
    const listing = (models: string[]) => providerFile(provider.url, { keys: [{ value: 'k', models }] })
    const gateway = await startGateway(t, {
      providers: { openai: listing(['m', 'both']), other: listing(['o', 'both', 'meta/llama']) },
      config: { max_request_body_mb: 0.001 },
    })
    const { messages } = CHAT
    await assertFails(gateway, '{"model":', 400, 'invalid_json', /not JSON/)
    await assertFails(gateway, '', 400, 'invalid_json', /not JSON/)
    await assertFails(gateway, [1], 400, 'invalid_request', /JSON object/)
    await assertFails(gateway, { messages }, 400, 'invalid_request', /model/)
    await assertFails(gateway, { model: 'm', messages: [] }, 400, 'invalid_request', /messages/)
    await assertFails(gateway, { model: 'nowhere/m', messages }, 400, 'unknown_provider', /"nowhere".*openai, other/)
    await assertFails(gateway, { model: 'm', provider: 'nope', messages }, 400, 'unknown_provider', /"nope"/)
    await assertFails(gateway, { model: 'm', provider: 7, messages }, 400, 'unknown_provider', /7/)
    await assertFails(gateway, { model: 'nothing', messages }, 400, 'unknown_model', /"nothing"/)
    await assertFails(gateway, { model: 'openai/', messages }, 400, 'unknown_model', /"openai\/"/)
    await assertFails(gateway, { model: 'both', messages }, 400, 'ambiguous_model', /openai\/both or other\/both/)
    await assertFails(gateway, { model: 'openai/x', messages }, 400, 'no_key', /^no keys found that support model: x$/)
    await assertFails(gateway, { ...CHAT, pad: 'x'.repeat(2_000) }, 413, 'body_too_large', /1049 bytes/)
    assert.equal(provider.requests.length, 0)
    assert.equal(gateway.failures.length, 13)
  })

  test('no body at all, and a content type that is none, are 400', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const url = `${gateway.url}/v1/chat/completions`
    const empty = await fetch(url, { method: 'POST' })
    const odd = await fetch(url, { method: 'POST', headers: { 'content-type': '/' }, body: '{}' })
    assert.deepEqual([(await errorOf(empty)).http, (await errorOf(odd)).http], [400, 400])
    assertNothingLeaked(gateway)
  })

  test('a model finds its way by prefix, apart from its provider, bare, and with a slash of its own', async (t) => {
    const provider = await startProvider(t)
    const other = await startProvider(t)
    const gateway = await startGateway(t, {
      providers: {
        openai: providerFile(provider.url, { keys: [{ value: 'k', models: ['m'] }] }),
        other: providerFile(other.url, { keys: [{ value: 'k', models: ['o', 'meta/llama'] }] }),
      },
    })
    const { messages } = CHAT
    for (const body of [{ model: 'openai/m' }, { model: 'm', provider: 'openai' }, { model: 'm' }]) {
      assert.equal((await gateway.chat({ ...body, messages })).status, 200)
    }
    for (const model of ['o', 'other/meta/llama', 'meta/llama']) {
      assert.equal((await gateway.chat({ model, messages })).status, 200)
    }
    const models = (requests: { body: string }[]) =>
      requests.map(({ body }) => (JSON.parse(body) as { model: string }).model)
    assert.deepEqual(models(provider.requests), ['m', 'm', 'm'])
    assert.deepEqual(models(other.requests), ['o', 'meta/llama', 'meta/llama'])
  })
})

describe('a provider in trouble', () => {
  test('its own error keeps its status and words, without the key', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      response.writeHead(429, { 'retry-after': '7' })
      response.end('{"error":{"type":"tokens","code":"rate_limit","message":"key sk-secret is over its limit"}}')
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const response = await gateway.chat()
    assert.equal(response.headers.get('retry-after'), '7')
    const { http, is_gateway_error: own, error, extra_fields: extra } = await errorOf(response)
    assert.deepEqual([http, own], [429, false])
    assert.deepEqual(error, { type: 'tokens', code: 'rate_limit', message: 'key [key] is over its limit' })
    assert.deepEqual(extra, { provider: 'openai', model_requested: 'openai/m', request_type: 'chat_completion' })
    assertNothingLeaked(gateway)
  })

  test('an answer that is not JSON, and a redirect, are 502', async (t) => {
    const answers = [
      { status: 200, text: '<html>' },
      { status: 302, text: '' },
    ]
    const provider = await startProvider(t, (_request, response) => {
      const { status, text } = answers.shift()!
      response.writeHead(status).end(text)
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    await assertFails(gateway, CHAT, 502, 'upstream_invalid_response', /invalid JSON/)
    await assertFails(gateway, CHAT, 502, 'upstream_invalid_response', /302/)
  })

  test('refused is 502, and the next request tries again', async (t) => {
    const closed = await startProvider(t)
    const { port } = closed.server.address() as AddressInfo
    await new Promise((resolve) => closed.server.close(resolve))
    const gateway = await startGateway(t, { providers: { openai: providerFile(closed.url) } })
    await assertFails(gateway, CHAT, 502, 'upstream_refused', /openai.*ECONNREFUSED/)
    assert.equal(gateway.gateway.providers[0]?.pool.counters.open, 0)
    closed.server.listen(port, '127.0.0.1')
    await eventually(() => {
      assert.ok(closed.server.listening)
    })
    assert.equal((await gateway.chat()).status, 200)
  })

  for (const [how, bytes] of [
    ['without an answer', ''],
    ['inside the head', 'HTTP/1.1 200 OK\r\nconte'],
    ['inside the body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id"'],
    ['with what is not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ] as const) {
    test(`a connection that ends ${how} is 502`, async (t) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.end(bytes))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      t.after(() => server.close())
      const { port } = server.address() as AddressInfo
      const gateway = await startGateway(t, { providers: { openai: providerFile(`http://127.0.0.1:${port}`) } })
      const { http, is_gateway_error: own } = await errorOf(await gateway.chat())
      assert.deepEqual([http, own], [502, true])
      assertNothingLeaked(gateway)
      assert.equal(gateway.gateway.providers[0]?.pool.counters.open, 0)
    })
  }

  test('too slow is 504, and its connection is closed, not used again', async (t) => {
    let slow = true
    let closedByGateway = false
    const provider = await startProvider(t, (request, response) => {
      if (!slow) {
        answerCompletion(request, response)
        return
      }
      request.socket.once('close', () => (closedByGateway = true))
      setTimeout(() => response.end(JSON.stringify({ ...COMPLETION, id: 'late' })), 150).unref()
    })
    const gateway = await startGateway(t, {
      providers: { openai: providerFile(provider.url, { network_config: { timeout: 60 } }) },
    })
    await assertFails(gateway, CHAT, 504, 'upstream_timeout', /openai.*60 ms/)
    slow = false
    const next = (await (await gateway.chat()).json()) as { id: string }
    assert.equal(next.id, COMPLETION.id)
    assert.equal(gateway.gateway.providers[0]?.pool.counters.openedTotal, 2)
    await eventually(() => {
      assert.ok(closedByGateway)
    })
  })

  test('an idle connection that the provider closes leaves the pool, whether it was used or only opened ahead', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, {
      providers: { openai: providerFile(provider.url, { network_config: { open_ahead: 3 } }) },
    })
    const { pool } = gateway.gateway.providers[0]!
    assert.deepEqual(pool.counters, { open: 3, idle: 3, inUse: 0, waiting: 0, openedTotal: 3 })
    await (await gateway.chat()).text()
    assert.equal(pool.counters.openedTotal, 3)
    provider.server.closeAllConnections()
    await eventually(() => {
      assert.equal(pool.counters.open, 0)
    })
    assert.equal((await gateway.chat()).status, 200)
  })

  test('bytes that nobody asked for close the idle connection: they are nobody’s answer', async (t) => {
    const answer = `HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{"id":"own"}`
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(answer)
        setTimeout(() => socket.write(answer.replace('own', 'bad')), 20)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const gateway = await startGateway(t, { providers: { openai: providerFile(`http://127.0.0.1:${port}`) } })
    assert.match(await (await gateway.chat()).text(), /"own"/)
    await eventually(() => {
      assert.equal(gateway.gateway.providers[0]?.pool.counters.open, 0)
    })
    assert.match(await (await gateway.chat()).text(), /"own"/)
  })

  test('connection: close is honoured', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      response.writeHead(200, { connection: 'close' }).end(JSON.stringify(COMPLETION))
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (let request = 0; request < 3; request++) assert.equal((await gateway.chat()).status, 200)
    assertNothingLeaked(gateway)
    assert.equal(gateway.gateway.providers[0]?.pool.counters.openedTotal, 3)
  })

  test('a provider that is down while connections are opened ahead is a warning', async (t) => {
    const gateway = await startGateway(t, {
      providers: { openai: providerFile('http://127.0.0.1:1', { network_config: { open_ahead: 3 } }) },
    })
    const [warning] = await gateway.gateway.start()
    assert.match(
      warning!,
      /providers\.openai: opened 0 of 3 connections to http:\/\/127\.0\.0\.1:1 ahead: .*ECONNREFUSED/,
    )
    assertNothingLeaked(gateway)
  })
})

function goneCount({ gateway }: RunningGateway): number | undefined {
  return gateway.traffic.unlabelled.types.get('chat_completion')?.byStatus.get(499)
}

describe('a caller who leaves', () => {
  /** A provider that never answers, and counts the connections that it still has. */
  async function silentProvider(t: Parameters<typeof startProvider>[0]) {
    const provider = await startProvider(t, () => undefined)
    let open = 0
    provider.server.on('connection', (socket) => {
      open++
      socket.once('close', () => open--)
    })
    return { provider, openConnections: () => open }
  }

  test('while the provider works: its connection is closed at once', async (t) => {
    const { provider, openConnections } = await silentProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const caller = new AbortController()
    const answer = gateway.chat(CHAT, {}, caller.signal)
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    caller.abort()
    await assert.rejects(answer)
    await eventually(() => {
      assert.equal(openConnections(), 0)
    })
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [{ status: 499, code: 'caller_gone', provider: 'openai', model: 'openai/m' }])
    assert.equal(goneCount(gateway), 1)
  })

  test('in the queue, and in the line for a connection: its place is free', async (t) => {
    for (const limits of [
      { concurrency_and_buffer_size: { concurrency: 1, buffer_size: 1 } },
      { network_config: { max_conns_per_host: 1 } },
    ]) {
      const { provider } = await silentProvider(t)
      const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url, limits) } })
      const { queue, pool } = gateway.gateway.providers[0]!
      const [first, second] = [new AbortController(), new AbortController()]
      const answers = [gateway.chat(CHAT, {}, first.signal)]
      await eventually(() => {
        assert.equal(provider.requests.length, 1)
      })
      answers.push(gateway.chat(CHAT, {}, second.signal))
      const ended = Promise.allSettled(answers)
      await eventually(() => {
        assert.equal(queue.buffered + pool.counters.waiting, 1)
      })
      second.abort()
      await eventually(() => {
        assert.equal(queue.buffered + pool.counters.waiting, 0)
      })
      assert.equal(queue.active, 1)
      first.abort()
      await ended
      await eventually(() => {
        assertNothingLeaked(gateway)
      })
    }
  })

  test('in the middle of the body: nothing reaches the provider', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model"')
    await eventually(() => {
      assert.equal(gateway.gateway.contexts.inUse, 1)
    })
    socket.destroy()
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
    assert.equal(goneCount(gateway), 1)
    assert.equal(provider.requests.length, 0)
  })

  test('with requests pipelined: all of them end', async (t) => {
    const { provider } = await silentProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const body = JSON.stringify(CHAT)
    const socket = connect(gateway.port, '127.0.0.1')
    const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    socket.write(request.repeat(3))
    await eventually(() => {
      assert.equal(provider.requests.length, 3)
    })
    socket.destroy()
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
    assert.equal(goneCount(gateway), 3)
  })
})

describe('a full gateway', () => {
  const limits = { concurrency_and_buffer_size: { concurrency: 1, buffer_size: 1 } }

  test('drops at once when told to, and serves those that it took', async (t) => {
    const held: (() => void)[] = []
    const provider = await startProvider(t, (request, response) => {
      held.push(() => {
        answerCompletion(request, response)
      })
    })
    const gateway = await startGateway(t, {
      config: { drop_excess_requests: true },
      providers: { openai: providerFile(provider.url, limits) },
    })
    const [{ queue } = assert.fail()] = gateway.gateway.providers
    const taken = [gateway.chat(), gateway.chat()]
    await eventually(() => {
      assert.deepEqual([queue.active, queue.buffered, held.length], [1, 1, 1])
    })
    const { http, error } = await errorOf(await gateway.chat())
    assert.equal(http, 503)
    assert.deepEqual(error, {
      type: 'request_dropped',
      code: 'queue_full',
      message: 'request dropped: queue is full',
    })
    held.shift()!()
    await eventually(() => {
      assert.equal(held.length, 1)
    })
    held.shift()!()
    assert.deepEqual(await Promise.all(taken.map(async (answer) => (await answer).status)), [200, 200])
    assertNothingLeaked(gateway)
  })

  test('else all wait, in the queue and for connections, and all are served', async (t) => {
    const provider = await startProvider(t, (request, response) => {
      setTimeout(() => {
        answerCompletion(request, response)
      }, 2)
    })
    // One at a time takes a second connection: the first rests for a turn of the loop after each answer.
    for (const [changes, connections] of [
      [limits, 2],
      [{ network_config: { max_conns_per_host: 1 } }, 1],
    ] as const) {
      const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url, changes) } })
      const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await gateway.chat()).status))
      assert.deepEqual(new Set(statuses), new Set([200]))
      assert.equal(gateway.gateway.providers[0]?.pool.counters.openedTotal, connections)
      assertNothingLeaked(gateway)
      assert.ok(gateway.gateway.contexts.grown > 0)
    }
  })

  test('a deadline in the queue is 504 and says so', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {"choices":[]}\n\n')
    })
    const gateway = await startGateway(t, {
      providers: { openai: providerFile(provider.url, { ...limits, network_config: { timeout: 60 } }) },
    })
    // A stream that has begun has no deadline, and keeps the only worker.
    const leaving = new AbortController()
    const stream = await gateway.chat({ ...CHAT, stream: true }, {}, leaving.signal)
    const { http, error } = await errorOf(await gateway.chat())
    assert.deepEqual([http, error.code], [504, 'queue_timeout'])
    leaving.abort()
    await assert.rejects(stream.text())
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
  })
})
