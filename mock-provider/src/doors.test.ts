import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, mock, test } from 'node:test'
import fc from 'fast-check'
import { Doors, type DoorPolicy } from './doors.ts'
import { seededRandom, type Random } from './random.ts'
import { open, rawRequest, readAnswers, withMock } from './server.fixture.ts'
import { createMockServer, type MockServer } from './server.ts'

const REFUSED = { code: 'ECONNREFUSED' }

function refuse(server: MockServer, refuseConnections: boolean): void {
  server.control.change({ refuseConnections })
}

/** Waits until new connections are let in. */
async function letIn({ app }: MockServer): Promise<void> {
  if (!app.server.listening) await once(app.server, 'listening')
}

async function isAnswered(socket: Socket): Promise<void> {
  socket.write(rawRequest())
  assert.match(await readAnswers(socket, 1), /^HTTP\/1\.1 200 OK\r\n/)
}

describe('connections that are refused', () => {
  test('find nobody listening, while those that are open go on, and are let in on the same port again', async () => {
    await withMock({}, async ({ url, server }) => {
      const [used, unused] = [await open(url), await open(url)]
      await isAnswered(used)
      for (let round = 0; round < 3; round++) {
        refuse(server, true)
        for (let i = 0; i < 3; i++) await assert.rejects(open(url), REFUSED)
        await isAnswered(used)
        refuse(server, false)
        await letIn(server)
        const late = await open(url)
        await isAnswered(late)
        late.destroy()
      }
      refuse(server, true)
      await isAnswered(unused)
      used.destroy()
      unused.destroy()
    })
  })

  test('are refused from the start where the config says so', async () => {
    await withMock({ refuseConnections: true }, async ({ url, server }) => {
      assert.notEqual(new URL(url).port, '0')
      await assert.rejects(open(url), REFUSED)
      refuse(server, false)
      await letIn(server)
      const socket = await open(url)
      await isAnswered(socket)
      socket.destroy()
    })
  })

  test('are refused by every name of the address: localhost is 127.0.0.1 alone, whatever else it is called', async () => {
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]
    type Found = (error: null, found: typeof addresses) => void
    // As node asks: always for all of them.
    const lookup = mock.method(dns, 'lookup', (name: string, _options: unknown, found: Found) => {
      const named = addresses.filter(({ address }) => name === 'localhost' || name === address)
      process.nextTick(found, null, named)
    })
    try {
      await withMock({ host: 'localhost' }, ({ url, server }) => {
        assert.equal(new URL(url).hostname, '127.0.0.1')
        assert.equal(server.app.addresses().length, 1)
        return Promise.resolve()
      })
    } finally {
      lookup.mock.restore()
    }
  })

  test('are let in or not as was said last, however quickly that changes', async () => {
    await withMock({}, async ({ url, server }) => {
      const change = fc.record({ refuses: fc.boolean(), turns: fc.nat({ max: 3 }) })
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 10 }), async (changes) => {
          for (const { refuses, turns } of changes) {
            refuse(server, refuses)
            for (let turn = 0; turn < turns; turn++) await nextTurn()
          }
          // Long enough for any move that is under way.
          for (let turn = 0; turn < 20; turn++) await nextTurn()
          if (changes.at(-1)?.refuses) await assert.rejects(open(url), REFUSED)
          else (await open(url)).destroy()
        }),
        { numRuns: 50, seed: 1 },
      )
    })
  })
})

describe('closing', () => {
  test('while connections are refused answers what waits and comes to its end', async () => {
    const server = createMockServer({ port: 0, latency: 60 })
    const url = await server.listen()
    const [waiting, idle] = [await open(url), await open(url)]
    await isAnswered(idle)
    waiting.write(rawRequest())
    while (server.waiting() === 0) await nextTurn()
    refuse(server, true)
    const ends = [once(waiting, 'end'), once(idle, 'end')]
    const [answer] = await Promise.all([readAnswers(waiting, 1), server.close()])
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    await Promise.all(ends)
    waiting.destroy()
    idle.destroy()
  })

  test('wins over whatever is under way', async () => {
    for (const changes of [[true], [true, false], [true, false, true]]) {
      for (const turns of [0, 1, 2]) {
        const server = createMockServer({ port: 0 })
        const url = await server.listen()
        for (const refuses of changes) {
          refuse(server, refuses)
          for (let turn = 0; turn < turns; turn++) await nextTurn()
        }
        await server.close()
        refuse(server, true)
        refuse(server, false)
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        assert.equal(server.app.server.listening, false)
        await assert.rejects(open(url), REFUSED)
      }
    }
  })
})

describe('a share of connections', () => {
  const doors = (policy: Partial<DoorPolicy>, random: Random) =>
    new Doors(createServer(), random, () => ({ refuseConnections: false, refuseRate: 0, ...policy }))
  /** Who is let in of so many: the others are destroyed. */
  const letsIn = (refuseRate: number, seed: number, count: number) => {
    const at = doors({ refuseRate }, seededRandom(seed))
    return Array.from({ length: count }, () => {
      const socket = new Socket().on('error', () => undefined)
      const isIn = at.letsIn(socket)
      assert.equal(socket.destroyed, !isIn)
      return isIn
    })
  }

  test('of none is none, and nothing is drawn for it', () => {
    const at = doors({}, () => assert.fail('drawn'))
    assert.equal(at.letsIn(new Socket()), true)
  })

  test('of 1 is each', () => {
    assert.deepEqual(new Set(letsIn(1, 1, 1_000)), new Set([false]))
  })

  test('is that share, the same ones for the same seed and others for another', () => {
    const first = letsIn(0.3, 1, 10_000)
    const share = first.filter((isIn) => !isIn).length / first.length
    // Five standard deviations of a binomial share.
    assert.ok(Math.abs(share - 0.3) < 5 * Math.sqrt((0.3 * 0.7) / first.length), `${share}`)
    assert.deepEqual(letsIn(0.3, 1, 10_000), first)
    assert.notDeepEqual(letsIn(0.3, 2, 10_000), first)
  })

  test('is reset, and not ended, as its caller sees it; those that are open stay', async () => {
    await withMock({}, async ({ url, server }) => {
      const before = await open(url)
      server.control.change({ refuseRate: 1 })
      for (let i = 0; i < 5; i++) {
        // As soon as it is connected, or before that is known.
        const connected = open(url).then((socket) => once(socket.resume(), 'end'))
        await assert.rejects(connected, { code: 'ECONNRESET' })
      }
      await isAnswered(before)
      server.control.change({ refuseRate: 0 })
      const after = await open(url)
      await isAnswered(after)
      before.destroy()
      after.destroy()
    })
  })
})
