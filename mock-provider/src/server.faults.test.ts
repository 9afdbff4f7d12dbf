import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import OpenAI, { InternalServerError, RateLimitError } from 'openai'
import { CHAT, open, rawRequest, readAnswers, withMock } from './server.fixture.ts'
import { createMockServer } from './server.ts'

function withFault(fault: string, body: unknown = CHAT): string {
  return rawRequest(JSON.stringify(body)).replace('host: mock', `host: mock\r\nx-mock-fault: ${fault}`)
}

/** All that comes until the connection ends; and how it ended, where that was no clean end. */
async function readToEnd(socket: Awaited<ReturnType<typeof open>>): Promise<{ text: string; code?: string }> {
  let text = ''
  socket.on('data', (chunk: string) => (text += chunk))
  try {
    await once(socket, 'end')
    return { text }
  } catch (error) {
    return { text, code: (error as NodeJS.ErrnoException).code ?? '' }
  } finally {
    socket.destroy()
  }
}

describe('a request that asks for a fault', () => {
  test('of a status gets that error as OpenAI gives it, with the wait that it asks for', async () => {
    await withMock({}, async ({ url }) => {
      const chat = (fault: string) =>
        new OpenAI({ baseURL: `${url}/v1`, apiKey: 'k', maxRetries: 0 }).chat.completions.create(
          { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
          { headers: { 'x-mock-fault': fault } },
        )
      await assert.rejects(
        chat('error=503'),
        (error) => error instanceof InternalServerError && error.status === 503 && error.type === 'server_error',
      )
      for (const [fault, seconds] of [
        ['error=429', '1'],
        ['error=429;retry-after=2', '2'],
      ] as const) {
        await assert.rejects(
          chat(fault),
          (error) =>
            error instanceof RateLimitError &&
            error.code === 'rate_limit_exceeded' &&
            error.headers.get('retry-after') === seconds,
        )
      }
      await assert.rejects(chat('explode'), /400 x-mock-fault: "explode" is not a fault/)
    })
  })

  test('of a status is answered at its time, on a connection that goes on', async () => {
    await withMock({ latency: 30 }, async ({ url }) => {
      const socket = await open(url)
      socket.write(withFault('error=500') + rawRequest())
      const text = await readAnswers(socket, 1)
      assert.match(text, /^HTTP\/1\.1 500 [^]*x-mock-delay: planned=30000;actual=[^]*HTTP\/1\.1 200 OK\r\n/i)
      socket.destroy()
    })
  })

  test('of a reset has its connection reset', async () => {
    await withMock({}, async ({ url }) => {
      const socket = await open(url)
      socket.write(withFault('reset'))
      assert.deepEqual(await readToEnd(socket), { text: '', code: 'ECONNRESET' })
    })
  })

  test('of a cut gets half a body, or half a stream', async () => {
    await withMock({ responseSize: 1_000, tokens: 10 }, async ({ url }) => {
      const whole = await open(url)
      whole.write(withFault('cut'))
      const body = (await readToEnd(whole)).text
      assert.match(body, /\r\ncontent-length: 1000\r\n/i)
      assert.equal(body.split('\r\n\r\n')[1]?.length, 500)

      const streamed = await open(url)
      streamed.write(withFault('cut', { ...CHAT, stream: true }))
      const { text, code } = await readToEnd(streamed)
      assert.equal(code, undefined)
      assert.deepEqual(
        [...text.matchAll(/"content":"t(\d+):/g)].map(([, index]) => Number(index)),
        [0, 1, 2, 3, 4],
      )
      assert.doesNotMatch(text, /\[DONE\]|\r\n0\r\n/)
    })
  })

  test('of a hang gets nothing, and is forgotten when the caller leaves', async () => {
    await withMock({}, async ({ url, server, chat }) => {
      const socket = await open(url)
      socket.write(withFault('hang'))
      while (server.hanging() === 0) await sleep(1)
      assert.equal((await chat()).status, 200)
      assert.equal(socket.bytesRead, 0)
      assert.equal(server.waiting(), 0)
      socket.destroy()
      while (server.hanging() > 0) await sleep(1)
    })
  })

  test('gets that one, whatever the rates say', async () => {
    await withMock({ hangRate: 1 }, async ({ url, server }) => {
      const socket = await open(url)
      socket.write(withFault('error=418'))
      const [text] = (await once(socket, 'data')) as [string]
      assert.match(text, /^HTTP\/1\.1 418 /)
      assert.equal(server.hanging(), 0)
      socket.destroy()
    })
  })
})

test('rates decide the same requests for the same seed, and leave the planned delays as they are', async () => {
  const run = async (errorRate: number, seed: number) => {
    const statuses: number[] = []
    const planned: (string | undefined)[] = []
    await withMock({ errorRate, errorStatus: 503, latency: 2, jitter: 2, seed }, async ({ chat }) => {
      for (let i = 0; i < 30; i++) {
        const response = await chat()
        statuses.push(response.status)
        planned.push(/planned=\d+/.exec(response.headers.get('x-mock-delay') ?? '')?.[0])
        await response.arrayBuffer()
      }
    })
    return { statuses, planned }
  }
  const first = await run(0.5, 1)
  assert.deepEqual(new Set(first.statuses), new Set([200, 503]))
  assert.deepEqual(await run(0.5, 1), first)
  assert.notDeepEqual((await run(0.5, 2)).statuses, first.statuses)
  assert.deepEqual((await run(0, 1)).planned, first.planned)
})

test('closing drops what hangs, now and later, and so comes to its end', async () => {
  const server = createMockServer({ port: 0, latency: 60 })
  const url = await server.listen()
  const [hangs, willHang] = [await open(url), await open(url)]
  hangs.write(withFault('hang'))
  while (server.hanging() === 0) await sleep(1)
  willHang.write(withFault('hang'))
  while (server.waiting() === 0) await sleep(1)
  const ends = Promise.all([readToEnd(hangs), readToEnd(willHang)])
  await server.close()
  assert.deepEqual(
    (await ends).map(({ text }) => text),
    ['', ''],
  )
  assert.equal(server.hanging(), 0)
})
