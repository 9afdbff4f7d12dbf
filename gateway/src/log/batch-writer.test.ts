import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { type BatchOutcome, BatchWriter } from './batch-writer.ts'
import { type LogStore, StoreError } from './log-store.ts'
import { packOne, type PackedBatch } from './packed-batch.ts'
import { RECORD } from './records.test-data.ts'

const AWAY = new StoreError('connection refused', true)
const REFUSED = new StoreError('no such column', false)

describe('a batch writer', () => {
  let written: PackedBatch[]
  let failWith: (Error | undefined)[]
  let waitsMs: number[]
  let outcomes: BatchOutcome[]
  let failures: number
  let warnings: string[]
  let store: LogStore
  let writer: BatchWriter

  beforeEach(() => {
    written = []
    failWith = []
    waitsMs = []
    outcomes = []
    failures = 0
    warnings = []
    store = {
      name: 'the store',
      open: () => undefined,
      write: (batch) => {
        const error = failWith.shift()
        if (error) throw error
        written.push(batch)
      },
      close: () => undefined,
      destroy: () => undefined,
    }
    writer = new BatchWriter({
      store,
      wait: (ms) => {
        waitsMs.push(ms)
        return Promise.resolve()
      },
      onOutcome: (outcome) => outcomes.push(outcome),
      onFailure: () => failures++,
      onWarning: (message) => warnings.push(message),
    })
  })

  test('writes batches in their order, one at a time', async () => {
    let atOnce = 0
    let most = 0
    store.write = async (batch) => {
      most = Math.max(most, ++atOnce)
      await new Promise(setImmediate)
      atOnce--
      written.push(batch)
    }
    const batches = [packOne(RECORD), packOne(RECORD), packOne(RECORD)]
    for (const batch of batches) writer.add(batch)
    await writer.idle()
    assert.deepEqual(written, batches)
    assert.equal(most, 1)
    assert.deepEqual(outcomes, Array(3).fill({ rows: 1, written: true }))
  })

  test('tries a batch again, less and less often, until the database is back; nothing is lost', async () => {
    failWith = Array<Error>(8).fill(AWAY)
    writer.add(packOne(RECORD))
    writer.add(packOne(RECORD))
    await writer.idle()
    assert.deepEqual(waitsMs, [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000])
    assert.equal(written.length, 2)
    assert.equal(failures, 8)
  })

  test('tells once that writing stopped and once that it goes on', async () => {
    failWith = [AWAY, AWAY, undefined, AWAY]
    writer.add(packOne(RECORD))
    writer.add(packOne(RECORD))
    await writer.idle()
    assert.deepEqual(warnings, [
      'cannot write to the store, will try again: connection refused',
      'writes to the store again after 2 failures',
      'cannot write to the store, will try again: connection refused',
      'writes to the store again after 1 failures',
    ])
  })

  test('starts with a short wait again after a success', async () => {
    failWith = [AWAY, AWAY, undefined, AWAY]
    writer.add(packOne(RECORD))
    writer.add(packOne(RECORD))
    await writer.idle()
    assert.deepEqual(waitsMs, [100, 200, 100])
  })

  test('gives up a batch that the database refuses five times, and goes on with the next', async () => {
    failWith = Array<Error>(5).fill(REFUSED)
    const [refused, good] = [packOne(RECORD), packOne(RECORD)]
    writer.add(refused)
    writer.add(good)
    await writer.idle()
    assert.deepEqual(outcomes, [
      { rows: 1, written: false },
      { rows: 1, written: true },
    ])
    assert.deepEqual(written, [good])
  })

  test('does not count time without a database against a batch', async () => {
    failWith = [REFUSED, REFUSED, ...Array<Error>(20).fill(AWAY), REFUSED, REFUSED]
    writer.add(packOne(RECORD))
    await writer.idle()
    assert.deepEqual(outcomes, [{ rows: 1, written: true }])
  })

  test('tells at once that a database cannot be opened, and writes when it can', async () => {
    store.open = () => {
      throw AWAY
    }
    await writer.open()
    assert.equal(warnings.length, 1)
    writer.add(packOne(RECORD))
    await writer.idle()
    assert.equal(written.length, 1)
    assert.equal(warnings[1], 'writes to the store again after 1 failures')
  })
})
