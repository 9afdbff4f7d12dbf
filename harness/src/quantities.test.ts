import fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseDurationMs, parseNumber, parseSizeBytes } from './quantities.ts'

describe('a duration', () => {
  for (const [text, bareUnit, ms] of [
    ['60', 's', 60_000],
    ['60', 'ms', 60],
    ['60s', 'ms', 60_000],
    ['1500ms', 's', 1_500],
    ['1.5s', 'ms', 1_500],
    ['2m', 's', 120_000],
    ['0', 's', 0],
    ['250us', 'ms', 0.25],
    ['0.1s', 's', 100],
  ] as const) {
    test(`${text} with a bare unit of ${bareUnit} is ${ms} ms`, () => {
      assert.equal(parseDurationMs(text, bareUnit), ms)
    })
  }

  for (const text of ['', 'fast', '-1s', '1 hour', '1.s', '1e3', '1s500ms', 'Infinity', 'NaN']) {
    test(`"${text}" is none`, () => {
      assert.equal(parseDurationMs(text, 's'), undefined)
    })
  }

  test('in ms, s and bare text of the same length are the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (ms) => {
        assert.equal(parseDurationMs(`${ms}ms`, 's'), ms)
        assert.equal(parseDurationMs(`${ms / 1000}s`.replace(/e.*/, ''), 'ms'), ms)
        assert.equal(parseDurationMs(String(ms), 'ms'), ms)
      }),
    )
  })
})

describe('a size', () => {
  for (const [text, bytes] of [
    ['1370', 1_370],
    ['1.37KB', 1_370],
    ['10.32KB', 10_320],
    ['10.3kb', 10_300],
    ['2KiB', 2_048],
    ['1MB', 1_000_000],
    ['130B', 130],
  ] as const) {
    test(`${text} is ${bytes} bytes`, () => {
      assert.equal(parseSizeBytes(text), bytes)
    })
  }

  for (const text of ['', 'KB', '-1', '1GB', '1,370', 'ten']) {
    test(`"${text}" is none`, () => {
      assert.equal(parseSizeBytes(text), undefined)
    })
  }
})

test('a number is written in plain digits only', () => {
  assert.equal(parseNumber('-5'), -5)
  assert.equal(parseNumber('0.5'), 0.5)
  for (const text of ['', ' ', '1e3', '0x10', '5k', 'Infinity']) assert.equal(parseNumber(text), undefined, text)
})
