import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { CHAT, open, rawRequest, withMock } from './server.fixture.ts'
import { createMockServer, type MockServer } from './server.ts'

const STREAM = rawRequest(JSON.stringify({ ...CHAT, stream: true }))

async function readUntil(socket: Awaited<ReturnType<typeof open>>, end: string): Promise<string> {
  let text = ''
  while (!text.includes(end)) {
    const [chunk] = (await once(socket, 'data')) as [string]
    text += chunk
  }
  return text
}

/** How many wait as soon as it is `count`, or after a time in which it should have become that. */
async function waitingIs(server: MockServer, count: number): Promise<number> {
  const giveUpAtMs = performance.now() + 10_000
  while (server.waiting() !== count && performance.now() < giveUpAtMs) await sleep(1)
  return server.waiting()
}

describe('a stream', () => {
  test('is server-sent events on a connection that is used again', async () => {
    await withMock({ tokens: 2 }, async ({ url }) => {
      const socket = await open(url)
      for (let i = 0; i < 2; i++) {
        socket.write(STREAM)
        const text = await readUntil(socket, '\r\n0\r\n\r\n')
        assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
        assert.match(text, /\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/i)
        assert.match(text, /\r\nx-mock-delay: planned=0;actual=\d+\r\n/i)
        assert.match(text, /\r\ntransfer-encoding: chunked\r\n/i)
        assert.match(text, /data: \[DONE\]\n\n/)
      }
      socket.destroy()
    })
  })

  test('is given up as soon as its caller leaves, before its first chunk and between chunks', async () => {
    for (const config of [{ firstToken: 3_600_000 }, { tokenInterval: 3_600_000 }]) {
      await withMock(config, async ({ url, server }) => {
        const sockets = await Promise.all(Array.from({ length: 20 }, () => open(url)))
        for (const socket of sockets) socket.write(STREAM)
        assert.equal(await waitingIs(server, 20), 20)
        for (const socket of sockets) socket.destroy()
        assert.equal(await waitingIs(server, 0), 0)
      })
    }
  })

  test('waits for a reader that is slow, holds little meanwhile, and is whole in the end', async () => {
    const tokens = 100_000
    await withMock({ tokens }, async ({ url, server }) => {
      const accepted = once(server.app.server, 'connection') as Promise<[Socket]>
      const socket = await open(url)
      try {
        const [connection] = await accepted
        socket.pause()
        socket.write(STREAM)
        // The kernel's buffers take some MB at most; then nothing moves any more.
        let before = -1
        while (connection.bytesWritten !== before || before < 1_000) {
          before = connection.bytesWritten
          await sleep(100)
        }
        assert.equal(server.waiting(), 1)
        assert.ok(connection.writableLength < 1_048_576, `${connection.writableLength} bytes held`)

        let events = 0
        let tail = ''
        socket.on('data', (chunk: string) => {
          const text = tail + chunk
          events += text.split('"content":"t').length - 1
          // One less than what is looked for: nothing is counted twice.
          tail = text.slice(-11)
        })
        socket.resume()
        while (!tail.endsWith('\r\n0\r\n\r\n')) await once(socket, 'data')
        assert.equal(events, tokens)
        assert.equal(server.waiting(), 0)
      } finally {
        socket.destroy()
      }
    })
  })

  test('goes on to its end when the mock closes, and the connection with it', async () => {
    const server = createMockServer({ port: 0, tokenInterval: 10, tokens: 10 })
    const socket = await open(await server.listen())
    socket.write(STREAM)
    await once(socket, 'data')
    const closed = server.close()
    const text = await readUntil(socket, '\r\n0\r\n\r\n')
    assert.match(text, /"content":"t9:\d+\+90000 "/)
    await Promise.all([once(socket, 'end'), closed])
  })

  test('pipelined behind an answer comes after it, whole', async () => {
    await withMock({ latency: 30, firstToken: 0, tokens: 3 }, async ({ url }) => {
      const socket = await open(url)
      socket.write(rawRequest() + STREAM)
      const text = await readUntil(socket, '\r\n0\r\n\r\n')
      assert.match(text, /"chat\.completion"[^]*"chat\.completion\.chunk"[^]*t2:\d+\+0 [^]*\[DONE\]/)
      socket.destroy()
    })
  })
})
