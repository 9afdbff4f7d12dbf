import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { SEGMENTS, TIMING_TOTAL } from '@gatebench/gateway/stages'
import { parseServerTiming, TOTAL_SLOT } from './server-timing.ts'

const NAMES = [...SEGMENTS.map(({ name }) => name), TIMING_TOTAL]
const entries = NAMES.map((name, i) => `${name};dur=${(i + 1) / 1e3}`)
const expectedNs = Float64Array.from(NAMES, (_, i) => (i + 1) * 1e3)

describe('a whole account', () => {
  test('is ns per segment, in the order of SEGMENTS, the total last', () => {
    assert.deepEqual(rounded(parseServerTiming(entries.join(', '))), expectedNs)
    assert.equal(TOTAL_SLOT, NAMES.length - 1)
  })

  test('may have blanks after the commas or none', () => {
    assert.deepEqual(rounded(parseServerTiming(entries.join(','))), expectedNs)
    assert.deepEqual(rounded(parseServerTiming(entries.join(',   '))), expectedNs)
  })

  test('may come in any order and among names of others', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...entries, 'cache;desc="hit"', 'db;dur=5', 'cdn'], { minLength: NAMES.length + 3 }),
        (list) => {
          assert.deepEqual(rounded(parseServerTiming(list.join(', '))), expectedNs)
        },
      ),
    )
  })

  test('keeps single nanoseconds', () => {
    const nsOf = (name: string): number => (name === 'total' ? 1_500_123_457 : 1)
    const account = parseServerTiming(NAMES.map((name) => `${name};dur=${(nsOf(name) / 1e6).toFixed(6)}`).join(', '))
    assert.deepEqual(rounded(account), Float64Array.from(NAMES, nsOf))
  })

  test('may say zero', () => {
    assert.deepEqual(parseServerTiming(NAMES.map((name) => `${name};dur=0`).join(', ')), new Float64Array(NAMES.length))
  })
})

describe('no account', () => {
  for (const missing of NAMES) {
    test(`without ${missing}`, () => {
      assert.equal(parseServerTiming(entries.filter((entry) => !entry.startsWith(`${missing};`)).join(', ')), undefined)
    })
  }

  test('when a name comes twice and another not at all', () => {
    assert.equal(parseServerTiming([entries[0]!, ...entries.slice(0, -1)].join(', ')), undefined)
  })

  for (const bad of ['-1', 'x', '', 'NaN', 'Infinity', '1;desc=a']) {
    test(`when a duration is "${bad}"`, () => {
      assert.equal(parseServerTiming([`${NAMES[0]!};dur=${bad}`, ...entries.slice(1)].join(', ')), undefined)
    })
  }

  test('in the header of another gateway', () => {
    assert.equal(parseServerTiming(''), undefined)
    assert.equal(parseServerTiming('total;dur=12.5'), undefined)
    assert.equal(parseServerTiming('cache;desc="hit, total;dur=1", app;dur=3'), undefined)
  })

  test('in any other text, however broken', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.equal(parseServerTiming(text), undefined)
      }),
    )
  })
})

/** ms with decimals to ns leaves a rest far below 1 ns. */
function rounded(timingNs: Float64Array | undefined): Float64Array | undefined {
  return timingNs?.map(Math.round)
}
