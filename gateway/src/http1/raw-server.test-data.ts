import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

/** A server that knows no HTTP: a test decides every byte, and when the connection ends. */
export interface RawServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Connections that stand. */
  readonly sockets: ReadonlySet<Socket>
  /** Connections accepted so far. */
  readonly accepted: number
}

/** `answer` is called once per request, with its bytes as latin1 text. */
export async function rawServer(
  answer: (socket: Socket, request: string) => void | Promise<void>,
  { host = '127.0.0.1', onAccept }: { host?: string; onAccept?: (socket: Socket) => void } = {},
): Promise<RawServer> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer({ noDelay: true }, (socket) => {
    accepted++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A client that resets is what many tests are about.
    socket.on('error', () => undefined)
    onAccept?.(socket)
    let received = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      for (let end = requestEnd(received); end > 0; end = requestEnd(received)) {
        const request = received.slice(0, end)
        received = received.slice(end)
        void answer(socket, request)
      }
    })
  }).listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    sockets,
    get accepted() {
      return accepted
    },
    [Symbol.asyncDispose]: () => closeServer(server, sockets),
  }
}

async function closeServer(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  server.close()
  await once(server, 'close')
}

/** Length of the first whole request; 0 when there is none. */
function requestEnd(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n') + 4
  if (headEnd < 4) return 0
  const end = headEnd + Number(/^content-length: (\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0)
  return text.length >= end ? end : 0
}

/** Writes pieces so that each is likely to be a read of its own at the other end. */
export async function writePieces(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    await turn()
  }
}
