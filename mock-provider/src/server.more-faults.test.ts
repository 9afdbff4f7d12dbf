import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WrittenConfig } from './config.ts'
import { ask, CALLERS, dataOf, rawAsk, reader, until, type Caller } from './server.callers.fixture.ts'
import { open, withMock, type Mock } from './server.fixture.ts'

const SIZE_BYTES = 1_000
const CONFIG = { responseSize: SIZE_BYTES, tokens: 6 }
const STREAM = { stream: true }
const NOT_IN_A_TEST_MS = 600_000

const bodyBytes = (text: string) => text.length - (text.indexOf('\r\n\r\n') + 4)
const chunksOf = (text: string) => [...text.matchAll(/"t(\d+):\d+\+\d+ "/g)].map(([, index]) => Number(index))

function parses(json: string): boolean {
  try {
    JSON.parse(json)
    return true
  } catch {
    return false
  }
}

/** A fault as a request asks for it, and as the config has it for all requests. */
interface Way {
  how: string
  config: WrittenConfig
  fault?: string
}

function waysTo(kind: string, rate: WrittenConfig, header = kind): Way[] {
  return [
    { how: 'asked for', config: CONFIG, fault: header },
    { how: 'by its rate', config: { ...CONFIG, ...rate } },
  ]
}

function each(ways: Way[], what: string, prove: (mock: Mock, caller: Caller, fault: Way['fault']) => Promise<void>) {
  for (const caller of CALLERS) {
    for (const { how, config, fault } of ways) {
      test(`${caller.name}, ${how}: ${what}`, async () => {
        await withMock(config, (mock) => prove(mock, caller, fault))
      })
    }
  }
}

describe('a truncated answer', () => {
  const ways = waysTo('truncate', { truncateRate: 1 })

  each(ways, 'is good HTTP around half of the JSON', async (mock, caller, fault) => {
    const response = await ask(mock, caller, { fault })
    const text = await response.text()
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-length'), String(SIZE_BYTES / 2))
    assert.equal(text.length, SIZE_BYTES / 2)
    assert.equal(parses(text), false)
  })

  each(ways, 'is a stream of half its chunks and no end', async (mock, caller, fault) => {
    // That the body comes to an end shows that HTTP's own end is there.
    const text = await (await ask(mock, caller, { fault, body: STREAM })).text()
    assert.deepEqual(chunksOf(text), [0, 1, 2])
    assert.ok(!text.includes(caller.streamEnd))
    assert.ok(dataOf(text).every(parses))
  })
})

describe('a garbled answer', () => {
  const ways = waysTo('garble', { garbleRate: 1 })

  each(ways, 'is whole, but no JSON', async (mock, caller, fault) => {
    const text = await (await ask(mock, caller, { fault })).text()
    assert.equal(text.length, SIZE_BYTES - 1)
    assert.equal(parses(text), false)
  })

  each(ways, 'is a whole stream of which one chunk in the middle is no JSON', async (mock, caller, fault) => {
    const text = await (await ask(mock, caller, { fault, body: STREAM })).text()
    assert.deepEqual(chunksOf(text), [0, 1, 2, 3, 4, 5])
    assert.ok(text.includes(caller.streamEnd))
    const bad = dataOf(text).filter((data) => data !== '[DONE]' && !parses(data))
    assert.deepEqual(bad.map(chunksOf), [[2]])
  })
})

describe('an answer after which the connection closes', () => {
  for (const { what, body } of [
    { what: 'whole', body: {} },
    { what: 'streamed', body: STREAM },
  ]) {
    each(waysTo('close', { closeRate: 1 }), `is good, ${what}, and says nothing of it`, async (mock, caller, fault) => {
      const socket = await open(mock.url)
      const read = reader(socket)
      socket.write(rawAsk(caller, { fault, body }))
      await until(() => socket.readableEnded)
      const text = await read(() => true)
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(text, /\r\nconnection: keep-alive\r\n/i)
      if (body === STREAM) assert.ok(text.includes(caller.streamEnd) && text.endsWith('\r\n0\r\n\r\n'))
      else assert.equal(bodyBytes(text), SIZE_BYTES)
      socket.destroy()
    })
  }
})

