import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'

import { eventually, startProvider } from '../http/test-support.ts'
import { GatewayError } from './errors.ts'
import { RequestContext } from './request-context.ts'
import { SLOT } from './stage-clock.ts'
import { UpstreamPool } from './upstream-pool.ts'

class NamedContext extends RequestContext {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
    this.payload = name
    this.upstreamHead = `POST / HTTP/1.1\r\nhost: x\r\nx-name: ${name}\r\ncontent-length: `
    this.clock.start()
  }

  override settled(): void {
    throw new Error('the pool does not settle')
  }

  override streamStarted(): void {
    throw new Error('nor does it stream')
  }

  override streamed(): boolean {
    throw new Error('nor does it stream')
  }

  override cutOff(): void {
    throw new Error('nor does it stream')
  }
}

function noStream(): void {
  throw new Error('no stream was asked for')
}

function poolTo(t: TestContext, url: string, maxConnections: number) {
  const answered: RequestContext[] = []
  const failed: RequestContext[] = []
  const pool = new UpstreamPool(
    { baseUrl: new URL(url), maxConnections, connectTimeoutMs: 1_000 },
    {
      streamed: noStream,
      answered: (context) => answered.push(context),
      failed: (context) => failed.push(context),
    },
  )
  t.after(() => {
    pool.close()
  })
  return { pool, answered, failed }
}

