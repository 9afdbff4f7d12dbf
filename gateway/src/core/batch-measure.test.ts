import assert from 'node:assert/strict'
import { test } from 'node:test'

import { measureBatchMeans, sink } from './batch-measure.ts'

test('every stage that is a function of the request gets a mean, and all of them end within their budget', () => {
  const started = performance.now()
  const means = measureBatchMeans(1)
  // Of some ms in all; a machine that stalls may take seconds, and without a budget it would be minutes.
  assert.ok(performance.now() - started < 5_000)
  assert.deepEqual(Object.keys(means), [
    'queue_wait',
    'key_selection',
    'message_formatting',
    'params_preparation',
    'request_body_preparation',
    'json_marshaling',
    'response_parsing',
  ])
  for (const [stage, ns] of Object.entries(means)) assert.ok(ns > 0 && ns < 1e6, `${stage}: ${ns} ns`)
  // The last of them really ran.
  assert.match((sink as { reply: string }).reply, /"extra_fields":{"provider":"openai","resolved_model":"gpt-4o-mini"/)
})
