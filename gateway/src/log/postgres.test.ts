import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import fc from 'fast-check'
import { DEFAULTS } from '../config.ts'
import { StoreError } from './log-store.ts'
import { BatchPacker, packOne } from './packed-batch.ts'
import { PostgresStore } from './postgres-store.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import { anyRecord, numbered, RECORD, rowOf } from './records.test-data.ts'
import { openRequestLog } from './request-log.ts'

const unexpected = (warning: string): void => {
  assert.fail(warning)
}

const PASSWORD = 's3cr%65t'

describe('with PostgreSQL', () => {
  let database: PGlite
  let server: PGLiteSocketServer
  let port: number

  before(async () => {
    database = await PGlite.create()
  })

  after(async () => {
    await database.close()
  })

  beforeEach(async () => {
    await startServer(0)
    port = Number(server.getServerConn().split(':').at(-1))
  })

  afterEach(async () => {
    await server.stop()
    await database.exec('DROP TABLE IF EXISTS gateway_requests')
  })

  async function startServer(atPort: number): Promise<void> {
    server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: atPort, maxConnections: 20 })
    await server.start()
  }

  function url(): string {
    return `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  }

  async function rows(): Promise<unknown[]> {
    return (await database.query('SELECT * FROM gateway_requests ORDER BY finished_at_ms')).rows
  }

  async function withStore(use: (store: PostgresStore) => Promise<void>): Promise<void> {
    const store = new PostgresStore({ url: url(), connections: 1 })
    try {
      await use(store)
    } finally {
      await store.close()
    }
  }

  test('the store holds every record as it was, whatever its texts', async () => {
    await withStore(async (store) => {
      const written: unknown[] = []
      await fc.assert(
        fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), async (records) => {
          const packer = new BatchPacker(records.length)
          for (const any of records) {
            const record = { ...any, finishedAtMs: written.length }
            packer.add(record)
            written.push(rowOf(record))
          }
          await store.write(packer.take())
        }),
        { numRuns: 50 },
      )
      assert.deepEqual(await rows(), written)
    })
  })

  test('the store finds fault with a table of another shape for good', async () => {
    await database.exec('CREATE TABLE gateway_requests (finished_at_ms BIGINT)')
    await withStore(async (store) => {
      await assert.rejects(
        store.write(packOne(RECORD)),
        (error) => error instanceof StoreError && !error.passing && error.message.includes('does not exist'),
      )
    })
  })

  test('the store makes the table again when somebody has dropped it', async () => {
    await withStore(async (store) => {
      await store.open()
      await database.exec('DROP TABLE gateway_requests')
      await assert.rejects(store.write(packOne(RECORD)), StoreError)
      await store.write(packOne(RECORD))
      assert.equal((await rows()).length, 1)
    })
  })

  test('a batched log has written all when it is closed', async () => {
    const log = await openRequestLog(
      { store: 'postgres', url: url(), ...DEFAULTS.requestLog, batchSize: 7 },
      unexpected,
    )
    for (const record of numbered(50)) void log.add(record)
    await log.close(60_000)
    assert.deepEqual(await rows(), numbered(50).map(rowOf))
    assert.equal(log.counters.written, 50)
  })

  test('a row of a synchronous log is there when its promise resolves', async () => {
    const log = await openRequestLog(
      { store: 'postgres', url: url(), ...DEFAULTS.requestLog, mode: 'synchronous' },
      unexpected,
    )
    try {
      await log.add(RECORD)
      assert.deepEqual(await rows(), [rowOf(RECORD)])
    } finally {
      await log.close()
    }
  })

  test('a server that goes away is waited for; the rows come when it is back', async () => {
    const warnings: string[] = []
    let onWarning = (): void => undefined
    const warned = (): Promise<void> =>
      new Promise((resolve) => {
        onWarning = resolve
      })
    const log = await openRequestLog(
      { store: 'postgres', url: url(), ...DEFAULTS.requestLog, batchSize: 1 },
      (message) => {
        warnings.push(message)
        onWarning()
      },
    )
    try {
      await server.stop()
      const stopped = warned()
      for (const record of numbered(5)) void log.add(record)
      await stopped
      assert.match(
        warnings[0]!,
        /^request log: cannot write to PostgreSQL at 127\.0\.0\.1:\d+\/postgres, will try again: /,
      )
      assert.equal(log.counters.waiting, 5)
      const resumed = warned()
      await startServer(port)
      await resumed
      assert.match(warnings[1]!, /writes to .* again/)
      await log.close(60_000)
      assert.deepEqual(await rows(), numbered(5).map(rowOf))
      assert.deepEqual(
        { ...log.counters, failures: 0 },
        { written: 5, dropped: 0, waiting: 0, failures: 0, batches: 5 },
      )
      assert.doesNotMatch(warnings.join(), /s3cr/)
    } finally {
      await log.close(0)
    }
  })
})

describe('without PostgreSQL', () => {
  let server: Server
  let sockets: Socket[]
  let onConnection: (socket: Socket) => void

  beforeEach(async () => {
    sockets = []
    onConnection = () => undefined
    server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      onConnection(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })

  function url(): string {
    return `postgres://postgres:${PASSWORD}@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`
  }

  test('a log is closed within its limit when the server says nothing; what waited is counted as dropped', async () => {
    const log = await openRequestLog(
      { store: 'postgres', url: url(), ...DEFAULTS.requestLog, batchSize: 1 },
      () => undefined,
    )
    void log.add(RECORD)
    await log.close(10)
    assert.deepEqual(log.counters, { written: 0, dropped: 1, waiting: 0, failures: 0, batches: 0 })
  })

  test('what waits for a server that says nothing is bounded', async () => {
    const log = await openRequestLog(
      { store: 'postgres', url: url(), ...DEFAULTS.requestLog, batchSize: 10, maxWaiting: 100 },
      () => undefined,
    )
    for (const record of numbered(250)) void log.add(record)
    assert.deepEqual(log.counters, { written: 0, dropped: 150, waiting: 100, failures: 0, batches: 0 })
    await log.close(0)
    assert.equal(log.counters.dropped, 250)
  })

  test('a password in a message of the server is not passed on', async () => {
    onConnection = (socket) => {
      const body = Buffer.from('SFATAL\0C28P01\0Mdenied: s3cret, as s3cr%65t\0\0')
      const head = Buffer.alloc(5)
      head.write('E')
      head.writeInt32BE(body.length + 4, 1)
      socket.once('data', () => socket.end(Buffer.concat([head, body])))
    }
    const store = new PostgresStore({ url: url(), connections: 1 })
    await assert.rejects(Promise.resolve(store.open()), { message: 'denied: ***, as ***', passing: true })
    await store.close()
  })

  for (const [wrong, complaint] of [
    ['postgres://u:s3cret@host:54x/db', /is not a URL; write postgres:/],
    ['mysql://u:s3cret@host/db', /is not a URL of PostgreSQL; write postgres:/],
    ['postgres://u:s3cret%@host/db', /"%" that is not followed/],
  ] as const) {
    test(`a URL like ${wrong} is an error that does not show the password`, () => {
      assert.throws(
        () => parsePostgresUrl(wrong),
        (error) => error instanceof Error && complaint.test(error.message) && !error.message.includes('s3cret'),
      )
    })
  }

  test('a name without password comes of a URL', () => {
    const { label } = parsePostgresUrl('postgresql://u:s3cret@db.example:5433/logs?password=s3cret')
    assert.equal(label, 'PostgreSQL at db.example:5433/logs')
  })
})
