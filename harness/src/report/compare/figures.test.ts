import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { NOT_MEASURED } from '../../units.ts'
import { apartFromZero, dollarInterval, figureOr, mibInterval, msInterval, usInterval } from './figures.ts'

describe('an interval', () => {
  for (const { us, text } of [
    { us: { value: 231.44, low: 224.1, high: 238.9 }, text: '231 us (224 to 239)' },
    { us: { value: 0.41, low: -2.1, high: 3.2 }, text: '0.4 us (-2.1 to 3.2)' },
    // No width, so the value itself says how many digits it has: never more than one decimal of a us.
    { us: { value: 48.24, low: 48.24, high: 48.24 }, text: '48.2 us (48.2 to 48.2)' },
    { us: { value: 0, low: 0, high: 0 }, text: '0 us (0 to 0)' },
    { us: { value: 9_800, low: 9_500, high: 9_999 }, text: '9,800 us (9,500 to 9,999)' },
    // One unit for all three, by the largest of them.
    { us: { value: 9_800, low: 9_500, high: 10_100 }, text: '9.80 ms (9.50 to 10.10)' },
    { us: { value: -15_500, low: -18_600, high: -12_400 }, text: '-15.5 ms (-18.6 to -12.4)' },
  ]) {
    test(`of times reads ${text}`, () => {
      assert.equal(usInterval(us), text)
    })
  }

  test('carries two digits of its own width, in the unit of its kind', () => {
    assert.equal(msInterval({ value: 60.2, low: 60.14, high: 60.26 }), '60.20 ms (60.14 to 60.26)')
    assert.equal(mibInterval({ value: 444.4, low: 431, high: 457 }), '444 MiB (431 to 457)')
    assert.equal(dollarInterval({ value: 0.000818, low: 0.000793, high: 0.000842 }), '$0.000818 (0.000793 to 0.000842)')
  })

  test('is printed in order, whatever its size', () => {
    const figure = fc.double({ min: -1e9, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(figure, figure, figure, (a, b, c) => {
        const [low, value, high] = [a, b, c].sort((x, y) => x - y) as [number, number, number]
        const printed = usInterval({ value, low, high }).replaceAll(',', '')
        const found = /^(\S+) (?:us|ms) \((\S+) to (\S+)\)$/.exec(printed)
        assert.ok(found, printed)
        const [v, l, h] = found.slice(1).map(Number) as [number, number, number]
        assert.ok(l <= v && v <= h, printed)
      }),
    )
  })

  test('is apart from 0 when both ends are on one side of it', () => {
    assert.equal(apartFromZero({ value: 1, low: 0.1, high: 2 }), true)
    assert.equal(apartFromZero({ value: -1, low: -2, high: -0.1 }), true)
    assert.equal(apartFromZero({ value: 1, low: -0.1, high: 2 }), false)
  })
})

test('a figure without a key is not measured, and 0 is 0', () => {
  assert.equal(figureOr(undefined, String), NOT_MEASURED)
  assert.equal(figureOr(0, String), '0')
})
