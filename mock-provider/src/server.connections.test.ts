import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, describe, test } from 'node:test'
import { open, rawRequest, readAnswers, withMock } from './server.fixture.ts'
import { createMockServer } from './server.ts'

describe('connections', () => {
  test('are not given up by the mock while idle: no timeout is armed on any', async () => {
    await withMock({}, async ({ url, server }) => {
      const { headersTimeout, requestTimeout, keepAliveTimeout, timeout } = server.app.server
      assert.deepEqual([headersTimeout, requestTimeout, keepAliveTimeout, timeout], [0, 0, 0, 0])
      const socket = await open(url)
      socket.write(rawRequest())
      assert.match(await readAnswers(socket, 1), /\r\nkeep-alive: timeout=600\r\n(.*\r\n)*connection: keep-alive\r\n/i)
      socket.write(rawRequest())
      assert.match(await readAnswers(socket, 1), /^HTTP\/1\.1 200 OK\r\n/)
      socket.destroy()
    })
  })

  test('that ask for it are closed after the answer, without a hint to keep them', async () => {
    await withMock({}, async ({ url }) => {
      const socket = await open(url)
      socket.write(rawRequest().replace('host: mock', 'host: mock\r\nconnection: close'))
      const text = await readAnswers(socket, 1)
      assert.match(text, /\r\nconnection: close\r\n/i)
      assert.doesNotMatch(text, /keep-alive/i)
      await once(socket, 'end')
      socket.destroy()
    })
  })
})

describe('closing', () => {
  test('answers what waits, tells those callers to close, and lets go of idle and unused connections', async () => {
    const server = createMockServer({ port: 0, latency: 150 })
    const url = await server.listen()
    const [unused, idle, waiting, late] = [await open(url), await open(url), await open(url), await open(url)]
    after(() => {
      for (const socket of [unused, idle, waiting, late]) socket.destroy()
    })
    idle.write(rawRequest())
    await readAnswers(idle, 1)
    waiting.write(rawRequest())
    while (server.waiting() === 0) await sleep(1)

    const closed = server.close()
    await assert.rejects(async () => {
      for (;;) (await open(url)).destroy()
    }, /ECONNREFUSED/)
    late.write(rawRequest())
    const [refusal] = (await once(late, 'data')) as [string]
    assert.match(refusal, /^HTTP\/1\.1 503 /)
    const answer = await readAnswers(waiting, 1)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(answer, /\r\nconnection: close\r\n/i)
    await closed
  })

  test('does not wait for callers that are gone', async () => {
    const server = createMockServer({ port: 0, latency: 60 })
    const socket = await open(await server.listen())
    socket.write(rawRequest())
    while (server.waiting() === 0) await sleep(1)
    socket.destroy()
    await server.close()
    assert.equal(server.waiting(), 0)
  })
})
