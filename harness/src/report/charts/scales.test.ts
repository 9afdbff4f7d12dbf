import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LINEAR, logScale, percentileScale, spreadScale, type Scale } from './scales.ts'

const labels = ({ marks }: Scale) => marks?.ticks.map(({ label }) => label)

describe('logScale', () => {
  for (const { values, expected } of [
    // three decades and more: powers of ten alone
    { values: [2, 30_000], expected: ['10', '100', '1,000', '10,000'] },
    { values: [4, 90], expected: ['5', '10', '20', '50'] },
    { values: [0.03, 0.0701], expected: ['0.03', '0.04', '0.05', '0.06', '0.07'] },
  ]) {
    test(`${values.join(' to ')} has ticks at ${expected.join(' ')}`, () => {
      assert.deepEqual(labels(logScale(values)), expected)
    })
  }

  for (const values of [[1500, 1700], [7], []]) {
    test(`[${values.join(', ')}] has too few round ticks, so it is linear`, () => {
      assert.equal(logScale(values), LINEAR)
    })
  }

  test('every value and every tick lies inside the axis', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1 }), (values) => {
        const { at, marks } = logScale(values)
        if (!marks) return
        for (const position of [...values.map(at), ...marks.ticks.map((tick) => tick.at)]) {
          assert.ok(position > marks.min && position < marks.max)
        }
      }),
    )
  })
})

describe('spreadScale', () => {
  test('within one decade it is linear', () => {
    assert.equal(spreadScale([20, 199]), LINEAR)
    assert.equal(spreadScale([-3, 40], 25), LINEAR)
  })

  test('without a value above 0 it is linear', () => {
    assert.equal(spreadScale([]), LINEAR)
    assert.equal(spreadScale([-5, 0]), LINEAR)
  })

  test('above 0 and beyond a decade it is a log scale', () => {
    assert.equal(spreadScale([20, 2_000]).note, 'log scale')
  })

  test('around 0 it is linear as far as the power of ten below the smallest that can be told', () => {
    const scale = spreadScale([-30, 0.2, 55, 12_000], 25)
    assert.equal(scale.note, 'log scale, linear within 10 of 0')
    assert.deepEqual(labels(scale), ['-10', '0', '10', '100', '1,000', '10,000'])
    assert.deepEqual([-100, -10, -5, 0, 5, 10, 100, 1_000].map(scale.at), [-2, -1, -0.5, 0, 0.5, 1, 2, 3])
  })

  test('a larger value never stands left of a smaller one', () => {
    const { at } = spreadScale([-30, 12_000], 25)
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: -1e6, max: 1e6 }), (a, b) => {
        assert.ok(a <= b === at(a) <= at(b))
      }),
    )
  })
})

describe('percentileScale', () => {
  test('each further nine is one unit wide', () => {
    const { at } = percentileScale(99.99)
    for (const [percentile, position] of [
      [0, 0],
      [90, 1],
      [99, 2],
      [99.9, 3],
    ] as const) {
      assert.ok(Math.abs(at(percentile) - position) < 1e-9)
    }
  })

  test('is labelled only as far as it goes', () => {
    assert.deepEqual(labels(percentileScale(99.95)), ['0%', '50%', '90%', '99%', '99.9%'])
  })
})
