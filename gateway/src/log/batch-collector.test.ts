import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { BatchCollector } from './batch-collector.ts'
import type { PackedBatch } from './packed-batch.ts'
import { numbered, RECORD } from './records.test-data.ts'

describe('a batch collector', () => {
  let sent: PackedBatch[]
  let timers: { ms: number; fire: () => void; running: boolean }[]
  let collector: BatchCollector

  beforeEach(() => {
    sent = []
    timers = []
    collector = new BatchCollector({
      batchSize: 10,
      batchIntervalMs: 100,
      maxWaiting: 35,
      startTimer: (fire, ms) => {
        const timer = { ms, fire, running: true }
        timers.push(timer)
        return () => {
          timer.running = false
        }
      },
      send: (batch) => sent.push(batch),
    })
  })

  function add(count: number): void {
    for (const record of numbered(count)) collector.add(record)
  }

  function passInterval(): void {
    for (const timer of timers.filter(({ running }) => running)) {
      timer.running = false
      timer.fire()
    }
  }

  function rowsSent(): number[] {
    return sent.map(({ rows }) => rows)
  }

  test('sends a batch as soon as it is full', () => {
    add(9)
    assert.deepEqual(rowsSent(), [])
    add(1)
    assert.deepEqual(rowsSent(), [10])
  })

  test('sends what there is when the interval has passed since the first record', () => {
    add(3)
    assert.deepEqual(
      timers.map(({ ms }) => ms),
      [100],
    )
    passInterval()
    assert.deepEqual(rowsSent(), [3])
  })

  test('starts the interval anew after a full batch', () => {
    add(10)
    assert.equal(timers[0]!.running, false)
    add(1)
    assert.equal(timers.length, 2)
    passInterval()
    assert.deepEqual(rowsSent(), [10, 1])
  })

  test('lets batches fill up while two are on their way, and sends an overdue one when one has come back', () => {
    for (let interval = 0; interval < 3; interval++) {
      add(1)
      passInterval()
    }
    assert.deepEqual(rowsSent(), [1, 1])
    add(2)
    collector.settled(1, true)
    assert.deepEqual(rowsSent(), [1, 1, 3])
  })

  test('drops and counts what does not fit, and takes records again when there is room', () => {
    add(50)
    assert.deepEqual(rowsSent(), [10, 10, 10])
    assert.deepEqual(collector.counters, { written: 0, dropped: 15, waiting: 35, failures: 0, batches: 0 })
    collector.settled(10, true)
    add(1)
    assert.deepEqual(collector.counters, { written: 10, dropped: 15, waiting: 26, failures: 0, batches: 1 })
  })

  test('counts a batch that was given up as dropped', () => {
    add(10)
    collector.failed()
    collector.settled(10, false)
    assert.deepEqual(collector.counters, { written: 0, dropped: 10, waiting: 0, failures: 1, batches: 0 })
  })

  test('sends the rest when closed, leaves no timer, and counts what comes after as dropped', () => {
    add(4)
    collector.close()
    collector.add(RECORD)
    assert.deepEqual(rowsSent(), [4])
    assert.ok(timers.every(({ running }) => !running))
    assert.equal(collector.counters.dropped, 1)
  })

  test('counts what waits as dropped when nobody writes any more', () => {
    add(14)
    collector.abandon()
    assert.deepEqual(collector.counters, { written: 0, dropped: 14, waiting: 0, failures: 0, batches: 0 })
    assert.ok(timers.every(({ running }) => !running))
  })
  test('counts a row once that is settled after it was given up', () => {
    add(14)
    collector.abandon()
    collector.settled(10, true)
    assert.deepEqual(collector.counters, { written: 0, dropped: 14, waiting: 0, failures: 0, batches: 0 })
  })
})
