import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP relay that holds every piece back by `delayMs`, each way: a known delay on a known way. */
export async function startDelayRelay(
  upstreamUrl: string,
  delayMs: number,
): Promise<{ url: string; stop: () => void }> {
  const { hostname, port } = new URL(upstreamUrl)
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (caller) => {
    const upstream = connect({ host: hostname, port: Number(port), noDelay: true })
    for (const [from, to] of [
      [caller, upstream],
      [upstream, caller],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes: Buffer) => {
        setTimeout(() => to.writable && to.write(bytes), delayMs)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
