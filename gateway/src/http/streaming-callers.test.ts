import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'

import {
  chunk,
  DONE,
  openAnswer,
  openStream,
  pump,
  rawCaller,
  rawRequest,
  STREAM,
  stalled,
  startStreamProvider,
} from './streaming.fixture.ts'
import { assertNothingLeaked, eventually, providerFile, type RunningGateway, startGateway } from './test-support.ts'

const GONE = { status: 499, code: 'caller_gone', provider: 'openai', model: 'openai/m' }

describe('a caller who leaves', () => {
  test('in the middle of its stream: the connection to the provider is closed at once', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    upstream.send(chunk('a'))
    const caller = await opening
    await caller.next()
    caller.leave()
    await upstream.closed
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [GONE])
    assert.equal(gateway.gateway.providers[0]!.pool.counters.open, 0)
  })

  test('before the first event', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (const headSent of [false, true]) {
      const caller = rawCaller(t, gateway.port)
      caller.socket.write(rawRequest())
      const upstream = await provider.next()
      if (headSent) upstream.begin()
      caller.socket.destroy()
      await upstream.closed
      assertNothingLeaked(gateway)
    }
    assert.deepEqual(gateway.failures, [GONE, GONE])
  })

  test('while queued: nothing of it reaches the provider', async (t) => {
    const provider = await startStreamProvider(t)
    const limits = { concurrency_and_buffer_size: { concurrency: 1, buffer_size: 1 } }
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url, limits) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    const queued = rawCaller(t, gateway.port)
    queued.socket.write(rawRequest())
    const { queue } = gateway.gateway.providers[0]!
    await eventually(() => {
      assert.equal(queue.buffered, 1)
    })
    queued.socket.destroy()
    await eventually(() => {
      assert.equal(queue.buffered, 0)
    })
    upstream.finish()
    assert.equal(await (await opening).rest(), DONE)
    assert.equal(provider.requests.length, 1)
    assertNothingLeaked(gateway)
  })

  test('with two streams on one connection: both end', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const caller = rawCaller(t, gateway.port)
    caller.socket.write(rawRequest().repeat(2))
    const both = [await provider.next(), await provider.next()]
    for (const upstream of both) upstream.send(chunk('x'.repeat(100_000)))
    await eventually(() => {
      assert.match(caller.received(), /xxx/)
    })
    caller.socket.destroy()
    await Promise.all(both.map(({ closed }) => closed))
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [GONE, GONE])
  })
})

describe('a caller who does not read', () => {
  /** More than what the kernel keeps on the way of two connections over loopback. */
  const EVENTS = 1_500
  const EVENT = chunk('x'.repeat(64 * 1024))
  const BOUND_BYTES = 48 * 1024 * 1024

  function trackCallers({ app }: RunningGateway): Set<Socket> {
    const sockets = new Set<Socket>()
    app.server.on('connection', (socket) => sockets.add(socket))
    return sockets
  }

  test('makes the provider stop, costs the gateway next to no memory, and gets everything when it reads again', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const callers = trackCallers(gateway)
    const opening = openAnswer(gateway.url)
    const upstream = await provider.next()
    const pumping = pump(upstream, EVENT, EVENTS)
    const message = await opening
    await stalled(pumping)
    assert.ok(pumping.sent * EVENT.length < BOUND_BYTES, `${pumping.sent} events of ${EVENTS} were taken`)
    const buffered = [...callers].reduce((sum, { writableLength }) => sum + writableLength, 0)
    assert.ok(buffered < 1024 * 1024, `${buffered} bytes wait in the gateway`)

    const arriving = createHash('sha1')
    message.on('data', (bytes: Buffer) => arriving.update(bytes))
    const ended = once(message, 'end')
    await pumping.all
    upstream.finish()
    await ended
    const sent = createHash('sha1')
    for (let each = 0; each < EVENTS; each++) sent.update(EVENT)
    assert.equal(arriving.digest('hex'), sent.update(DONE).digest('hex'))
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
    assert.deepEqual(gateway.failures, [])
  })

  test('at all is cut off when nothing has moved for the idle limit', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, {
      providers: {
        openai: providerFile(provider.url, { network_config: { stream_idle_timeout_in_seconds: 1 } }),
      },
    })
    const caller = rawCaller(t, gateway.port)
    caller.socket.pause()
    caller.socket.write(rawRequest(STREAM))
    const upstream = await provider.next()
    pump(upstream, EVENT, EVENTS)
    await upstream.closed
    await eventually(() => {
      assertNothingLeaked(gateway)
    })
    assert.deepEqual(gateway.failures, [GONE])
    caller.socket.resume()
    assert.doesNotMatch(await caller.closed, /"error"|\r\n0\r\n\r\n$/)
  })
})
