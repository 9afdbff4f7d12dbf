import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseDurationMs, parseInteger, parseShare, parseSizeBytes } from './units.ts'

describe('durations', () => {
  for (const [text, value] of [
    ['1500', 1_500],
    ['1500ms', 1_500],
    ['1.5s', 1_500],
    ['0', 0],
    ['0.25ms', 0.25],
    ['1.1s', 1_100],
  ] as const) {
    test(`${text} is ${value} ms`, () => {
      assert.deepEqual(parseDurationMs(text), { ok: true, value })
    })
  }

  for (const text of ['', 'fast', '-5', '1500 ms', '1,5s', 's', '1e3', 'Infinity']) {
    test(`"${text}" is refused with what would be right`, () => {
      assert.deepEqual(parseDurationMs(text), {
        ok: false,
        problem: `"${text}" is not a duration; write 1500, 1500ms or 1.5s`,
      })
    })
  }
})

describe('sizes', () => {
  for (const [text, value] of [
    ['10320', 10_320],
    ['10320B', 10_320],
    ['1.37KB', 1_370],
    ['10.32KB', 10_320],
    // 1.001 * 1000 is 1000.9999999999999 in binary floating point
    ['1.001KB', 1_001],
    ['1KiB', 1_024],
    ['2MB', 2_000_000],
  ] as const) {
    test(`${text} is ${value} bytes`, () => {
      assert.deepEqual(parseSizeBytes(text), { ok: true, value })
    })
  }

  test('thousandths of a KB are whole bytes, whatever binary floating point makes of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (bytes) => {
        assert.deepEqual(parseSizeBytes(`${(bytes / 1_000).toFixed(3)}KB`), { ok: true, value: bytes })
      }),
    )
  })

  test('a fraction of a byte is refused', () => {
    assert.deepEqual(parseSizeBytes('1.3705KB'), {
      ok: false,
      problem: '"1.3705KB" is 1370.5 bytes; must be a whole number of bytes',
    })
  })

  test('an unknown unit is refused', () => {
    assert.equal(parseSizeBytes('3 parsecs').ok, false)
    assert.equal(parseSizeBytes('1kb').ok, false)
  })
})

test('a whole number is digits only', () => {
  assert.deepEqual(parseInteger('8001'), { ok: true, value: 8_001 })
  for (const text of ['', '-1', '1.5', '0x10', ' 1']) assert.equal(parseInteger(text).ok, false)
})

test('a share is a number from 0 to 1, or a percentage', () => {
  for (const [text, value] of [
    ['0', 0],
    ['1', 1],
    ['0.01', 0.01],
    ['.5', 0.5],
    ['1%', 0.01],
    ['0.7%', 0.007],
    ['100%', 1],
  ] as const) {
    assert.deepEqual(parseShare(text), { ok: true, value })
  }
  for (const text of ['', '-0.1', '1.1', '101%', 'x', '1e-2', '%']) {
    assert.deepEqual(parseShare(text), {
      ok: false,
      problem: `"${text}" is not a share; write a number from 0 to 1, as 0.01, or 1%`,
    })
  }
})
