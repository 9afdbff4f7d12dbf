import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'

import { post, RawCaller, type StrictProvider, strictProvider, talk } from './hostile.test-support.ts'
import { assertNothingLeaked, eventually, providerFile, type RunningGateway, startGateway } from './test-support.ts'

/** A hang is a failure. */
const BOUNDED = { timeout: 30_000 }

const KEY = 'caller-key-0123456789'
const KEYS = { caller_keys: [{ name: 'a', value: KEY }] }

async function start(
  t: TestContext,
  config: Record<string, unknown> = {},
): Promise<{ provider: StrictProvider; gateway: RunningGateway }> {
  const provider = await strictProvider(t)
  const gateway = await startGateway(t, { config, providers: { openai: providerFile(provider.url) } })
  return { provider, gateway }
}

const head = (target: string, ...headers: string[]): string =>
  `${[`${target} HTTP/1.1`, 'host: x', ...headers].join('\r\n')}\r\n\r\n`
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

describe('a body in chunks', BOUNDED, () => {
  const CHUNKED = head('POST /v1/chat/completions', 'transfer-encoding: chunked')
  const LIMIT = { max_waiting_body_mb: 0.01, max_request_body_mb: 0.01 }

  test('counts among the waiting ones as it arrives; beyond the limit it is 503 and the connection ends', async (t) => {
    const { gateway, provider } = await start(t, LIMIT)
    const first = new RawCaller(gateway)
    first.socket.write(CHUNKED + chunk('x'.repeat(4_000)))
    await eventually(() => {
      assert.equal(gateway.gateway.waitingBodyBytes, 4_000)
    })
    first.socket.write(chunk('x'.repeat(3_000)))
    await eventually(() => {
      assert.equal(gateway.gateway.waitingBodyBytes, 7_000)
    })
    const second = new RawCaller(gateway)
    second.socket.write(CHUNKED + chunk('x'.repeat(6_000)))
    await second.closed
    const [answer, ...others] = second.answers()
    assert.deepEqual([answer!.status, others.length], [503, 0])
    assert.match(answer!.body, /"waiting_bodies_full"/)
    assert.equal(gateway.gateway.waitingBodyBytes, 7_000)
    first.socket.destroy()
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
    assert.deepEqual(provider.requests, [])
  })

  test('whose caller breaks off at any moment, refused or not, leaves nothing behind', async (t) => {
    const { gateway } = await start(t, LIMIT)
    for (const sizeBytes of [1, 5_000, 11_000]) {
      const caller = new RawCaller(gateway)
      caller.socket.write(CHUNKED + chunk('x'.repeat(sizeBytes)))
      const [peer] = (await once(gateway.app.server, 'connection')) as [Socket]
      await eventually(() => {
        assert.ok(peer.bytesRead > sizeBytes)
      })
      const closed = new Promise((resolve) => peer.once('close', resolve))
      caller.socket.resetAndDestroy()
      if (!peer.closed) await closed
      await eventually(() => {
        assertNothingLeaked(gateway)
      })
    }
    assert.equal((await gateway.chat()).status, 200)
  })
})

describe('a body that nobody asked for', BOUNDED, () => {
  for (const [target, status] of [
    ['POST /nowhere', 404],
    ['PUT /v1/chat/completions', 404],
    ['POST /debug/stages/reset', 200],
    ['GET /v1/models', 200],
  ] as const) {
    test(`${target}: is not read, and the connection ends`, async (t) => {
      const { gateway } = await start(t)
      for (const announced of ['content-length: 1000000', 'transfer-encoding: chunked']) {
        const caller = new RawCaller(gateway)
        // Not a byte of the body follows: whoever waits for it answers 408.
        caller.socket.write(head(target, announced))
        await caller.closed
        const [answer, ...others] = caller.answers()
        assert.deepEqual([answer!.status, others.length], [status, 0])
        assert.match(answer!.head, /connection: close/)
      }
    })
  }

  test('an unknown route wants a key too, whatever comes with it', async (t) => {
    const { gateway } = await start(t, KEYS)
    for (const headers of [[], ['content-length: 5'], ['content-length: 5', 'content-type: none']]) {
      for (const target of ['POST /nowhere', 'GET /nowhere', 'DELETE /v1/models', 'OPTIONS *']) {
        const statuses = await Promise.all([
          statusOf(gateway, head(target, ...headers)),
          statusOf(gateway, head(target, 'x-api-key: wrong', ...headers)),
        ])
        assert.deepEqual(statuses, [401, 401], target)
      }
    }
    assert.equal(await statusOf(gateway, head('POST /nowhere', `x-api-key: ${KEY}`, 'content-length: 5')), 404)
  })
})

