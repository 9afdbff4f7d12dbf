import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { describe, test } from 'node:test'
import { eventually } from './program.fixture.ts'
import { open, rawRequest, readAnswers, withMock, type Mock } from './server.fixture.ts'

/** A mock that has stopped to refuse connections, and another program on its port, which it has come upon. */
async function takePort({ url, server }: Mock): Promise<Server> {
  server.control.change({ refuseConnections: true })
  await eventually(() => !server.app.server.listening)
  const other = createServer((_request, response) => response.end('another program'))
  other.listen(Number(new URL(url).port), '127.0.0.1')
  await once(other, 'listening')
  const inVain = once(server.app.server, 'error')
  server.control.change({ refuseConnections: false })
  const [error] = (await inVain) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'EADDRINUSE')
  return other
}

async function close(other: Server): Promise<void> {
  other.closeAllConnections()
  other.close()
  await once(other, 'close')
}

const bodyOf = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).text()

describe('a mock whose port was taken while it refused connections', { timeout: 20_000 }, () => {
  test('serves those who are connected, and listens again once it can', () =>
    withMock({}, async (mock) => {
      const connected = await open(mock.url)
      const other = await takePort(mock)
      assert.equal(await bodyOf(mock.url), 'another program')
      connected.write(rawRequest())
      assert.match(await readAnswers(connected, 1), /^HTTP\/1\.1 200 /)
      await close(other)
      await eventually(async () => /"status":"ok"/.test(await bodyOf(`${mock.url}/health`).catch(() => '')))
      connected.destroy()
    }))

  test('refuses again when it is told to, and listens no more', () =>
    withMock({}, async (mock) => {
      const other = await takePort(mock)
      mock.server.control.change({ refuseConnections: true })
      await close(other)
      const refused = (error: { cause?: { code?: string } }) => error.cause?.code === 'ECONNREFUSED'
      // Longer than it waits before it tries again.
      for (let i = 0; i < 15; i++) {
        await assert.rejects(bodyOf(mock.url), refused)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }))

  test('closes when it is told to, and leaves the port alone', async () => {
    let other: Server | undefined
    await withMock({}, async (mock) => {
      other = await takePort(mock)
    })
    assert.ok(other)
    await close(other)
  })
})
