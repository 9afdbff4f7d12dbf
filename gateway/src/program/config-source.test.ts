import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { fixedDifferences, readConfig } from './config-source.ts'

const FILE = { providers: { openai: { keys: [{ value: 'x' }] } } }

function configOf(changes: object = {}) {
  return readConfig(JSON.stringify({ ...FILE, ...changes }), {}).config
}

describe('configuration of the program', () => {
  test('flags win over the file', () => {
    const file = { ...FILE, initial_pool_size: 5, drop_excess_requests: true, prometheus_labels: ['app'] }
    const flags = { poolSize: 7, dropExcessRequests: false, prometheusLabels: ['team-id'] }
    const { config } = readConfig(JSON.stringify(file), flags)
    assert.deepEqual(
      [config.initialPoolSize, config.dropExcessRequests, config.prometheusLabels],
      [7, false, ['team-id']],
    )
    const { config: silent } = readConfig(JSON.stringify(file), {})
    assert.deepEqual([silent.initialPoolSize, silent.dropExcessRequests, silent.prometheusLabels], [5, true, ['app']])
  })

  test('what a reload cannot change is named, the rest is not', () => {
    assert.deepEqual(fixedDifferences(configOf(), configOf({ drop_excess_requests: true })), [])
    const fixed = {
      prometheus_labels: ['team-id'],
      request_log: { store: 'sqlite', path: 'requests.db' },
      max_request_body_mb: 3,
      max_request_header_kb: 3,
      request_read_timeout: 3,
    }
    assert.deepEqual(fixedDifferences(configOf(), configOf(fixed)), Object.keys(fixed))
    assert.deepEqual(fixedDifferences(configOf(fixed), configOf(fixed)), [])
  })
})
