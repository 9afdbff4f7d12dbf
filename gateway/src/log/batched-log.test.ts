import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { DEFAULTS } from '../config.ts'
import { BatchedLog } from './batched-log.ts'
import { CRASH, numbered, RECORD } from './records.test-data.ts'

const CRASHING_THREAD = new URL('./crashing-log-worker.test-support.ts', import.meta.url)

/** A log in a new folder, of one row a batch; `rows` are the written ones' `finished_at_ms`. */
async function withCrashingLog(
  use: (opened: {
    log: BatchedLog
    path: string
    warned: () => Promise<string>
    rows: () => unknown[]
  }) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'batched-log-'))
  const path = join(folder, 'log.db')
  let onWarning: (message: string) => void = () => undefined
  const warned = (): Promise<string> =>
    new Promise((resolve) => {
      onWarning = resolve
    })
  const config = { store: 'sqlite', path, ...DEFAULTS.requestLog, batchSize: 1 } as const
  const log = await BatchedLog.open(
    config,
    (message) => {
      onWarning(message)
    },
    CRASHING_THREAD,
  )
  const rows = (): unknown[] => {
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      return database
        .prepare('SELECT finished_at_ms FROM gateway_requests ORDER BY rowid')
        .all()
        .map((row) => row['finished_at_ms'])
    } finally {
      database.close()
    }
  }
  try {
    await use({ log, path, warned, rows })
  } finally {
    await log.close(0)
    rmSync(folder, { recursive: true })
  }
}

test('a thread that crashes is started again: the rows that it had are dropped, the later ones written', async () => {
  await withCrashingLog(async ({ log, warned, rows }) => {
    const crashed = warned()
    log.add({ ...RECORD, model: CRASH })
    assert.match(await crashed, /^request log: its thread failed: Error: a bug; what it had is dropped, it is started/)
    assert.deepEqual(log.counters, { written: 0, dropped: 1, waiting: 0, failures: 1, batches: 0 })

    const resumed = warned()
    for (const record of numbered(3)) log.add(record)
    assert.equal(log.counters.waiting, 3)
    assert.equal(await resumed, 'request log: writes again after 1 restarts of its thread')
    await log.close(60_000)
    assert.deepEqual(rows(), [0, 1, 2])
    assert.deepEqual(log.counters, { written: 3, dropped: 1, waiting: 0, failures: 1, batches: 3 })
  })
})

test('rows that wait for the next thread are written when the log is closed meanwhile', async () => {
  await withCrashingLog(async ({ log, warned, rows }) => {
    const crashed = warned()
    log.add({ ...RECORD, model: CRASH })
    await crashed
    for (const record of numbered(3)) log.add(record)
    await log.close(60_000)
    assert.deepEqual(rows(), [0, 1, 2])
  })
})

test('no thread is started again for a log that is closed when no row waits', async () => {
  await withCrashingLog(async ({ log, path, warned }) => {
    const crashed = warned()
    log.add({ ...RECORD, model: CRASH })
    await crashed
    rmSync(path)
    await log.close(60_000)
    assert.equal(existsSync(path), false)
    assert.equal(log.counters.dropped, 1)
  })
})
