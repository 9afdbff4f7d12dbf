import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseDistribution, type Distribution, type Quantity } from './distribution.ts'
import { seededRandom, type Random } from './random.ts'
import { parseDurationMs, parseInteger, parseSizeBytes } from './units.ts'

const DELAY: Quantity = { parse: parseDurationMs, minimum: 0, maximum: 3_600_000, scale: 1_000, unit: ' ms' }
const SIZE: Quantity = { parse: parseSizeBytes, minimum: 400, maximum: 1_000_000, scale: 1, unit: ' bytes' }
const TOKENS: Quantity = { parse: parseInteger, minimum: 1, maximum: 1_000_000, scale: 1, unit: '' }

const nothingDrawn: Random = () => assert.fail('something was drawn')

function distributionOf(spec: unknown, quantity = DELAY): Distribution {
  const parsed = parseDistribution(spec, quantity)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem)
  return parsed.value
}

function draws(spec: unknown, quantity: Quantity, random: Random, count: number): number[] {
  return Array.from({ length: count }, distributionOf(spec, quantity).sampler(random))
}

describe('a fixed number', () => {
  for (const [spec, quantity, number] of [
    ['1500ms', DELAY, 1_500_000],
    [1_500, DELAY, 1_500_000],
    ['0.25', DELAY, 250],
    // 1.001 * 1000 is 1000.9999999999999 in binary floating point
    [1.001, DELAY, 1_001],
    ['1.37KB', SIZE, 1_370],
    [20, TOKENS, 20],
    ['normal:1s:0', DELAY, 1_000_000],
    ['lognormal:1s:0', DELAY, 1_000_000],
    ['gamma:1s:0', DELAY, 1_000_000],
    ['gamma:0:0', DELAY, 0],
  ] as const) {
    test(`${spec} is ${number}, and draws nothing`, () => {
      assert.equal(distributionOf(spec, quantity).minimum, number)
      assert.deepEqual(draws(spec, quantity, nothingDrawn, 2), [number, number])
    })
  }
})

describe('a trace', () => {
  test('is replayed in order, and from its start again, and draws nothing', () => {
    const spec = { trace: ['1s', 300, '0.5s'] }
    assert.deepEqual(draws(spec, DELAY, nothingDrawn, 5), [1_000_000, 300_000, 500_000, 1_000_000, 300_000])
    assert.equal(distributionOf(spec).minimum, 300_000)
  })

  test('starts at its first number for each sampler', () => {
    const trace = distributionOf({ trace: [1, 2, 3] }, TOKENS)
    const first = trace.sampler(nothingDrawn)
    assert.deepEqual([first(), first()], [1, 2])
    const second = trace.sampler(nothingDrawn)
    assert.deepEqual([second(), first(), second()], [1, 3, 2])
  })

  test('has at most a million values', () => {
    assert.equal(parseDistribution({ trace: new Array(1_000_000).fill(1) }, TOKENS).ok, true)
    assert.deepEqual(parseDistribution({ trace: new Array(1_000_001).fill(1) }, TOKENS), {
      ok: false,
      problem: 'trace: must have 1 to 1000000 values, got 1000001',
    })
  })
})

test('percentiles are straight lines from half of the median, and go on from P99 as from P95 to it', () => {
  for (const [share, number] of [
    [0, 500_000],
    [0.25, 750_000],
    [0.5, 1_000_000],
    [0.7, 1_500_000],
    [0.9, 2_000_000],
    [0.95, 3_000_000],
    [0.97, 5_000_000],
    [0.99, 7_000_000],
    [0.995, 7_500_000],
    [1 - 2 ** -32, 8_000_000],
  ] as const) {
    assert.deepEqual(
      draws('percentiles:1s:2s:3s:7s', DELAY, () => share, 1),
      [number],
    )
  }
})

