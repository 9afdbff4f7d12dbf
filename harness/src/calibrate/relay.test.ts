import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer as createHttpServer, request, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { SystemClock } from '../clock.ts'
import { DelayLine } from './delay-line.ts'
import { createRelay } from './relay.ts'

const clock = new SystemClock()

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A relay before the upstream at `port`, ready to be called. */
async function relayTo(t: TestContext, port: number, delayUs: number) {
  const line = new DelayLine({ delayNs: delayUs * 1e3, clock, nextTurn: setImmediate })
  const relay = createRelay({ host: '127.0.0.1', port }, line)
  const ownPort = await listen(t, relay.server)
  const call = (options: { allowHalfOpen?: boolean } = {}): Socket =>
    connect({ host: '127.0.0.1', port: ownPort, ...options })
  return { relay, port: ownPort, call }
}

/** Sends back whatever it gets, and ends when its caller does. */
const echo = (): Server =>
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })

const closed = async (socket: Socket): Promise<void> => {
  socket.on('error', () => undefined)
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

for (const delayUs of [0, 300]) {
  describe(`a relay with a delay of ${delayUs} us`, () => {
    test('leaves bytes as they are, both ways, and loses none at the end', async (t) => {
      const { call } = await relayTo(t, await listen(t, echo()), delayUs)
      const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(chunks, async (sent) => {
          const caller = call({ allowHalfOpen: true })
          const received = buffer(caller)
          for (const chunk of sent) caller.write(chunk)
          caller.end()
          assert.deepEqual(await received, Buffer.concat(sent))
        }),
        { numRuns: 15 },
      )
    })

    test('carries 8 MiB to a caller that begins to read late', async (t) => {
      const { call } = await relayTo(t, await listen(t, echo()), delayUs)
      const sent = Buffer.alloc(8 * 2 ** 20, 'a line of text\n')
      const caller = call({ allowHalfOpen: true })
      caller.end(sent)
      await new Promise((resolve) => setTimeout(resolve, 30))
      assert.ok(sent.equals(await buffer(caller)))
    })

    test('carries many requests over one connection, each held for the delay at least', async (t) => {
      const mock = createHttpServer((_, response) => response.end('answer'))
      const { port, relay } = await relayTo(t, await listen(t, mock), delayUs)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      t.after(() => {
        agent.destroy()
      })
      let connections = 0
      mock.on('connection', () => connections++)
      for (let i = 0; i < 50; i++) {
        const startNs = clock.nowNs()
        const sent = request({ port, host: '127.0.0.1', agent, method: 'POST' }).end('question')
        const [response] = (await once(sent, 'response')) as [IncomingMessage]
        assert.equal(await text(response), 'answer')
        assert.ok(clock.nowNs() - startNs >= delayUs * 1e3)
      }
      const { count, meanUs, maxUs } = relay.held()
      assert.equal(connections, 1)
      assert.ok(count >= 50)
      assert.ok(meanUs !== undefined && maxUs !== undefined)
      assert.ok(meanUs >= delayUs && maxUs >= meanUs)
    })

    test('a caller that goes away takes its upstream connection with it', async (t) => {
      const mock = createServer()
      const { call } = await relayTo(t, await listen(t, mock), delayUs)
      for (const leave of [(caller: Socket) => caller.destroy(), (caller: Socket) => caller.resetAndDestroy()]) {
        const caller = call()
        const [upstream] = (await once(mock, 'connection')) as [Socket]
        caller.write('half a request')
        await once(upstream, 'data')
        leave(caller)
        await closed(upstream)
      }
    })

    test('an upstream that refuses closes the caller, and the relay lives on', async (t) => {
      const taken = createServer()
      const port = await listen(t, taken)
      await new Promise((resolve) => taken.close(resolve))
      const { call, relay } = await relayTo(t, port, delayUs)
      for (let i = 0; i < 2; i++) {
        const caller = call()
        caller.write('a request')
        await closed(caller)
      }
      assert.equal(relay.server.listening, true)
    })

    test('of an upstream that goes away in the middle of an answer, what it sent is passed on', async (t) => {
      const mock = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.write('half an', () => socket.destroy()))
      })
      const { call } = await relayTo(t, await listen(t, mock), delayUs)
      const caller = call()
      caller.write('a request')
      assert.equal(await text(caller), 'half an')
    })
  })
}

test('a connection upstream is opened at once, before its caller sends anything', async (t) => {
  const mock = createServer()
  const { call } = await relayTo(t, await listen(t, mock), 0)
  call()
  await once(mock, 'connection')
})

test('an upstream that does not read stops its caller from sending on', async (t) => {
  const mock = createServer({ pauseOnConnect: true })
  const { call } = await relayTo(t, await listen(t, mock), 0)
  const caller = call()
  const [upstream] = (await once(mock, 'connection')) as [Socket]
  caller.on('error', () => undefined)
  const sent = Buffer.alloc(32 * 2 ** 20)
  caller.write(sent)
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.ok(caller.writableLength > 0)
  let received = 0
  upstream.on('data', (chunk: Buffer) => (received += chunk.length))
  upstream.resume()
  await once(caller, 'drain')
  caller.end()
  await once(upstream, 'end')
  assert.equal(received, sent.length)
})
