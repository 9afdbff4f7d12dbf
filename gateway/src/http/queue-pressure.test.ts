import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, test, type TestContext } from 'node:test'

import {
  answerCompletion,
  assertNothingLeaked,
  CHAT,
  eventually,
  providerFile,
  type RunningGateway,
  startGateway,
  startProvider,
} from './test-support.ts'

const ONE_AT_A_TIME = { concurrency_and_buffer_size: { concurrency: 1, buffer_size: 2 } }

/** A provider that answers one held request after the other, when told to. */
async function holdingProvider(t: TestContext) {
  const held: (() => void)[] = []
  const provider = await startProvider(t, (request, response: ServerResponse) => {
    held.push(() => {
      answerCompletion(request, response)
    })
  })
  const next = async (): Promise<void> => {
    await eventually(() => {
      assert.equal(held.length, 1)
    })
    held.shift()!()
  }
  return { provider, next }
}

function queueOf({ gateway }: RunningGateway) {
  return gateway.providers[0]!.queue
}

describe('a queue under pressure', () => {
  test('serves in order of arrival, those that wait for room in the buffer included', async (t) => {
    const { provider, next } = await holdingProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url, ONE_AT_A_TIME) } })
    const answers: Promise<unknown>[] = []
    for (let index = 0; index < 6; index++) {
      answers.push(gateway.chat({ ...CHAT, user: `caller ${index}` }).then((answer) => answer.text()))
      await eventually(() => {
        const { active, buffered, waitingForRoom } = queueOf(gateway)
        assert.equal(active + buffered + waitingForRoom, index + 1)
      })
    }
    const { active, buffered, waitingForRoom } = queueOf(gateway)
    assert.deepEqual([active, buffered, waitingForRoom], [1, 2, 3])
    for (let index = 0; index < 6; index++) await next()
    await Promise.all(answers)
    const users = provider.requests.map(({ body }) => (JSON.parse(body) as { user: string }).user)
    assert.deepEqual(users, ['caller 0', 'caller 1', 'caller 2', 'caller 3', 'caller 4', 'caller 5'])
    assertNothingLeaked(gateway)
  })

  test('a caller who leaves frees its place at once, and the others keep theirs', async (t) => {
    const { provider, next } = await holdingProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url, ONE_AT_A_TIME) } })
    const leaving = new AbortController()
    const answers: Promise<unknown>[] = []
    for (const [index, signal] of [undefined, undefined, leaving.signal, undefined].entries()) {
      answers.push(gateway.chat({ ...CHAT, user: `caller ${index}` }, {}, signal).then((answer) => answer.text()))
      await eventually(() => {
        assert.equal(queueOf(gateway).active + queueOf(gateway).buffered + queueOf(gateway).waitingForRoom, index + 1)
      })
    }
    const ended = Promise.allSettled(answers)
    leaving.abort()
    await eventually(() => {
      assert.deepEqual([queueOf(gateway).buffered, queueOf(gateway).waitingForRoom], [2, 0])
    })
    for (let index = 0; index < 3; index++) await next()
    assert.deepEqual(
      (await ended).map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    )
    const users = provider.requests.map(({ body }) => (JSON.parse(body) as { user: string }).user)
    assert.deepEqual(users, ['caller 0', 'caller 1', 'caller 3'])
    assertNothingLeaked(gateway)
  })

  test('its depth is in /metrics', async (t) => {
    const { provider, next } = await holdingProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url, ONE_AT_A_TIME) } })
    const answers = Array.from({ length: 5 }, () => gateway.chat())
    await eventually(() => {
      assert.equal(queueOf(gateway).waitingForRoom, 2)
    })
    const lines = (await (await fetch(`${gateway.url}/metrics`)).text()).split('\n')
    for (const [name, value] of [
      ['active_workers', 1],
      ['buffered', 2],
      ['waiting_for_room', 2],
    ] as const) {
      assert.ok(lines.includes(`gateway_queue_${name}{provider="openai"} ${value}`), name)
    }
    for (let index = 0; index < 5; index++) await next()
    await Promise.all(answers)
  })
})

describe('bodies that wait', () => {
  const LIMIT = { config: { max_waiting_body_mb: 0.01, max_request_body_mb: 0.01 } }
  const LARGE = { ...CHAT, pad: 'x'.repeat(6_000) }

  test('take a bounded amount of memory: beyond it requests are dropped', async (t) => {
    const { provider, next } = await holdingProvider(t)
    const gateway = await startGateway(t, {
      ...LIMIT,
      providers: { openai: providerFile(provider.url, ONE_AT_A_TIME) },
    })
    const served = [gateway.chat(LARGE)]
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    // The first has gone upstream: its body is the provider's now. The second waits, and takes the room.
    assert.equal(gateway.gateway.waitingBodyBytes, 0)
    served.push(gateway.chat(LARGE))
    await eventually(() => {
      assert.ok(gateway.gateway.waitingBodyBytes > 6_000)
    })
    const refused = await gateway.chat(LARGE)
    const { error } = (await refused.json()) as { error: { type: string; code: string; message: string } }
    assert.deepEqual([refused.status, error.type, error.code], [503, 'request_dropped', 'waiting_bodies_full'])
    assert.match(error.message, /10486 bytes/)
    // A small one still fits.
    served.push(gateway.chat())
    for (let index = 0; index < 3; index++) await next()
    assert.deepEqual(await Promise.all(served.map(async (answer) => (await answer).status)), [200, 200, 200])
    assertNothingLeaked(gateway)
  })

  test('count as soon as they are announced, and no longer once their caller is gone', async (t) => {
    const { provider } = await holdingProvider(t)
    const gateway = await startGateway(t, { ...LIMIT, providers: { openai: providerFile(provider.url) } })
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n{')
    await eventually(() => {
      assert.equal(gateway.gateway.waitingBodyBytes, 9_000)
    })
    assert.equal((await gateway.chat(LARGE)).status, 503)
    socket.destroy()
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
  })

  test('still count while they wait for a connection', async (t) => {
    const { provider, next } = await holdingProvider(t)
    const file = providerFile(provider.url, { network_config: { max_conns_per_host: 1 } })
    const gateway = await startGateway(t, { ...LIMIT, providers: { openai: file } })
    const served = [gateway.chat(LARGE)]
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    served.push(gateway.chat(LARGE))
    await eventually(() => {
      assert.deepEqual([gateway.gateway.providers[0]!.pool.counters.waiting, queueOf(gateway).active], [1, 2])
    })
    assert.ok(gateway.gateway.waitingBodyBytes > 6_000)
    assert.equal((await gateway.chat(LARGE)).status, 503)
    for (let index = 0; index < 2; index++) await next()
    assert.deepEqual(await Promise.all(served.map(async (answer) => (await answer).status)), [200, 200])
    assertNothingLeaked(gateway)
  })

  test('are kept while a retry may need them, and counted so', async (t) => {
    const { provider, next } = await holdingProvider(t)
    const file = providerFile(provider.url, { network_config: { max_retries: 1 } })
    const gateway = await startGateway(t, { ...LIMIT, providers: { openai: file } })
    const answer = gateway.chat(LARGE)
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    assert.ok(gateway.gateway.waitingBodyBytes > 6_000)
    await next()
    assert.equal((await answer).status, 200)
    assertNothingLeaked(gateway)
  })
})
