import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseDecimal, readOperands, readQuantity, type Quantity } from './quantity.ts'
import { parseDurationMs } from './units.ts'

const DELAY: Quantity = { parse: parseDurationMs, minimum: 10, maximum: 60_000, scale: 1_000, unit: ' ms' }
const FORM = { operands: { low: DELAY, high: DELAY }, noun: 'a range', example: 'range:1s:2s' }

test('a number comes out in the unit that the scale leads to', () => {
  assert.deepEqual(readQuantity('1.5s', DELAY), { ok: true, value: 1_500_000 })
})

test('both ends of the range are allowed, and nothing beyond them', () => {
  assert.equal(readQuantity('10', DELAY).ok, true)
  assert.equal(readQuantity('60s', DELAY).ok, true)
  assert.deepEqual(readQuantity('9', DELAY), { ok: false, problem: 'must be at least 10 ms, got 9 ms' })
  assert.deepEqual(readQuantity('60001', DELAY), { ok: false, problem: 'must be at most 60000 ms, got 60001 ms' })
})

describe('operands', () => {
  test('are read by name, in the order in which they are declared', () => {
    assert.deepEqual(readOperands('range:1s:2s', FORM), { ok: true, value: { low: 1_000_000, high: 2_000_000 } })
  })

  for (const text of ['range', 'range:1s', 'range:1s:2s:3s']) {
    test(`${text} has the wrong number of them`, () => {
      const problem = `"${text}" is not a range; write range:LOW:HIGH, as range:1s:2s`
      assert.deepEqual(readOperands(text, FORM), { ok: false, problem })
    })
  }

  test('a problem names the operand', () => {
    assert.deepEqual(readOperands('range:1s:9', FORM), {
      ok: false,
      problem: '"range:1s:9": HIGH: must be at least 10 ms, got 9 ms',
    })
  })
})

test('a decimal is digits, with or without a point', () => {
  assert.deepEqual(parseDecimal('1.5'), { ok: true, value: 1.5 })
  assert.deepEqual(parseDecimal('20'), { ok: true, value: 20 })
  assert.deepEqual(parseDecimal('.5'), { ok: true, value: 0.5 })
  for (const text of ['', '.', '1.', '-1', '1e3', ' 1', 'NaN', 'Infinity']) assert.equal(parseDecimal(text).ok, false)
})
