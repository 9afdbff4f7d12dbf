import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'

import { eventually, startProvider } from '../http/test-support.ts'
import { RequestContext } from './request-context.ts'
import { SLOT } from './stage-clock.ts'
import { UpstreamPool } from './upstream-pool.ts'

class NamedContext extends RequestContext {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
    this.payload = Buffer.from(name)
    this.upstreamHeaders = ['x-name', name]
    this.clock.start()
  }

  override settled(): void {
    throw new Error('the pool does not settle')
  }
}

function poolTo(t: TestContext, url: string, maxConnections: number) {
  const answered: RequestContext[] = []
  const failed: RequestContext[] = []
  const pool = new UpstreamPool(
    { baseUrl: new URL(url), path: '/', maxConnections, connectTimeoutMs: 1_000 },
    {
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
  test('a connection that was used before is written to within the call, not a turn of the loop later', async (t) => {
    const { url } = await startProvider(t)
    const { pool, answered } = poolTo(t, url, 1)
    pool.send(new NamedContext('first'))
    await eventually(() => {
      assert.equal(answered.length, 1)
    })
    const second = new NamedContext('second')
    pool.send(second)
    assert.ok(second.clock.ns[SLOT.request_setup]! > 0)
    await eventually(() => {
      assert.equal(answered.length, 2)
    })
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
