import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { SEGMENTS } from '../core/stages.ts'
import {
  chunk,
  DONE,
  event,
  openStream,
  rawCaller,
  rawRequest,
  STREAM,
  startStreamProvider,
} from './streaming.fixture.ts'
import { assertNothingLeaked, eventually, providerFile, startGateway } from './test-support.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('relaying', () => {
  test('each event is with the caller before the provider sends the next', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    assert.deepEqual(upstream.body, { model: 'm', messages: STREAM.messages, stream: true })
    const events = [
      chunk('Hé'),
      ': still there\n\n',
      chunk('llo 😀'),
      event({ choices: [{ finish_reason: 'stop' }] }),
      DONE,
    ]
    upstream.send(events[0]!)
    const caller = await opening
    assert.equal(caller.status, 200)
    assert.match(caller.headers['content-type'] ?? '', /^text\/event-stream/)
    assert.equal(caller.headers['cache-control'], 'no-cache')
    for (const [index, expected] of events.entries()) {
      if (index > 0) upstream.send(expected)
      assert.equal(await caller.next(), expected)
    }
    upstream.response.end()
    assert.equal(await caller.next(), undefined)
    assertNothingLeaked(gateway)
    assert.deepEqual(gateway.failures, [])
    assert.equal(gateway.gateway.traffic.unlabelled.types.get('chat_completion_stream')?.byStatus.get(200), 1)
  })

  test('characters and events may be split anywhere', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    const text = chunk('é😀') + chunk('ü')
    for (const byte of Buffer.from(text)) {
      upstream.send(Buffer.of(byte))
      await turn()
    }
    upstream.finish()
    assert.equal(await (await opening).rest(), text + DONE)
  })

  test('line ends stay as they are', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    const text = chunk('a').replaceAll('\n', '\r\n') + chunk('b').replaceAll('\n', '\r')
    upstream.send(text)
    upstream.finish()
    assert.equal(await (await opening).rest(), text + DONE)
  })

  test('an event of 3 MiB arrives whole', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    const text = chunk('x'.repeat(3 * 1024 * 1024))
    upstream.send(text)
    upstream.finish()
    assert.ok((await (await opening).rest()) === text + DONE)
  })

  test("the provider's headers that callers can act on are passed", async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    upstream.begin({ 'x-request-id': 'req-7', 'x-mock-delay': 'planned=1;actual=2', 'set-cookie': 'a=b' })
    upstream.finish()
    const { headers } = await opening
    assert.deepEqual(
      [headers['x-request-id'], headers['x-mock-delay'], headers['set-cookie']],
      ['req-7', 'planned=1;actual=2', undefined],
    )
  })

  test('a caller of HTTP/1.0 gets the stream unchunked, up to the end of the connection', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (const headers of ['', 'x-bench-timing: 1\r\n', 'connection: keep-alive\r\n']) {
      const caller = rawCaller(t, gateway.port)
      caller.socket.write(rawRequest(STREAM, { version: '1.0', headers }))
      const upstream = await provider.next()
      upstream.send(chunk('a'))
      await eventually(() => {
        assert.ok(caller.received().endsWith(chunk('a')))
      })
      upstream.finish()
      const [head, body] = (await caller.closed).split(/(?<=\r\n\r\n)/)
      assert.match(head!, /^HTTP\/1.1 200 /)
      assert.doesNotMatch(head!, /transfer-encoding|trailer/i)
      assert.equal(body, chunk('a') + DONE)
    }
    assertNothingLeaked(gateway)
  })
})

describe('usage', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }

  test('is asked for when the caller does, reaches it, and is counted', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url, { body: { ...STREAM, stream_options: { include_usage: true } } })
    const upstream = await provider.next()
    assert.deepEqual(upstream.body.stream_options, { include_usage: true })
    upstream.send(chunk('a', { usage: null }) + event({ choices: [], usage }))
    upstream.finish()
    assert.match(await (await opening).rest(), /"usage":\{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8\}/)
    const route = gateway.gateway.traffic.unlabelled.route('openai', 'm')
    assert.deepEqual([route.successes, route.inputTokens, route.outputTokens], [1, 3, 5])
  })

  test('is not asked for when the caller does not', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    assert.equal('stream_options' in upstream.body, false)
    upstream.send(chunk('a'))
    upstream.finish()
    assert.doesNotMatch(await (await opening).rest(), /usage/)
  })
})

