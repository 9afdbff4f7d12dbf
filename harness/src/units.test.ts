import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  formatDuration,
  formatExact,
  formatMiB,
  formatMs,
  formatNumber,
  formatRate,
  formatSignedPct,
  formatSuccess,
  formatUs,
} from './units.ts'

const cases: [name: string, format: (value: number) => string, value: number, text: string][] = [
  ['formatUs', formatUs, 0, '0'],
  ['formatUs', formatUs, 0.016, '0.016'],
  ['formatUs', formatUs, 1.666, '1.67'],
  ['formatUs', formatUs, -12.34, '-12.3'],
  ['formatUs', formatUs, 1_502_311.4, '1,502,311'],
  ['formatMs', formatMs, 0.1834, '0.183'],
  ['formatMs', formatMs, 1502.3351, '1,502.34'],
  ['formatRate', formatRate, 5000, '5,000'],
  ['formatRate', formatRate, 4999.96, '5,000.0'],
  ['formatMiB', formatMiB, 42.04, '42.0'],
  ['formatMiB', formatMiB, 1312.79, '1,313'],
  ['formatExact', formatExact, 1312.79, '1,312.79'],
  ['formatExact', formatExact, 0.98996, '0.98996'],
  ['formatDuration', formatDuration, 60_000, '60 s'],
  ['formatDuration', formatDuration, 1500, '1,500 ms'],
  ['formatSignedPct', formatSignedPct, -24.53, '-24.5%'],
  ['formatSignedPct', formatSignedPct, 6.51, '+6.5%'],
  ['formatSignedPct', formatSignedPct, 0.01, '0.0%'],
  ['formatSignedPct', formatSignedPct, -0.01, '0.0%'],
  ['formatSuccess', formatSuccess, 1, '100%'],
  ['formatSuccess', formatSuccess, 299_999 / 300_000, '99.9996%'],
  ['formatSuccess', formatSuccess, 0.9, '90%'],
  ['formatSuccess', formatSuccess, 0, '0%'],
]

describe('number formats', () => {
  for (const [name, format, value, text] of cases) {
    test(`${name}(${value}) is ${text}`, () => {
      assert.equal(format(value), text)
    })
  }

  test('a success rate reads 100% only when nothing was lost', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), fc.integer({ min: 1, max: 1000 }), (planned, lost) => {
        fc.pre(lost <= planned)
        assert.notEqual(formatSuccess((planned - lost) / planned), '100%')
        assert.equal(formatSuccess(planned / planned), '100%')
      }),
    )
  })

  test('a percentage of whole hundredths is printed as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), (hundredths) => {
        assert.equal(Number(formatSuccess(hundredths / 10_000).slice(0, -1)), hundredths / 100)
      }),
    )
  })

  test('no number is printed as minus zero', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1, max: 1 }), fc.integer({ min: 0, max: 4 }), (value, decimals) => {
        assert.doesNotMatch(formatNumber(value, decimals), /^-[0.]*$/)
      }),
    )
  })
})
