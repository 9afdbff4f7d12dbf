import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'

import { OpenConnections } from './open-connections.ts'

async function serverWith(t: TestContext) {
  // Never answers.
  const server = createServer(() => undefined)
  const connections = new OpenConnections(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    await connections.cutAll()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const connected = async (sent: string): Promise<Socket> => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const caller = connect(port, '127.0.0.1').on('error', () => undefined)
    const [socket] = await accepted
    caller.write(sent)
    if (sent !== '') await once(socket, 'data')
    return caller
  }
  return { connections, connected }
}

describe('OpenConnections', () => {
  test('a connection that never sent a byte is idle; one that sent half a head or waits for an answer is not', async (t) => {
    const { connections, connected } = await serverWith(t)
    const silent = await connected('')
    await connected('GET / HT')
    await connected('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal(connections.size, 3)
    const closed = once(silent, 'close')
    connections.closeIdle()
    await closed
    assert.equal(connections.size, 2)
  })

  test('all can be cut', async (t) => {
    const { connections, connected } = await serverWith(t)
    const caller = await connected('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    const closed = once(caller, 'close')
    await connections.cutAll()
    assert.equal(connections.size, 0)
    await closed
  })
})
