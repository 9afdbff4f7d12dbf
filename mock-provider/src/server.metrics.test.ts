import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANTHROPIC, ask, configure, OPENAI, rawAsk, until, withStoppedClock } from './server.callers.fixture.ts'
import { open, withMock, type Mock } from './server.fixture.ts'

/** Every sample by its name and labels as they are written. */
async function metrics({ url }: Mock): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  const samples = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

/** Requests by `key status`. */
async function requests(mock: Mock): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const [sample, count] of await metrics(mock)) {
    const labels = /^mock_requests_total\{key="(.*)",status="(.*)"\}$/.exec(sample)
    if (labels) counts[`${labels[1]} ${labels[2]}`] = count
  }
  return counts
}

async function done(...answers: Promise<Response>[]): Promise<void> {
  for (const answer of answers) await (await answer).arrayBuffer()
}

describe('requests are counted', () => {
  test('by the end of their key and by status, in all dialects, whole and streamed', async () => {
    await withMock({}, async (mock) => {
      assert.deepEqual(await requests(mock), {})
      await done(
        ask(mock, OPENAI, { key: 'sk-team-a' }),
        ask(mock, OPENAI, { key: 'sk-team-a', body: { stream: true } }),
      )
      await done(ask(mock, ANTHROPIC, { key: 'sk-team-a' }), ask(mock, ANTHROPIC, { key: 'sk-team-b' }), mock.chat())
      const counts = { '****am-a 200': 3, '****am-b 200': 1, 'none 200': 1 }
      assert.deepEqual(await requests(mock), counts)
      // Reading them does not count, and changes nothing.
      assert.deepEqual(await requests(mock), counts)
      await done(ask(mock, OPENAI, { key: 'sk-team-a' }))
      assert.deepEqual(await requests(mock), { ...counts, '****am-a 200': 4 })
    })
  })

  test('when they are refused, with the status that says why', async () => {
    const config = { failKeys: ['sk-is-dead=402'], keys: { 'sk-is-poor': { requestsPerMinute: 1 } } }
    await withMock(
      { ...config, strict: { refuse: true, keyShares: { 'sk-is-poor': 1, 'sk-is-dead': 1 } } },
      async (mock) => {
        await done(ask(mock, OPENAI, { key: 'sk-is-dead' }))
        await done(ask(mock, OPENAI, { key: 'sk-is-poor' }), ask(mock, OPENAI, { key: 'sk-is-poor' }))
        await done(ask(mock, OPENAI, { key: 'sk-another' }))
        await done(ask(mock, ANTHROPIC, { key: 'sk-is-poor', body: { max_tokens: 0 } }))
        await done(mock.chat('{"model'), mock.chat({}))
        assert.deepEqual(await requests(mock), {
          ...{ '****dead 402': 1, '****poor 200': 1, '****poor 429': 1, '****ther 400': 1, '****poor 400': 1 },
          'none 400': 2,
        })
      },
    )
  })

  test('when a fault answers them, and as none when it leaves them without', async () => {
    await withMock({}, async (mock) => {
      for (const fault of ['error=503', 'error=429', 'cut', 'truncate', 'garble', 'close']) {
        await ask(mock, OPENAI, { fault })
          .then((response) => response.text())
          .catch(() => '')
      }
      await assert.rejects(ask(mock, OPENAI, { fault: 'reset' }))
      const socket = await open(mock.url)
      socket.write(rawAsk(OPENAI, { fault: 'hang' }))
      await until(() => mock.server.hanging() === 1)
      assert.deepEqual(await requests(mock), {
        ...{ '****st-1 503': 1, '****st-1 429': 1, '****st-1 200': 4, '****st-1 none': 2 },
      })
      socket.destroy()
    })
  })

  test('under a hundred keys at most: those after that are others', async () => {
    await withMock({}, async (mock) => {
      for (let i = 0; i < 105; i++) await done(ask(mock, OPENAI, { key: `sk-key-${String(i).padStart(4, '0')}` }))
      await done(ask(mock, OPENAI, { key: 'sk-key-0099' }), ask(mock, OPENAI, { key: 'sk-key-0100' }), mock.chat())
      const counts = await requests(mock)
      assert.equal(Object.keys(counts).length, 102)
      assert.deepEqual(
        ['****0000 200', '****0099 200', '****0100 200', 'other 200', 'none 200'].map((label) => counts[label]),
        [1, 2, undefined, 6, 1],
      )
    })
  })

  test('under labels that no key can break out of, and that show no key', async () => {
    await withMock({}, async (mock) => {
      for (const key of ['abcdefg"} 9', 'abcdefgh\\n', 'k', 'two']) await done(ask(mock, ANTHROPIC, { key }))
      assert.deepEqual(await requests(mock), {
        ...{ '****\\"} 9 200': 1, '****gh\\\\n 200': 1, '**** 200': 1, '****o 200': 1 },
      })
    })
  })
})

