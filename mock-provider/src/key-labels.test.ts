import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyLabels } from './key-labels.ts'

test('a label shows the end of a key, at most 4 characters and never more than half', () => {
  const labels = new KeyLabels()
  assert.deepEqual(
    ['sk-proj-1234567890', '12345678', '1234567', 'ab', 'a'].map((key) => labels.labelOf(key)),
    ['****7890', '****5678', '****567', '****b', '****'],
  )
})

test('a request without a key counts as none', () => {
  assert.equal(new KeyLabels().labelOf(undefined), 'none')
})

test('the first hundred keys have labels of their own and keep them, all later ones share one', () => {
  const labels = new KeyLabels()
  const keys = Array.from({ length: 150 }, (_, at) => `sk-key-${String(at).padStart(4, '0')}`)
  const expected = keys.map((key, at) => (at < 100 ? `****${key.slice(-4)}` : 'other'))
  // Keys that come again, and requests without one, take no room.
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(
      keys.map((key) => labels.labelOf(key)),
      expected,
    )
    assert.equal(labels.labelOf(undefined), 'none')
  }
})
