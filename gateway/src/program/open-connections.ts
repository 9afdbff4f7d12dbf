import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** A server's connections, also those that were given to it and that it did not accept itself. */
export class OpenConnections {
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  constructor(server: Server) {
    this.server = server
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.once('close', () => {
        this.sockets.delete(socket)
      })
    })
  }

  get size(): number {
    return this.sockets.size
  }

  /** An answer is still on its way out. */
  get sending(): boolean {
    return [...this.sockets].some(({ writableLength }) => writableLength > 0)
  }

  /** Those that wait for a next request, and those that never sent a byte, which Node does not take for idle. */
  closeIdle(): void {
    this.server.closeIdleConnections()
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  /** Resolves when every one of them has told those who listen to it. */
  async cutAll(): Promise<void> {
    const closed = [...this.sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of this.sockets) socket.destroy()
    await Promise.all(closed)
  }
}