describe('a refusal', BOUNDED, () => {
  test('uses up no label values, and is counted without', async (t) => {
    const { gateway } = await start(t, { ...KEYS, prometheus_labels: ['team'] })
    const { traffic } = gateway.gateway
    for (let index = 0; index < 5; index++) {
      await talk(gateway, post(undefined, [`x-prom-team: ${index}`]))
    }
    assert.deepEqual(traffic.sets, [traffic.unlabelled])
    assert.equal(traffic.unlabelled.types.get('chat_completion')!.byStatus.get(401), 5)
    await talk(gateway, post(undefined, ['x-prom-team: a', `x-api-key: ${KEY}`]))
    assert.equal(traffic.sets.length, 2)
  })

  test('counts as what was asked for, and says so; of what is no request of a kind, nothing', async (t) => {
    const { gateway } = await start(t, KEYS)
    for (const [bytes, type] of [
      [post().replace('/chat/completions', '/embeddings'), 'embedding'],
      [post(), 'chat_completion'],
      [head('GET /v1/models'), ''],
      [head('GET /nowhere'), ''],
      [head('GET /v1/%zz'), ''],
      ['garbage\r\n\r\n', ''],
    ] as const) {
      const [answer] = await talk(gateway, bytes)
      const { extra_fields: fields } = JSON.parse(answer!.body) as { extra_fields: { request_type: string } }
      assert.equal(fields.request_type, type, bytes)
    }
    const { types } = gateway.gateway.traffic.unlabelled
    assert.deepEqual(
      [...types].map(([type, { byStatus }]) => [type, [...byStatus]]),
      [
        ['embedding', [[401, 1]]],
        ['chat_completion', [[401, 1]]],
      ],
    )
  })
})

describe('a request that took too long', BOUNDED, () => {
  for (const [how, begin, rest] of [
    ['of known length', post().slice(0, -5), post().slice(-5)],
    ['and no JSON', post().slice(0, -5), 'xxxxx'],
    [
      'in chunks',
      head('POST /v1/chat/completions', 'transfer-encoding: chunked') + chunk('{"model":"openai/m",'),
      `${chunk('"messages":[{"role":"user","content":"hi"}]}')}0\r\n\r\n`,
    ],
  ] as const) {
    test(`and comes whole after its 408 is not served, ${how}`, async (t) => {
      const { gateway, provider } = await start(t, { request_read_timeout: 100 })
      const caller = new RawCaller(gateway)
      caller.socket.write(begin)
      const [peer] = (await once(gateway.app.server, 'connection')) as [Socket]
      // Keeps its own side open, so that the gateway can still read.
      caller.socket.allowHalfOpen = true
      const [answer] = await caller.answered(1)
      assert.equal(answer!.status, 408)
      assertNothingLeaked(gateway)
      // Its context serves others from here on.
      const other = gateway.chat()
      caller.socket.write(rest)
      const lateBytes = setInterval(() => caller.socket.write('x'), 20)
      t.after(() => {
        clearInterval(lateBytes)
        caller.socket.destroy()
      })
      assert.equal((await other).status, 200)
      if (!peer.destroyed) await once(peer, 'close')
      assert.equal(provider.requests.length, 1)
      await eventually(() => {
        assertNothingLeaked(gateway)
      })
      assert.equal(caller.answers().length, 1)
    })
  }

  test('and still trickles in loses its connection', async (t) => {
    const { gateway } = await start(t, { request_read_timeout: 100 })
    const caller = new RawCaller(gateway)
    caller.socket.allowHalfOpen = true
    caller.socket.write(head('POST /v1/chat/completions', 'content-length: 100000'))
    const [peer] = (await once(gateway.app.server, 'connection')) as [Socket]
    const closed = new Promise((resolve) => peer.once('close', resolve))
    const drip = setInterval(() => caller.socket.write('x'), 20)
    t.after(() => {
      clearInterval(drip)
      caller.socket.destroy()
    })
    await closed
    assertNothingLeaked(gateway)
  })
})

async function statusOf(gateway: RunningGateway, bytes: string): Promise<number | undefined> {
  const caller = new RawCaller(gateway)
  const [answer] = await (caller.socket.write(bytes), caller.answered(1))
  caller.socket.destroy()
  return answer?.status
}