describe('UpstreamPool', () => {
  test('a connection that has rested is written to within the call, not a turn of the loop later', async (t) => {
    const { url } = await startProvider(t)
    const { pool, answered } = poolTo(t, url, 1)
    pool.send(new NamedContext('first'))
    await eventually(() => {
      assert.equal(answered.length, 1)
    })
    // Once around the loop, and once more to be sure of a whole turn.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
    const second = new NamedContext('second')
    pool.send(second)
    assert.ok(second.clock.ns[SLOT.request_setup]! > 0)
    await eventually(() => {
      assert.equal(answered.length, 2)
    })
  })

  test('a second answer that follows the first on its heels never reaches the next request', async (t) => {
    const { url, server } = await startProvider(t, () => undefined)
    const answer = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    server.on('connection', (socket) => {
      socket.on('data', (request: Buffer) => {
        socket.write(answer(/x-name: (\S+)/.exec(request.toString())![1]!))
        setImmediate(() => socket.write(answer('not yours')))
      })
    })
    const names: [asked: string, got: string][] = []
    const pool = new UpstreamPool(
      { baseUrl: new URL(url), maxConnections: 100, connectTimeoutMs: 1_000 },
      {
        streamed: noStream,
        // The next leaves while the connection of the last is barely free.
        answered: (context) => {
          if (!(context instanceof NamedContext)) throw new Error('not a context of this test')
          names.push([context.name, context.answer.toString()])
          if (names.length < 50) pool.send(new NamedContext(`request-${names.length}`))
        },
        failed: (_context, cause) => {
          assert.fail(cause)
        },
      },
    )
    t.after(() => {
      pool.close()
    })
    pool.send(new NamedContext('request-0'))
    await eventually(() => {
      assert.equal(names.length, 50)
    })
    for (const [asked, got] of names) assert.equal(got, asked)
  })

  test('a connection that the provider keeps for no longer is not used again', async (t) => {
    const { url } = await startProvider(t, (_request, response) => {
      response.setHeader('keep-alive', 'timeout=1').end('{}')
    })
    const { pool, answered } = poolTo(t, url, 5)
    for (let sent = 1; sent <= 3; sent++) {
      pool.send(new NamedContext('x'))
      await eventually(() => {
        assert.equal(answered.length, sent)
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.equal(pool.counters.openedTotal, 3)
  })

  test('a connection that the provider has ended is not used again, not even before it is closed', async (t) => {
    const { url, server } = await startProvider(t, () => undefined)
    server.on('connection', (socket) => {
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
        setTimeout(() => socket.end(), 3)
      })
    })
    const { pool, answered, failed } = poolTo(t, url, 5)
    for (let sent = 1; sent <= 5; sent++) {
      pool.send(new NamedContext('x'))
      await eventually(() => {
        assert.equal(answered.length, sent)
      })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.deepEqual([failed.length, pool.counters.openedTotal, pool.counters.open], [0, 5, 0])
  })

  test('text beyond ASCII arrives whole', async (t) => {
    const { url, requests } = await startProvider(t)
    const { pool, answered } = poolTo(t, url, 1)
    const context = new NamedContext('x')
    context.payload = JSON.stringify({ content: 'Grüße, 世界 🌍' })
    pool.send(context)
    await eventually(() => {
      assert.equal(answered.length, 1)
    })
    assert.equal(requests[0]?.body, '{"content":"Grüße, 世界 🌍"}')
  })

  test('opens ahead as many as told, and never more than its bound', async (t) => {
    const { url, server } = await startProvider(t)
    let connections = 0
    server.on('connection', () => connections++)
    const { pool } = poolTo(t, url, 300)
    assert.equal(await pool.openAhead(290), undefined)
    assert.equal(pool.counters.idle, 290)
    assert.equal(await pool.openAhead(1_000), undefined)
    assert.deepEqual(pool.counters, { open: 300, idle: 300, inUse: 0, waiting: 0, openedTotal: 300 })
    await eventually(() => {
      assert.equal(connections, 300)
    })
  })

  test('closed while opening ahead: opens no more, and what it had begun does not stay open', async (t) => {
    const { url, server } = await startProvider(t)
    let [connections, gone] = [0, 0]
    server.on('connection', (socket) => {
      connections++
      socket.once('close', () => gone++)
    })
    const { pool } = poolTo(t, url, 1_000)
    server.once('connection', () => {
      pool.close()
    })
    assert.equal(await pool.openAhead(1_000), undefined)
    const { open, openedTotal } = pool.counters
    assert.equal(open, 0)
    assert.ok(openedTotal < 1_000)
    await eventually(() => {
      assert.ok(connections >= openedTotal)
      assert.equal(gone, connections)
    })
  })

  test('once closed, it takes no request, and a request that leaves its line opens nothing', async (t) => {
    const { url, requests } = await startProvider(t, () => undefined)
    const { pool } = poolTo(t, url, 1)
    const [running, first, second] = ['running', 'first', 'second'].map((name) => new NamedContext(name))
    for (const context of [running!, first!, second!]) pool.send(context)
    await eventually(() => {
      assert.equal(requests.length, 1)
    })
    pool.close()
    pool.cancel(running!)
    pool.cancel(first!)
    assert.throws(() => {
      pool.send(new NamedContext('late'))
    }, GatewayError)
    assert.deepEqual(pool.counters, { open: 0, idle: 0, inUse: 0, waiting: 1, openedTotal: 1 })
  })

  test('all in use: requests get a connection in order of arrival', async (t) => {
    const { url, requests } = await startProvider(t)
    const { pool, answered } = poolTo(t, url, 2)
    const contexts = Array.from({ length: 20 }, (_, index) => new NamedContext(String(index)))
    for (const context of contexts) pool.send(context)
    assert.equal(pool.counters.waiting, 18)
    await eventually(() => {
      assert.equal(answered.length, 20)
    })
    assert.deepEqual(
      requests.slice(2).map(({ body }) => Number(body)),
      Array.from({ length: 18 }, (_, index) => index + 2),
    )
    assert.equal(pool.counters.openedTotal, 2)
  })

  test('a cancelled request is never answered, and its connection makes room for the next', async (t) => {
    const held: (() => void)[] = []
    const { url, requests } = await startProvider(t, (_request, response) => {
      held.push(() => response.end('{}'))
    })
    const { pool, answered, failed } = poolTo(t, url, 1)
    const [unwanted, next] = [new NamedContext('unwanted'), new NamedContext('next')]
    pool.send(unwanted)
    pool.send(next)
    await eventually(() => {
      assert.equal(requests.length, 1)
    })
    pool.cancel(unwanted)
    await eventually(() => {
      assert.equal(requests.length, 2)
    })
    for (const answer of held) answer()
    await eventually(() => {
      assert.deepEqual(answered, [next])
    })
    assert.deepEqual(failed, [])
    assert.equal(unwanted.connection, null)
  })

  test('a request that is cancelled before its connection is open leaves nothing behind', async (t) => {
    const { url } = await startProvider(t)
    const { pool, answered, failed } = poolTo(t, url, 1)
    const context = new NamedContext('early')
    pool.send(context)
    pool.cancel(context)
    assert.deepEqual(pool.counters, { open: 0, idle: 0, inUse: 0, waiting: 0, openedTotal: 0 })
    pool.send(new NamedContext('next'))
    await eventually(() => {
      assert.equal(answered.length, 1)
    })
    assert.deepEqual(failed, [])
  })
})