describe('the ends', () => {
  test('of a uniform distribution are as likely as what lies between', () => {
    const counts = [0, 0, 0, 0, 0]
    for (const number of draws('uniform:2:6', TOKENS, seededRandom(1), 50_000)) counts[number - 2]! += 1
    // 10,000 each, standard deviation 89
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 450, `${count} of 10,000`)
  })

  test('of the quantity are not passed, and what is cut off there is drawn again by a normal distribution alone', () => {
    const share = (spec: string, end: number) =>
      draws(spec, SIZE, seededRandom(1), 10_000).filter((number) => number === end).length / 10_000
    // At 400 stands one byte's worth of the normal, but all that the others have below it.
    assert.ok(share('normal:400:200', 400) < 0.01)
    assert.ok(Math.abs(share('lognormal:400:1', 400) - 0.5) < 0.03)
    assert.ok(Math.abs(share('percentiles:400:600:700:800', 400) - 0.5) < 0.03)
    // Of shape 1, exponential: 1 - 1/e below its mean.
    assert.ok(Math.abs(share('gamma:400:400', 400) - 0.632) < 0.03)
    // At the upper end all are alike.
    assert.ok(Math.abs(share('normal:1MB:10KB', 1_000_000) - 0.5) < 0.03)
    assert.ok(Math.abs(share('lognormal:1MB:1', 1_000_000) - 0.5) < 0.03)
  })

  for (const [spec, quantity, minimum] of [
    ['uniform:2s:3s', DELAY, 2_000_000],
    ['normal:1s:1s', DELAY, 0],
    ['normal:1000:10', SIZE, 400],
    ['lognormal:800ms:0.4', DELAY, 0],
    ['gamma:20:10', TOKENS, 1],
    ['percentiles:1s:2s:3s:4s', DELAY, 500_000],
    ['percentiles:500:600:700:800', SIZE, 400],
  ] as const) {
    test(`${spec} cannot draw less than ${minimum}`, () => {
      assert.equal(distributionOf(spec, quantity).minimum, minimum)
    })
  }
})

describe('what is no distribution is refused with what would be right', () => {
  const ways =
    'a fixed value, uniform:LOW:HIGH, normal:MEAN:SD, lognormal:MEDIAN:SIGMA, gamma:MEAN:SD, percentiles:P50:P90:P95:P99 or {"trace":[...]}'
  for (const [spec, quantity, problem] of [
    ['fast', DELAY, '"fast" is not a duration; write 1500, 1500ms or 1.5s'],
    [-5, DELAY, '"-5" is not a duration; write 1500, 1500ms or 1.5s'],
    ['2000s', SIZE, '"2000s" is not a size; write 10320, 1.37KB or 1KiB'],
    ['5000s', DELAY, 'must be at most 3600000 ms, got 5000000 ms'],
    [0, TOKENS, 'must be at least 1, got 0'],
    ['gamma:1s', DELAY, '"gamma:1s" is not a distribution; write gamma:MEAN:SD, as gamma:1.5s:300ms'],
    ['gamma:1', TOKENS, '"gamma:1" is not a distribution; write gamma:MEAN:SD, as gamma:1500:300'],
    [
      'uniform:1s:2s:3s',
      DELAY,
      '"uniform:1s:2s:3s" is not a distribution; write uniform:LOW:HIGH, as uniform:500ms:1.5s',
    ],
    ['uniform:2s:1s', DELAY, '"uniform:2s:1s": LOW must not be above HIGH'],
    ['uniform:1s:2h', DELAY, '"uniform:1s:2h": HIGH: "2h" is not a duration; write 1500, 1500ms or 1.5s'],
    ['normal:300:10', SIZE, '"normal:300:10": MEAN: must be at least 400 bytes, got 300 bytes'],
    ['normal:1s:-1', DELAY, '"normal:1s:-1": SD: "-1" is not a duration; write 1500, 1500ms or 1.5s'],
    ['lognormal:0:1', DELAY, '"lognormal:0:1": MEDIAN must be above 0'],
    ['lognormal:1s:1s', DELAY, '"lognormal:1s:1s": SIGMA: "1s" is not a number; write it in digits, as 2 or 1.5'],
    ['lognormal:1s:11', DELAY, '"lognormal:1s:11": SIGMA: must be at most 10, got 11'],
    ['gamma:0:1s', DELAY, '"gamma:0:1s": MEAN must be above 0 when SD is'],
    ['percentiles:1s:3s:2s:4s', DELAY, '"percentiles:1s:3s:2s:4s": percentiles must not decrease'],
    ['poisson:3', TOKENS, `"poisson:3" is not a distribution; write ${ways}`],
    ['constructor:3', TOKENS, `"constructor:3" is not a distribution; write ${ways}`],
    [undefined, DELAY, `null is not a distribution; write ${ways}`],
    [true, DELAY, `true is not a distribution; write ${ways}`],
    [[1, 2], DELAY, `[1,2] is not a distribution; write ${ways}`],
    [{ trace: 5 }, DELAY, `{"trace":5} is not a distribution; write ${ways}`],
    [{ trace: [5], loop: false }, DELAY, `{"trace":[5],"loop":false} is not a distribution; write ${ways}`],
    [{ trace: [] }, DELAY, 'trace: must have 1 to 1000000 values, got 0'],
    [{ trace: [1, 'x'] }, DELAY, 'trace[1]: "x" is not a duration; write 1500, 1500ms or 1.5s'],
    [{ trace: [null] }, DELAY, 'trace[0]: must be a text or a number, got null'],
    [{ trace: [5, 0] }, TOKENS, 'trace[1]: must be at least 1, got 0'],
    [
      'trace:delays.txt',
      DELAY,
      '"trace:delays.txt" names a file, and files are read only where the mock starts; write {"trace":[...]} with its values',
    ],
  ] as const) {
    test(spec === undefined ? 'undefined' : JSON.stringify(spec), () => {
      assert.deepEqual(parseDistribution(spec, quantity), { ok: false, problem })
    })
  }

  test('the examples that problems give are distributions', () => {
    for (const quantity of [DELAY, SIZE, TOKENS]) {
      for (const name of ['uniform', 'normal', 'lognormal', 'gamma', 'percentiles']) {
        const refused = parseDistribution(`${name}:`, { ...quantity })
        const problem = refused.ok ? '' : refused.problem
        const example = /, as (\S+)$/.exec(problem)?.[1]
        assert.equal(parseDistribution(example, quantity).ok, true, problem)
      }
    }
  })
})

