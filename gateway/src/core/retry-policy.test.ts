import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { backoffMs, type Remedy, remedyFor, retryAfterMs } from './retry-policy.ts'

describe('what a status calls for', () => {
  const RULES: [Remedy, number[]][] = [
    ['same_key', [500, 502, 503, 504, 529]],
    ['another_key', [429]],
    ['dead_key', [401, 402, 403]],
    ['none', [400, 404, 405, 408, 409, 413, 422, 501, 505]],
  ]
  for (const [remedy, statuses] of RULES) {
    test(`${remedy}: ${statuses.join(', ')}`, () => {
      for (const status of statuses) assert.equal(remedyFor(status), remedy)
    })
  }
})

describe('the wait before a retry', () => {
  const DEFAULTS = { retryBackoffInitialMs: 500, retryBackoffMaxMs: 5_000 }

  test('doubles from the initial one up to the largest', () => {
    const MIDDLE = 0.5
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 60].map((retry) => backoffMs(retry, DEFAULTS, MIDDLE)),
      [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000],
    )
  })

  test('is spread from 0.8 to 1.2 times that', () => {
    assert.equal(backoffMs(0, DEFAULTS, 0), 400)
    assert.equal(backoffMs(1, DEFAULTS, 0), 800)
    assert.ok(Math.abs(backoffMs(0, DEFAULTS, 0.999_999) - 600) < 0.01)
  })

  test('is never above the largest, and never below 0.8 of its base', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.nat(10_000),
        fc.nat(10_000),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (retry, initial, max, random) => {
          const wait = backoffMs(retry, { retryBackoffInitialMs: initial, retryBackoffMaxMs: max }, random)
          assert.ok(wait <= max)
          assert.ok(wait >= 0.8 * Math.min(initial * 2 ** retry, max) - 1e-9)
        },
      ),
    )
  })
})

describe('Retry-After', () => {
  const NOW = Date.UTC(2026, 10, 20, 12, 0, 0)
  const CASES: [string | undefined, number][] = [
    ['2', 2_000],
    [' 0.5 ', 500],
    ['0', 0],
    ['Fri, 20 Nov 2026 12:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    [undefined, 0],
    ['', 0],
    ['soon', 0],
    ['-5', 0],
    ['Mon', 0],
  ]
  for (const [value, expected] of CASES) {
    test(`${JSON.stringify(value)} asks for ${expected} ms`, () => {
      assert.equal(retryAfterMs(value, NOW), expected)
    })
  }
})
