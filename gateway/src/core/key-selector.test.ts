import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import type { KeyConfig } from '../config.ts'
import { KeySelector } from './key-selector.ts'

function key(name: string, changes: Partial<KeyConfig> = {}): KeyConfig {
  return {
    name,
    value: `sk-${name}`,
    models: 'all',
    blacklistedModels: [],
    weight: 1,
    enabled: true,
    deployments: {},
    ...changes,
  }
}

function namesPicked(keys: KeyConfig[], model = 'm'): Set<string> {
  const selector = new KeySelector(keys)
  return new Set(Array.from({ length: 1_000 }, (_, index) => selector.pick(model, index / 1_000).name))
}

describe('KeySelector', () => {
  test('takes out disabled keys, keys that do not list the model, and keys that deny it', () => {
    const keys = [
      key('disabled', { enabled: false }),
      key('other', { models: ['x'] }),
      key('denies', { blacklistedModels: ['m'] }),
      key('listed', { models: ['m'] }),
      key('open'),
    ]
    assert.deepEqual(namesPicked(keys), new Set(['listed', 'open']))
  })

  test('the only key that is left is taken, whatever its weight', () => {
    assert.deepEqual(namesPicked([key('a', { weight: 0 }), key('b', { enabled: false })]), new Set(['a']))
  })

  test('no key left is an error with the documented message', () => {
    assert.throws(() => new KeySelector([key('a', { models: ['x'] })]).pick('gpt-5', 0), {
      code: 'no_key',
      status: 400,
      message: 'no keys found that support model: gpt-5',
    })
  })

  test('all weights zero means uniform', () => {
    const selector = new KeySelector([key('a', { weight: 0 }), key('b', { weight: 0 })])
    assert.equal(selector.pick('m', 0.49).name, 'a')
    assert.equal(selector.pick('m', 0.5).name, 'b')
  })

  test('a key of weight zero beside others is never picked', () => {
    assert.deepEqual(
      namesPicked([key('zero', { weight: 0 }), key('a'), key('b', { weight: 0.01 })]),
      new Set(['a', 'b']),
    )
  })

  test('shares follow the weights, for any weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 2, maxLength: 8 }), (steps) => {
        const total = steps.reduce((sum, step) => sum + step, 0)
        fc.pre(total > 0)
        const selector = new KeySelector(steps.map((step, index) => key(String(index), { weight: step / 100 })))
        const picked = new Array<number>(steps.length).fill(0)
        // One draw in the middle of each of the `total` equal steps: each key must get exactly its own.
        for (let step = 0; step < total; step++) {
          const index = Number(selector.pick('m', (step + 0.5) / total).name)
          picked[index] = picked[index]! + 1
        }
        assert.deepEqual(picked, steps)
      }),
    )
  })

  test('model names that callers invent do not pile up', () => {
    const selector = new KeySelector([key('a')])
    for (let index = 0; index < 5_000; index++) selector.pick(`invented-${index}`, 0)
    assert.ok(selector.cachedModels <= 1_000)
  })
})
