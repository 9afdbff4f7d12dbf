import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Ends the connection of a caller that takes nothing of an answer for `limitMs`. To be called once the answer has been
 * ended; costs nothing where the kernel has taken all of it, which is nearly always.
 */
export function limitUnread(response: ServerResponse, limitMs: number): void {
  if (response.writableLength === 0) return
  // In a row of answers on one connection, its turn may come later, after one that is still being made.
  const { socket } = response
  if (socket !== null) limit(response, socket, limitMs)
  else {
    response.once('socket', (assigned: Socket) => {
      limit(response, assigned, limitMs)
    })
  }
}

function limit(response: ServerResponse, socket: Socket, limitMs: number): void {
  socket.setTimeout(limitMs)
  // Before Node's own listener, which sets the limit of an idle connection, or turns to the next answer in the row.
  response.prependOnceListener('finish', () => socket.setTimeout(0))
}
