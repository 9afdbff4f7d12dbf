import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { open } from './server.fixture.ts'

/** What the tests of sinks share: a server whose answers are left to the test. */

export const GET = 'GET / HTTP/1.1\r\nhost: mock\r\n\r\n'

export interface Served {
  /** An open connection to the server, and that as the server has it. */
  caller: Socket
  connection: Socket
  /** The next request on it. */
  nextResponse: () => Promise<ServerResponse>
}

/** One connection to a server that leaves all answers to the test, of which nothing is left after `use`. */
export async function withConnection(use: (served: Served) => Promise<void>): Promise<void> {
  const responses: ServerResponse[] = []
  const server = createServer((_request, response) => responses.push(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const caller = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [connection] = await accepted
  const nextResponse = async () => {
    await until(() => responses.length > 0)
    return responses.shift()!
  }
  try {
    await use({ caller, connection, nextResponse })
  } finally {
    caller.destroy()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
}

/** Waits for what must become so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextTurn()
}

/** However it ends: a caller that leaves may reset the connection. */
export function closeOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve))
}

/** The rest of what comes, until the other side ends. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: string) => (text += chunk))
  await once(socket, 'end')
  return text
}
