import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { DEFAULTS, type RequestLogSettings } from '../config.ts'
import { numbered, RECORD, rowOf } from './records.test-data.ts'
import { openRequestLog, type RequestLog, RequestLogError } from './request-log.ts'

const unexpected = (warning: string): void => {
  assert.fail(warning)
}

describe('a request log in SQLite', () => {
  let folder: string
  let path: string
  let opened: RequestLog[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'request-log-'))
    path = join(folder, 'log.db')
    opened = []
  })

  afterEach(async () => {
    await Promise.all(opened.map((log) => log.close(0)))
    rmSync(folder, { recursive: true })
  })

  async function open(settings: Partial<RequestLogSettings> = {}): Promise<RequestLog> {
    const log = await openRequestLog({ store: 'sqlite', path, ...DEFAULTS.requestLog, ...settings }, unexpected)
    opened.push(log)
    return log
  }

  function rows(): unknown[] {
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      return database
        .prepare('SELECT * FROM gateway_requests ORDER BY rowid')
        .all()
        .map((row) => ({ ...row }))
    } finally {
      database.close()
    }
  }

  test('has written everything, in order, when it is closed', async () => {
    const log = await open({ batchSize: 100 })
    for (const record of numbered(1_234)) assert.equal(log.add(record), undefined)
    await log.close(60_000)
    assert.deepEqual(rows(), numbered(1_234).map(rowOf))
    assert.deepEqual(log.counters, { written: 1_234, dropped: 0, waiting: 0, failures: 0, batches: 13 })
  })

  test('counts what comes after it was closed as dropped', async () => {
    const log = await open()
    await log.close()
    void log.add(RECORD)
    assert.equal(log.counters.dropped, 1)
  })

  test('closes once, however often it is told', async () => {
    const log = await open()
    void log.add(RECORD)
    await Promise.all([log.close(60_000), log.close(60_000)])
    assert.equal(log.counters.written, 1)
  })

  test('keeps at most maxWaiting records while another process holds the file', async () => {
    const log = await open({ batchSize: 10, maxWaiting: 50 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    for (const record of numbered(80)) void log.add(record)
    assert.deepEqual(log.counters, { written: 0, dropped: 30, waiting: 50, failures: 0, batches: 0 })
    other.exec('COMMIT')
    other.close()
    await log.close(60_000)
    assert.deepEqual(rows(), numbered(50).map(rowOf))
  })

  test('takes turns with the logs of other workers in the same file', async () => {
    const logs = await Promise.all([open(), open(), open()])
    for (const log of logs) for (const record of numbered(100)) void log.add(record)
    await Promise.all(logs.map((log) => log.close(60_000)))
    assert.equal(rows().length, 300)
  })

  test('in synchronous mode a row is there when its promise resolves', async () => {
    const log = await open({ mode: 'synchronous' })
    for (const record of numbered(3)) {
      await log.add(record)
      assert.equal(rows().length, record.finishedAtMs + 1)
    }
    assert.deepEqual(log.counters, { written: 3, dropped: 0, waiting: 0, failures: 0, batches: 3 })
  })

  test('in synchronous mode a row that cannot be written is dropped, counted, and told once', async () => {
    const warnings: string[] = []
    const log = await openRequestLog(
      { store: 'sqlite', path, ...DEFAULTS.requestLog, mode: 'synchronous' },
      (message) => warnings.push(message),
    )
    opened.push(log)
    const other = new DatabaseSync(path)
    other.exec('DROP TABLE gateway_requests; CREATE TABLE gateway_requests (other)')
    other.close()
    await log.add(RECORD)
    await log.add(RECORD)
    assert.deepEqual(log.counters, { written: 0, dropped: 2, waiting: 0, failures: 2, batches: 0 })
    assert.equal(warnings.length, 1)
    assert.match(
      warnings[0]!,
      /^request log: cannot write to SQLite file .*; rows that fail are dropped and counted, this is told once: /,
    )
  })

  for (const mode of ['batched', 'synchronous'] as const) {
    test(`refuses a file that is no database (${mode})`, async () => {
      writeFileSync(
        path,
        'a shopping list, long enough to be read as a header of a database: eggs, flour, milk\n'.repeat(9),
      )
      await assert.rejects(open({ mode }), (error) => error instanceof RequestLogError && error.message.includes(path))
    })

    test(`refuses a folder that is not there, and says which (${mode})`, async () => {
      path = join(folder, 'no', 'log.db')
      await assert.rejects(open({ mode }), {
        name: 'RequestLogError',
        message: `request log: path: the folder "${join(folder, 'no')}" of "${path}" does not exist; make it, or name a file in one that does`,
      })
    })
  }
})
