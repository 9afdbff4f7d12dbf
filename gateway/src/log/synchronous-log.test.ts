import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogStore } from './log-store.ts'
import { RECORD } from './records.test-data.ts'
import { SynchronousLog } from './synchronous-log.ts'

/** A store whose writes hang until it is destroyed. */
function hangingStore(): LogStore & { calls: string[] } {
  const rejects: ((error: Error) => void)[] = []
  const calls: string[] = []
  return {
    calls,
    name: 'the store',
    open: () => undefined,
    write: () =>
      new Promise((_, reject) => {
        calls.push('write')
        rejects.push(reject)
      }),
    close: () => {
      calls.push('close')
    },
    destroy: () => {
      calls.push('destroy')
      for (const reject of rejects) reject(new Error('destroyed'))
    },
  }
}

test('a synchronous log is closed within its limit while its store hangs; its rows are counted as dropped', async () => {
  const store = hangingStore()
  const log = await SynchronousLog.open(store, 10, () => undefined)
  const added = log.add(RECORD)
  await log.close(10)
  await added
  assert.deepEqual(store.calls, ['write', 'destroy', 'close'])
  assert.deepEqual(log.counters, { written: 0, dropped: 1, waiting: 0, failures: 1, batches: 0 })
})

test('a synchronous log lets at most maxWaiting requests wait', async () => {
  const store = hangingStore()
  const log = await SynchronousLog.open(store, 2, () => undefined)
  const added = [log.add(RECORD), log.add(RECORD), log.add(RECORD)]
  assert.deepEqual(log.counters, { written: 0, dropped: 1, waiting: 2, failures: 0, batches: 0 })
  await log.close(0)
  await Promise.all(added)
})

test('a synchronous log without requests closes its store', async () => {
  const store = hangingStore()
  const log = await SynchronousLog.open(store, 2, () => undefined)
  await log.close()
  assert.deepEqual(store.calls, ['close', 'destroy'])
})