describe('times', () => {
  test('of the first token, and between tokens, are stages and metrics of their own', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    const upstream = await provider.next()
    upstream.send(chunk('0'))
    const caller = await opening
    await caller.next()
    for (const text of ['1', '2', '3']) {
      upstream.send(chunk(text))
      await caller.next()
    }
    upstream.send(DONE)
    await caller.next()
    upstream.response.end()
    await caller.next()

    const stages = gateway.gateway.histograms.snapshot()
    const [first, between, http] = ['first_token', 'between_tokens', 'http_request'].map((name) =>
      stages.find((stage) => stage.name === name)!,
    )
    assert.deepEqual([first!.count, between!.count, http!.count], [1, 4, 1])
    assert.ok(first!.sumNs > 0 && between!.sumNs > 0)
    assert.ok(
      first!.sumNs + between!.sumNs <=
        stages.reduce((sum, { name, sumNs }) => {
          return SEGMENTS.some((segment) => segment.name === name) ? sum + sumNs : sum
        }, 0),
    )
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    assert.match(metrics, /gateway_stream_first_token_latency_seconds_count\{[^}]*provider="openai"[^}]*\} 1\n/)
    assert.match(metrics, /gateway_stream_inter_token_latency_seconds_count\{[^}]*provider="openai"[^}]*\} 4\n/)
  })

  test('are told when asked for: up to the first event in the head, of the whole stream in the trailer', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url, { headers: { 'x-bench-timing': '1' } })
    const upstream = await provider.next()
    upstream.send(chunk('a'))
    const caller = await opening
    upstream.finish()
    await caller.rest()
    const [head, trailer] = [caller.headers, caller.message.trailers].map((where) => {
      const timing = String(where['server-timing']).split(',')
      assert.deepEqual(
        timing.map((entry) => entry.split(';')[0]),
        [...SEGMENTS.map(({ name }) => name), 'total'],
      )
      const [total = NaN, ...parts] = timing.map((entry) => Number(/dur=([\d.]+)$/.exec(entry)![1])).reverse()
      assert.ok(Math.abs(parts.reduce((sum, ms) => sum + ms, 0) - total) < 0.001, 'the stages add up to the total')
      return total
    })
    assert.ok(trailer! > head!)
  })

  test('are not told unasked', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const opening = openStream(gateway.url)
    ;(await provider.next()).finish()
    const caller = await opening
    await caller.rest()
    assert.deepEqual([caller.headers['server-timing'], caller.message.trailers], [undefined, {}])
  })
})

describe('connections', () => {
  test('serve again after a stream, on both sides', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const caller = rawCaller(t, gateway.port)
    for (let round = 1; round <= 3; round++) {
      caller.socket.write(rawRequest())
      const upstream = await provider.next()
      upstream.send(chunk(`round ${round}`))
      upstream.finish()
      await eventually(() => {
        assert.equal(caller.received().split('\r\n0\r\n\r\n').length, round + 1)
        assertNothingLeaked(gateway)
      })
      // It rests for a turn of the loop after each answer.
      await turn()
      await turn()
    }
    assert.equal(provider.accepted, 1)
    assert.match(caller.received(), /round 1[^]*round 2[^]*round 3/)
  })

  test('of a provider that closes them carry one stream each', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (let round = 1; round <= 2; round++) {
      const opening = openStream(gateway.url)
      const upstream = await provider.next()
      upstream.begin({ connection: 'close' })
      upstream.finish()
      assert.equal(await (await opening).rest(), DONE)
    }
    assert.equal(provider.accepted, 2)
    assertNothingLeaked(gateway)
  })

  test('carry two pipelined streams in order, whichever the provider sends first', async (t) => {
    const provider = await startStreamProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const caller = rawCaller(t, gateway.port)
    caller.socket.write(rawRequest({ ...STREAM, seed: 1 }) + rawRequest({ ...STREAM, seed: 2 }))
    const both = [await provider.next(), await provider.next()]
    const [first, second] = [1, 2].map((seed) => both.find(({ body }) => body.seed === seed)!)
    for (let piece = 0; piece < 50; piece++) second!.send(chunk(`second ${piece} ${'x'.repeat(4_000)}`))
    second!.finish()
    first!.send(chunk('first'))
    await eventually(() => {
      assert.match(caller.received(), /first/)
    })
    assert.doesNotMatch(caller.received(), /second/)
    first!.finish()
    await eventually(() => {
      assert.equal(caller.received().split(DONE).length, 3)
      assertNothingLeaked(gateway)
    })
    const order = [...caller.received().matchAll(/first|second \d+/g)].map(([what]) => what)
    assert.deepEqual(order, ['first', ...Array.from({ length: 50 }, (_, piece) => `second ${piece}`)])
  })
})
