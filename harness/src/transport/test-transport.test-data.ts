import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { rawServer, writePieces, type RawServer } from '@gatebench/gateway/http1/raw-server.test-data'
import { SystemClock } from '../clock.ts'
import type { Attempt } from '../outcome.ts'
import { HttpTransport, type HttpTransportOptions } from './http-transport.ts'

export const clock = new SystemClock()

/** A transport for `await using`: closed before the server, whatever the test comes to. */
export class TestTransport extends HttpTransport {
  constructor(url: string, options: Partial<HttpTransportOptions> = {}) {
    super({
      url,
      request: { method: 'POST', path: '/v1/x', headers: { a: 'b' }, body: '{"é":1}' },
      connections: 4,
      timeoutMs: 0,
      clock,
      ...options,
    })
  }

  #sent = 0

  ask(dueNs = clock.nowNs()): Promise<Attempt> {
    return new Promise((resolve) => {
      this.send(this.#sent++, dueNs, resolve)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    assert.equal(this.inFlight, 0)
  }
}

/** Answers every request with these pieces. */
export const answering = (...pieces: string[]): Promise<RawServer> => rawServer((socket) => writePieces(socket, pieces))

/** Answers, then ends its side. */
export const ending = (...pieces: string[]): Promise<RawServer> =>
  rawServer(async (socket) => {
    await writePieces(socket, pieces)
    socket.end()
  })

/** Waits for what comes soon, or for 2 s in vain. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 2_000, 'waited 2 s in vain')
    await sleep(1)
  }
}