describe('an answer that stalls', () => {
  const endless = waysTo('stall', { stallRate: 1, stall: NOT_IN_A_TEST_MS }, `stall=${NOT_IN_A_TEST_MS}ms`)

  each(endless, 'has half its body out, and is forgotten when the caller leaves', async (mock, caller, fault) => {
    const socket = await open(mock.url)
    socket.write(rawAsk(caller, { fault }))
    const text = await reader(socket)((soFar) => soFar.includes('\r\n\r\n') && bodyBytes(soFar) >= SIZE_BYTES / 2)
    assert.equal(bodyBytes(text), SIZE_BYTES / 2)
    assert.match(text, /\r\ncontent-length: 1000\r\n/i)
    assert.equal(mock.server.waiting(), 1)
    socket.destroy()
    await until(() => mock.server.waiting() === 0)
  })

  each(endless, 'has half its chunks out, and is forgotten when the caller leaves', async (mock, caller, fault) => {
    const socket = await open(mock.url)
    socket.write(rawAsk(caller, { fault, body: STREAM }))
    assert.deepEqual(chunksOf(await reader(socket)((soFar) => chunksOf(soFar).length >= 3)), [0, 1, 2])
    assert.equal(mock.server.waiting(), 1)
    socket.destroy()
    await until(() => mock.server.waiting() === 0)
  })

  each(
    waysTo('stall', { stallRate: 1, stall: '60ms' }, 'stall=60ms'),
    'is whole after it',
    async (mock, caller, fault) => {
      for (const { body, tokens } of [
        { body: {}, tokens: 0 },
        { body: STREAM, tokens: 6 },
        // The stall of a single chunk comes before the end of the stream.
        { body: { ...STREAM, max_tokens: 1 }, tokens: 1 },
      ]) {
        const startMs = performance.now()
        const text = await (await ask(mock, caller, { fault, body })).text()
        const tookMs = performance.now() - startMs
        assert.ok(tookMs >= 60, `${tookMs} ms`)
        assert.equal(chunksOf(text).length, tokens)
        if (tokens > 0) assert.ok(text.includes(caller.streamEnd))
        else assert.ok(text.length === SIZE_BYTES && parses(text))
      }
    },
  )
})

describe('an answer with slow headers', () => {
  const endless = waysTo(
    'slow-headers',
    { slowHeadersRate: 1, slowHeaders: NOT_IN_A_TEST_MS },
    `slow-headers=${NOT_IN_A_TEST_MS}ms`,
  )

  for (const { what, body, latency } of [
    { what: 'whole', body: {}, latency: 0 },
    { what: 'streamed', body: STREAM, latency: 0 },
    { what: 'streamed and not yet due', body: STREAM, latency: NOT_IN_A_TEST_MS },
  ]) {
    const ways = endless.map((way) => ({ ...way, config: { ...way.config, latency } }))
    each(ways, `${what}: waits once, and is forgotten when the caller leaves`, async (mock, caller, fault) => {
      const socket = await open(mock.url)
      socket.write(rawAsk(caller, { fault, body }))
      await until(() => mock.server.waiting() > 0)
      if (latency === 0) {
        const text = await reader(socket)((soFar) => soFar !== '')
        assert.ok('HTTP/1.1 200 OK'.startsWith(text.slice(0, 15)), text)
        assert.doesNotMatch(text, /\r\n\r\n/)
      }
      assert.equal(mock.server.waiting(), 1)
      socket.destroy()
      await until(() => mock.server.waiting() === 0)
    })
  }

  const short = waysTo('slow-headers', { slowHeadersRate: 1, slowHeaders: '70ms' }, 'slow-headers=70ms')
  each(short, 'is whole after them, and the last of its connection', async (mock, caller, fault) => {
    for (const body of [{}, STREAM]) {
      const startMs = performance.now()
      const response = await ask(mock, caller, { fault, body })
      const tookMs = performance.now() - startMs
      const text = await response.text()
      // Each of the timers between eight pieces may be a millisecond early.
      assert.ok(tookMs >= 63, `${tookMs} ms`)
      assert.equal(response.headers.get('connection'), 'close')
      assert.match(response.headers.get('x-mock-delay') ?? '', /^planned=0;actual=\d+$/)
      if (body === STREAM) assert.ok(chunksOf(text).length === 6 && text.includes(caller.streamEnd))
      else assert.ok(text.length === SIZE_BYTES && parses(text))
    }
  })
})
