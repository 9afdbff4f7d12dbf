import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'

import { LIMITS, Traffic } from '../core/traffic.ts'
import { post, strictProvider, talk } from './hostile.test-support.ts'
import { LabelReader } from './request-labels.ts'
import { CHAT, providerFile, startGateway } from './test-support.ts'

const NAMES = ['team-id', 'service']

function read(headers: Record<string, string | string[]>, names = NAMES): readonly string[] {
  return new LabelReader(names).read(headers, new Traffic(names)).values
}

describe('the labels of a request', () => {
  test('come from either header, the first one wins', () => {
    assert.deepEqual(read({ 'x-bf-dim-team-id': 'a', 'x-prom-service': 'b' }), ['a', 'b'])
    assert.deepEqual(read({ 'x-prom-team-id': 'a', 'x-bf-dim-team-id': 'b' }), ['b', ''])
    assert.deepEqual(read({ 'x-prom-team-id': ['a', 'b'] }), ['a, b', ''])
  })

  test('are empty without headers, and others than those configured are not read', () => {
    assert.deepEqual(read({ 'team-id': 'a', 'x-bf-dim-other': 'b', 'x-bf-dim-': 'c' }), ['', ''])
    assert.deepEqual(read({ 'x-bf-dim-team-id': 'a' }, []), [])
  })

  test('have a bounded number of values and lengths, whatever callers send', () => {
    const traffic = new Traffic(NAMES)
    const reader = new LabelReader(NAMES)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 3 }), (team, service) => {
        const { values } = reader.read({ 'x-bf-dim-team-id': team, 'x-prom-service': service }, traffic)
        assert.ok(values.every((value) => value.length <= 128 && value.isWellFormed()))
      }),
      { numRuns: 3_000 },
    )
    assert.ok(traffic.sets.length <= LIMITS.labelSets + 1, `${traffic.sets.length} sets`)
    // And `other`, and none.
    assert.ok(new Set(traffic.sets.map(({ values }) => values[0])).size <= LIMITS.valuesPerLabel + 2)
  })

  test('stay in the gateway: nothing of them is in the request to the provider', async (t) => {
    const provider = await strictProvider(t)
    const gateway = await startGateway(t, {
      config: { prometheus_labels: NAMES },
      providers: { openai: providerFile(provider.url) },
    })
    const [answer] = await talk(gateway, post(JSON.stringify(CHAT), ['x-bf-dim-team-id: a\tb', 'x-prom-service: \xff']))
    assert.equal(answer?.status, 200)
    assert.deepEqual(provider.violations, [])
    assert.match(await (await fetch(`${gateway.url}/metrics`)).text(), /service="ÿ",team_id="a\tb"/)
  })
})
