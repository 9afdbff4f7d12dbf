import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { StoreError } from './log-store.ts'
import { BatchPacker, packOne } from './packed-batch.ts'
import { anyRecord, numbered, RECORD, rowOf } from './records.test-data.ts'
import { SqliteStore } from './sqlite-store.ts'

describe('the SQLite store', () => {
  let folder: string
  let path: string
  let store: SqliteStore

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sqlite-store-'))
    path = join(folder, 'log.db')
    store = new SqliteStore({ path, durability: 'normal' })
  })

  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })

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

  test('holds every record as it was, whatever its texts', () => {
    const written: unknown[] = []
    fc.assert(
      fc.property(anyRecord, (record) => {
        store.write(packOne(record))
        written.push(rowOf(record))
      }),
      { numRuns: 200 },
    )
    assert.deepEqual(rows(), written)
  })

  test('adds to a table that is there', () => {
    store.write(packOne(RECORD))
    store.close()
    store.write(packOne(RECORD))
    assert.equal(rows().length, 2)
  })

  test('a table of another shape is refused for good', () => {
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE gateway_requests (finished_at_ms INTEGER)')
    database.close()
    assert.throws(
      () => {
        store.open()
      },
      (error) => error instanceof StoreError && !error.passing && /no column/.test(error.message),
    )
  })

  test('a lock that another process holds passes, and the same rows go through after it', () => {
    store.open()
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    assert.throws(
      () => {
        store.write(packOne(RECORD))
      },
      (error) => error instanceof StoreError && error.passing,
    )
    other.exec('COMMIT')
    other.close()
    store.write(packOne(RECORD))
    assert.equal(rows().length, 1)
  })

  test('makes the table again when somebody has dropped it', () => {
    store.open()
    const other = new DatabaseSync(path)
    other.exec('DROP TABLE gateway_requests')
    other.close()
    assert.throws(() => {
      store.write(packOne(RECORD))
    }, StoreError)
    store.write(packOne(RECORD))
    assert.equal(rows().length, 1)
  })

  test('writes all rows of a batch or none', () => {
    const other = new DatabaseSync(path)
    store.open()
    other.exec(`CREATE TRIGGER no_seven BEFORE INSERT ON gateway_requests WHEN NEW.finished_at_ms = 7
      BEGIN SELECT RAISE(ABORT, 'seven'); END`)
    other.close()
    const packer = new BatchPacker(10)
    for (const record of numbered(10)) packer.add(record)
    assert.throws(() => {
      store.write(packer.take())
    }, /seven/)
    assert.deepEqual(rows(), [])
  })
})