describe('the delay error', () => {
  const name = 'mock_delay_error_seconds'

  test('is that of every answer that is a success, whole or streamed, in seconds', async () => {
    await withStoppedClock({ latency: 10 }, async (mock, advanceMs) => {
      for (const { lateMs, asking } of [
        { lateMs: 0, asking: {} },
        { lateMs: 4, asking: { body: { stream: true } } },
        { lateMs: 150, asking: {} },
        { lateMs: 500, asking: { fault: 'error=500' } },
      ]) {
        const answer = ask(mock, OPENAI, asking)
        await until(() => mock.server.waiting() === 1)
        advanceMs(10 + lateMs)
        await done(answer)
      }
      const samples = await metrics(mock)
      const atMost = (bound: string) => samples.get(`${name}_bucket{le="${bound}"}`)
      assert.deepEqual(['0', '0.003', '0.004', '0.1', '0.2', '+Inf'].map(atMost), [1, 1, 2, 2, 3, 3])
      assert.equal(samples.get(`${name}_count`), 3)
      assert.equal(samples.get(`${name}_sum`)?.toFixed(6), '0.154000')
    })
  })

  test('is never below 0 by a real clock', async () => {
    await withMock({ latency: 'uniform:1ms:5ms' }, async (mock) => {
      await done(...Array.from({ length: 20 }, () => ask(mock, OPENAI)))
      const samples = await metrics(mock)
      assert.equal(samples.get(`${name}_count`), 20)
      assert.ok((samples.get(`${name}_sum`) ?? NaN) > 0)
    })
  })
})

test('what waits and what hangs is told at that moment, each answer once', async () => {
  await withMock({ latency: 600_000 }, async (mock) => {
    const gauges = async () => {
      const samples = await metrics(mock)
      return [samples.get('mock_in_flight'), samples.get('mock_hanging')]
    }
    assert.deepEqual(await gauges(), [0, 0])
    const streams = [{ fault: undefined }, { fault: 'slow-headers=600s' }, { fault: 'stall=600s' }]
    const sockets = await Promise.all([...streams, { fault: 'hang' }].map(() => open(mock.url)))
    for (const [at, { fault }] of streams.entries()) {
      sockets[at]!.write(rawAsk(OPENAI, { fault, body: { stream: true } }))
    }
    await until(() => mock.server.waiting() === 3)
    await done(configure(mock, { latency: 0 }))
    sockets[3]!.write(rawAsk(OPENAI, { fault: 'hang' }))
    await until(() => mock.server.hanging() === 1)
    assert.deepEqual(await gauges(), [3, 1])
    for (const socket of sockets) socket.destroy()
    await until(() => mock.server.waiting() + mock.server.hanging() === 0)
    assert.deepEqual(await gauges(), [0, 0])
  })
})

test('changes of the config are not requests, and keep the counts', async () => {
  await withMock({}, async (mock) => {
    await done(ask(mock, OPENAI))
    await done(configure(mock, { seed: 2, latency: 1 }), configure(mock, { latency: -1 }))
    await done(ask(mock, OPENAI))
    assert.deepEqual(await requests(mock), { '****st-1 200': 2 })
  })
})
