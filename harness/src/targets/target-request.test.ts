import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRunConfig } from '../config.ts'
import { withTargetRequest } from './target-request.ts'

const target = { model: 'gpt', headers: { 'x-provider': 'openai', authorization: 'Bearer theirs' } }

test('a run asks for the model and sends the headers of its target', () => {
  const { model, headers } = withTargetRequest(parseRunConfig({}), target)
  assert.deepEqual([model, headers], ['gpt', target.headers])
})

test('what the run was given counts more', () => {
  const config = parseRunConfig({ model: 'openai/gpt-4o', header: ['authorization: Bearer mine'] })
  const { model, headers } = withTargetRequest(config, target)
  assert.deepEqual([model, headers], ['openai/gpt-4o', { 'x-provider': 'openai', authorization: 'Bearer mine' }])
})

test('a target without wishes changes nothing', () => {
  const config = parseRunConfig({ header: ['a: b'] })
  assert.deepEqual(withTargetRequest(config, {}), config)
})
