import { connect, createServer, type Server, type Socket } from 'node:net'
import { HeldTally, type DelayLine, type Held } from './delay-line.ts'

/** A TCP relay: the server to listen with, and for how long it has held what clients sent. */
export interface Relay {
  server: Server
  held(): Held
}

/**
 * Passes bytes on between each client and a connection of its own to `upstream`: what the client sends through the delay
 * line, what comes back at once. The end of either side ends the other, after what came before it; an error ends its own
 * two connections and nothing else.
 *
 * A chunk is held from the moment it was read to the moment it is written. What reading and writing cost is not in it: a
 * relay without a delay pays that too.
 */
export function createRelay(upstream: { host: string; port: number }, line: DelayLine): Relay {
  const tally = new HeldTally()
  // What a client sends before its upstream connection stands waits in the kernel: once read, it would wait uncounted.
  const server = createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    const mock = connect({ ...upstream, noDelay: true, allowHalfOpen: true })
    mock.once('connect', () => client.resume())
    passOn(client, mock, {
      later: (step) => {
        line.push(step)
      },
      onWrite: (heldNs) => {
        tally.add(heldNs)
      },
    })
    passOn(mock, client)
  })
  return { server, held: () => tally.held() }
}

interface Hold {
  /** Calls each step once, in order, with the time that it held it. */
  later: (step: (heldNs: number) => void) => void
  onWrite: (heldNs: number) => void
}

const NO_HOLD: Hold = {
  later: (step) => {
    step(0)
  },
  onWrite: () => undefined,
}

/** One way of a connection. Its end takes the same way as its bytes, so that it cannot overtake them. */
function passOn(from: Socket, to: Socket, { later, onWrite }: Hold = NO_HOLD): void {
  from.on('data', (chunk: Buffer) => {
    later((heldNs) => {
      if (!to.writable) return
      onWrite(heldNs)
      if (!to.write(chunk)) from.pause()
    })
  })
  to.on('drain', () => from.resume())
  from.on('end', () => {
    later(() => to.end())
  })
  // An error, of either socket, is followed by its close.
  from.on('error', () => undefined)
  from.on('close', () => {
    later(() => {
      to.destroySoon()
    })
  })
}
