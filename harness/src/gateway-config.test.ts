import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readGatewayConfig, withoutSecrets } from './gateway-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatebench-gateway-config-'))
after(() => {
  rmSync(folder, { recursive: true })
})

function file(content: string): string {
  const path = join(folder, 'gateway.json')
  writeFileSync(path, content)
  return path
}

describe('a file of gateway settings', () => {
  test('is read as it stands', () => {
    assert.deepEqual(readGatewayConfig(file('{"config":{"drop_excess_requests":true}}')), {
      config: { drop_excess_requests: true },
    })
  })

  test('that is missing or no JSON object is named, and nothing of it quoted', () => {
    assert.match(readGatewayConfig('./nowhere.json') as string, /^cannot read ".\/nowhere.json": ENOENT/)
    const path = file('{ "value": "sk-secret" ')
    assert.match(readGatewayConfig(path) as string, new RegExp(`^"${path}" is not JSON`))
    assert.doesNotMatch(readGatewayConfig(path) as string, /secret/)
    assert.equal(readGatewayConfig(file('[]')), `"${path}" must be a JSON object, got an array`)
  })
})

test('what may be a key or hold a password is not kept, everything else is', () => {
  const settings = {
    config: {
      prometheus_labels: ['team'],
      caller_keys: [{ name: 'me', value: 'secret-caller-key-1' }],
      request_log: { store: 'postgres', url: 'postgres://me:secret@db/log', batch_size: 10 },
    },
    providers: {
      openai: {
        keys: [
          { name: 'a', value: 'sk-secret', weight: 2 },
          { name: 'b', value: 'env.KEY' },
        ],
        network_config: { extra_headers: { 'x-secret': 'secret', 'x-env': 'env.X' }, max_retries: 3 },
      },
    },
  }
  const shown = withoutSecrets(settings)
  assert.doesNotMatch(JSON.stringify(shown), /secret(?!")|:"secret/)
  assert.deepEqual(shown, {
    config: {
      prometheus_labels: ['team'],
      caller_keys: [{ name: 'me', value: '[not kept]' }],
      request_log: { store: 'postgres', url: '[not kept]', batch_size: 10 },
    },
    providers: {
      openai: {
        keys: [
          { name: 'a', value: '[not kept]', weight: 2 },
          { name: 'b', value: 'env.KEY' },
        ],
        network_config: { extra_headers: { 'x-secret': '[not kept]', 'x-env': 'env.X' }, max_retries: 3 },
      },
    },
  })
})