const ms = fc.integer({ min: 0, max: 3_600_000 })
const above0 = fc.integer({ min: 1, max: 3_600_000 })
const fourMs = fc.array(ms, { minLength: 4, maxLength: 4 }).map((values) => values.sort((a, b) => a - b))
const anySpec: fc.Arbitrary<unknown> = fc.oneof(
  ms,
  fc.tuple(ms, ms).map(([a, b]) => `uniform:${Math.min(a, b)}:${Math.max(a, b)}`),
  fc.tuple(ms, ms).map(([mean, sd]) => `normal:${mean}:${sd}`),
  fc.tuple(above0, fc.integer({ min: 0, max: 1_000 })).map(([median, sigma]) => `lognormal:${median}:${sigma / 100}`),
  fc.tuple(above0, ms).map(([mean, sd]) => `gamma:${mean}:${sd}`),
  fourMs.map((values) => ['percentiles', ...values].join(':')),
  fc.record({ trace: fc.array(ms, { minLength: 1 }) }),
)

describe('whatever the distribution', () => {
  test('draws are whole numbers, never below its minimum nor above the maximum of its quantity', () => {
    fc.assert(
      fc.property(anySpec, fc.nat(), (spec, seed) => {
        const distribution = distributionOf(spec)
        const { minimum } = distribution
        const next = distribution.sampler(seededRandom(seed))
        for (let i = 0; i < 50; i++) {
          const number = next()
          assert.ok(Number.isInteger(number) && number >= minimum && number <= 3_600_000_000, String(number))
        }
      }),
    )
  })

  test('samplers of the same seed draw the same numbers, and do not disturb each other', () => {
    fc.assert(
      fc.property(anySpec, fc.nat(), (spec, seed) => {
        const distribution = distributionOf(spec)
        const alone = Array.from({ length: 20 }, distribution.sampler(seededRandom(seed)))
        const first = distribution.sampler(seededRandom(seed))
        const second = distribution.sampler(seededRandom(seed))
        for (const number of alone) assert.deepEqual([first(), second()], [number, number])
      }),
    )
  })

  test('another seed draws other numbers', () => {
    for (const spec of ['uniform:0:1s', 'normal:1s:1s', 'lognormal:1s:1', 'gamma:1s:2s', 'percentiles:1s:2s:3s:4s']) {
      assert.notDeepEqual(draws(spec, DELAY, seededRandom(1), 10), draws(spec, DELAY, seededRandom(2), 10))
    }
  })

  test('any text is read or refused, and none throws', () => {
    const part = fc.oneof(fc.constantFrom('uniform', 'normal', 'gamma', 'trace', '1s', '0', '-1', ''), fc.string())
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const parsed = parseDistribution(parts.join(':'), DELAY)
        assert.ok(parsed.ok || parsed.problem.length > 0)
      }),
    )
  })
})
