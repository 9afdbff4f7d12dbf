import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { FACTS, uncountedSource } from '../core/snapshot-source.test-data.ts'
import { takeSnapshot } from '../core/snapshot.ts'
import { renderMetrics } from './metrics.ts'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const PREFIX = 'gateway_'

test('the README names every metric', async () => {
  const snapshot = {
    ...takeSnapshot(uncountedSource(), FACTS),
    // What only some gateways have.
    workerRestarts: 0,
    requestLog: { written: 0, dropped: 0, waiting: 0, failures: 0, batches: 0 },
  }
  const text = await renderMetrics(snapshot)
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)
  assert.ok(names.includes('gateway_worker_restarts_total') && names.includes('gateway_request_log_failures_total'))
  const missing = names.filter(
    (name) => !README.includes(`\`${name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name}\``),
  )
  assert.deepEqual(missing, [])
})
