import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { controlOf, latencyMs, plain, problemsOf } from './control.fixture.ts'
import type { Control } from './control.ts'

const STRICT = { requests: [{ path: '/v1/chat/completions', body: { model: null } }], keyShares: { a: 0.5, b: 0.5 } }

const strictOf = ({ running }: Control) => running.strict

describe('what is decided when the mock starts', () => {
  const decided = { port: 8_001, host: '127.0.0.1', workers: 1, bodyLimit: '10MiB' }

  test('may be named as it is, by whoever sends back the whole config', () => {
    const control = controlOf({ adminKey: 'sk-admin' })
    assert.deepEqual(problemsOf(control, { ...decided, latency: 5 }), [])
    assert.equal(latencyMs(control), 5)
  })

  test('cannot be changed, nor set back to its default', () => {
    const control = controlOf({ ...decided, port: 0, adminKey: 'sk-admin' })
    const patch = { port: 1, host: 'localhost', workers: 2, bodyLimit: 5_000, adminKey: 'sk-other' }
    const names = Object.keys(patch)
    const problems = names.map((name) => `${name}: is decided when the mock starts`)
    assert.deepEqual(problemsOf(control, patch), problems)
    assert.deepEqual(problemsOf(control, Object.fromEntries(names.map((name) => [name, null]))), problems)
    assert.equal(control.running.config.adminKey, 'sk-admin')
  })
})

test('the whole config, sent back as it was told, changes nothing of it', () => {
  const control = controlOf({
    ...{ latency: 'uniform:1s:2s', jitter: 10, tokens: { trace: [1, 2] }, firstToken: 5, failKeys: ['a=401'] },
    ...{ models: { m: { latency: '3s' } }, keys: { k: { errorRates: { 429: '1%' } } }, strict: STRICT },
    ...{ scenario: [{ at: '5s', set: { models: { m: null } } }], scenarioEvery: '10s', port: 0, adminKey: 'sk-1' },
  })
  const told = structuredClone(control.written)
  const before = control.running
  control.change(structuredClone(told))
  control.stopScenario()
  assert.deepEqual(control.written, told)
  assert.deepEqual(plain(control.running.config), plain(before.config))
  assert.equal(control.running.strict, before.strict)
})

describe('what strict mode has found', () => {
  test('is kept while that is set as it was, and begins anew with another', () => {
    const control = controlOf({ strict: STRICT })
    const first = strictOf(control)
    assert.ok(first)
    for (const patch of [{ latency: 5 }, { seed: 2 }, { strict: STRICT }, { strict: { keyShares: { a: 0.5 } } }]) {
      control.change(patch)
      assert.equal(strictOf(control), first)
    }
    control.change({ strict: { refuse: true } })
    const second = strictOf(control)
    assert.ok(second)
    assert.equal(second.refuse, true)
    assert.notEqual(second.tally, first.tally)
    control.change({ strict: null })
    assert.equal(strictOf(control), undefined)
    control.change({ strict: { ...STRICT, refuse: true } })
    assert.notEqual(strictOf(control), second)
  })
})
