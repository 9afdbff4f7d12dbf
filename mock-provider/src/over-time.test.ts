import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseOverTime } from './over-time.ts'

function factorsOf(text: string): (elapsedMs: number) => number {
  const parsed = parseOverTime(text)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem)
  return (elapsedMs) => parsed.value.factorAt(elapsedMs)
}

describe('factors over time', () => {
  for (const { text, at } of [
    { text: '', at: { 0: 1, 1e9: 1 } },
    { text: 'step:60s:2', at: { 0: 1, 59_999.999: 1, 60_000: 2, 1e9: 2 } },
    { text: 'step:0:0.5', at: { 0: 0.5, 1e9: 0.5 } },
    {
      text: 'ramp:10s:20s:1:3',
      at: { 0: 1, 10_000: 1, 12_500: 1.5, 15_000: 2, 20_000: 3, 1e9: 3 },
    },
    { text: 'ramp:0:10s:4:0', at: { 0: 4, 5_000: 2, 10_000: 0, 1e9: 0 } },
    // A line of no length is a step.
    { text: 'ramp:5s:5s:2:3', at: { 4_999: 2, 5_000: 3, 5_001: 3 } },
    {
      text: 'spike:30s:2s:10',
      at: { 0: 1, 1_000: 1, 29_999: 1, 30_000: 10, 31_999: 10, 32_000: 1, 59_999: 1, 60_000: 10, 62_000: 1 },
    },
    { text: 'spike:30s:30s:10', at: { 0: 1, 29_999: 1, 30_000: 10, 59_999: 10, 60_000: 10 } },
    { text: 'step:60s:2,ramp:0:100s:1:3,spike:30s:2s:10', at: { 0: 1, 31_000: 16.2, 50_000: 2, 61_000: 44.4 } },
  ]) {
    test(text === '' ? 'an empty text is 1 at all times' : text, () => {
      const factorAt = factorsOf(text)
      for (const [elapsedMs, factor] of Object.entries(at)) {
        assert.equal(Number(factorAt(Number(elapsedMs)).toPrecision(12)), factor, `at ${elapsedMs} ms`)
      }
    })
  }
})

describe('what is no factor over time is refused with what would be right', () => {
  const ways = 'step:AT:FACTOR, ramp:FROM:TO:FACTOR0:FACTOR1 or spike:EVERY:FOR:FACTOR, several with "," between them'
  for (const [spec, problem] of [
    [2, `2 is not a text; write ${ways}`],
    [undefined, `null is not a text; write ${ways}`],
    ['2', `"2" is not a factor over time; write ${ways}`],
    ['constructor:1', `"constructor:1" is not a factor over time; write ${ways}`],
    ['step:1s:2,', `"" is not a factor over time; write ${ways}`],
    ['step:1s', '"step:1s" is not a factor over time; write step:AT:FACTOR, as step:60s:2'],
    ['step:soon:2', '"step:soon:2": AT: "soon" is not a duration; write 1500, 1500ms or 1.5s'],
    ['step:1s:-2', '"step:1s:-2": FACTOR: "-2" is not a number; write it in digits, as 2 or 1.5'],
    ['step:1s:1001', '"step:1s:1001": FACTOR: must be at most 1000, got 1001'],
    ['ramp:2s:1s:1:2', '"ramp:2s:1s:1:2": FROM must not be above TO'],
    [
      'ramp:1s:2s:3',
      '"ramp:1s:2s:3" is not a factor over time; write ramp:FROM:TO:FACTOR0:FACTOR1, as ramp:10s:60s:1:3',
    ],
    ['spike:0:0:2', '"spike:0:0:2": EVERY must be above 0'],
    ['spike:1s:2s:2', '"spike:1s:2s:2": FOR must not be above EVERY'],
    [
      'step:1s:2,spike:1s:2',
      '"spike:1s:2" is not a factor over time; write spike:EVERY:FOR:FACTOR, as spike:30s:2s:10',
    ],
  ] as const) {
    test(spec === undefined ? 'undefined' : JSON.stringify(spec), () => {
      assert.deepEqual(parseOverTime(spec), { ok: false, problem })
    })
  }
})

const ms = fc.integer({ min: 0, max: 100_000 })
const factor = fc.integer({ min: 0, max: 100 }).map((tenths) => tenths / 10)
const twoMs = fc.tuple(ms, ms).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)])

describe('whatever the numbers', () => {
  test('a step is 1 before and its factor from then on', () => {
    fc.assert(
      fc.property(ms, factor, ms, (atMs, factor, elapsedMs) => {
        assert.equal(factorsOf(`step:${atMs}:${factor}`)(elapsedMs), elapsedMs < atMs ? 1 : factor)
      }),
    )
  })

  test('a ramp stays between its factors, and never turns', () => {
    fc.assert(
      fc.property(twoMs, factor, factor, fc.array(ms), ([fromMs, toMs], factor0, factor1, times) => {
        const factorAt = factorsOf(`ramp:${fromMs}:${toMs}:${factor0}:${factor1}`)
        const risen = times.sort((a, b) => a - b).map((elapsedMs) => factorAt(elapsedMs) * Math.sign(factor1 - factor0))
        for (const [at, value] of risen.entries()) assert.ok(at === 0 || value >= risen[at - 1]!)
        for (const elapsedMs of times) {
          const value = factorAt(elapsedMs)
          assert.ok(value >= Math.min(factor0, factor1) && value <= Math.max(factor0, factor1))
        }
      }),
    )
  })

  test('a ramp is as far from its start as time is', () => {
    fc.assert(
      fc.property(
        twoMs,
        factor,
        factor,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (line, factor0, factor1, share) => {
          const [fromMs, toMs] = line
          fc.pre(fromMs < toMs)
          const value = factorsOf(`ramp:${fromMs}:${toMs}:${factor0}:${factor1}`)(fromMs + share * (toMs - fromMs))
          assert.ok(Math.abs(value - (factor0 * (1 - share) + factor1 * share)) < 1e-6)
        },
      ),
    )
  })

  test('a spike has no part in the first period, and is the same in each one after it', () => {
    fc.assert(
      fc.property(twoMs, ms, fc.nat({ max: 1_000 }), ([lastingMs, everyMs], offsetMs, period) => {
        fc.pre(everyMs > 0)
        const factorAt = factorsOf(`spike:${everyMs}:${lastingMs}:7`)
        const intoMs = offsetMs % everyMs
        assert.equal(factorAt(intoMs), 1)
        assert.equal(factorAt((period + 1) * everyMs + intoMs), intoMs < lastingMs ? 7 : 1)
      }),
    )
  })

  test('terms multiply, in any order', () => {
    const term = fc.oneof(
      fc.tuple(ms, factor).map(([at, factor]) => `step:${at}:${factor}`),
      fc.tuple(twoMs, factor, factor).map(([[from, to], a, b]) => `ramp:${from}:${to}:${a}:${b}`),
      fc.tuple(twoMs, factor).map(([[lasting, every], factor]) => `spike:${every + 1}:${lasting}:${factor}`),
    )
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 4 }), ms, (terms, elapsedMs) => {
        const product = terms.map((text) => factorsOf(text)(elapsedMs)).reduce((all, factor) => all * factor)
        const together = factorsOf(terms.join(','))(elapsedMs)
        const reversed = factorsOf(terms.reverse().join(','))(elapsedMs)
        assert.ok(Math.abs(together - product) <= 1e-9 * product)
        assert.ok(Math.abs(reversed - product) <= 1e-9 * product)
      }),
    )
  })
})
