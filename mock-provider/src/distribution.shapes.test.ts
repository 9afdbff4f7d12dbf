import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import jStat from 'jstat'
import { parseDistribution, type Quantity } from './distribution.ts'
import { criticalDistance, kolmogorovSmirnov } from './kolmogorov-smirnov.test-support.ts'
import { seededRandom } from './random.ts'
import { parseDurationMs } from './units.ts'

/** Every distribution against its own definition, at 100,000 draws in us, each test with three seeds. */

const DELAY: Quantity = { parse: parseDurationMs, minimum: 0, maximum: 3_600_000, scale: 1_000, unit: ' ms' }
const COUNT = 100_000
const SEEDS = [1, 2, 3]

function drawsUs(text: string, seed: number): number[] {
  const parsed = parseDistribution(text, DELAY)
  assert.ok(parsed.ok)
  return Array.from({ length: COUNT }, parsed.value.sampler(seededRandom(seed)))
}

function normalCdf(mean: number, sd: number) {
  return (x: number) => jStat.normal.cdf(x, mean, sd)
}

/** A normal distribution on the condition that nothing is below 0. */
function truncatedNormalCdf(mean: number, sd: number) {
  const normal = normalCdf(mean, sd)
  return (x: number) => (x <= 0 ? 0 : (normal(x) - normal(0)) / (1 - normal(0)))
}

function gammaCdf(mean: number, sd: number) {
  return (x: number) => (x <= 0 ? 0 : jStat.gamma.cdf(x, (mean / sd) ** 2, sd ** 2 / mean))
}

/** Straight lines through the points; 0 before the first of them and 1 after the last. */
function linesCdf(points: readonly { x: number; share: number }[]) {
  return (x: number) => {
    const after = points.findIndex((point) => point.x > x)
    if (after === -1) return 1
    if (after === 0) return 0
    const from = points[after - 1]!
    const to = points[after]!
    return from.share + ((x - from.x) / (to.x - from.x)) * (to.share - from.share)
  }
}

const DEFINITIONS: { text: string; what: string; cdf: (us: number) => number }[] = [
  {
    text: 'uniform:1300ms:1700ms',
    what: 'as latency +- jitter',
    // Each whole number with its half us on both sides.
    cdf: (us) => jStat.uniform.cdf(us, 1_299_999.5, 1_700_000.5),
  },
  { text: 'uniform:0:10s', what: 'from nothing', cdf: (us) => jStat.uniform.cdf(us, -0.5, 10_000_000.5) },
  { text: 'normal:1.5s:100ms', what: 'far above 0', cdf: normalCdf(1_500_000, 100_000) },
  { text: 'normal:100ms:200ms', what: 'a third of it truncated', cdf: truncatedNormalCdf(100_000, 200_000) },
  { text: 'normal:0:1s', what: 'half of it truncated', cdf: truncatedNormalCdf(0, 1_000_000) },
  {
    text: 'lognormal:800ms:0.4',
    what: 'of moderate spread',
    cdf: (us) => jStat.lognormal.cdf(us, Math.log(800_000), 0.4),
  },
  { text: 'lognormal:50ms:1.5', what: 'of wide spread', cdf: (us) => jStat.lognormal.cdf(us, Math.log(50_000), 1.5) },
  { text: 'gamma:1.5s:300ms', what: 'of shape 25', cdf: gammaCdf(1_500_000, 300_000) },
  {
    text: 'gamma:1s:1s',
    what: 'of shape 1, which is exponential',
    cdf: (us) => (us <= 0 ? 0 : -Math.expm1(-us / 1e6)),
  },
  { text: 'gamma:1s:2s', what: 'of shape 1/4', cdf: gammaCdf(1_000_000, 2_000_000) },
  {
    text: 'percentiles:1s:2s:3s:7s',
    what: 'through its four points',
    cdf: linesCdf([
      { x: 500_000, share: 0 },
      { x: 1_000_000, share: 0.5 },
      { x: 2_000_000, share: 0.9 },
      { x: 3_000_000, share: 0.95 },
      { x: 7_000_000, share: 0.99 },
      // 100 us for each millionth, as from 0.95 to 0.99
      { x: 8_000_000, share: 1 },
    ]),
  },
]

describe('draws have the distribution that is written', () => {
  for (const { text, what, cdf } of DEFINITIONS) {
    test(`${text}, ${what}`, () => {
      for (const seed of SEEDS) {
        const distance = kolmogorovSmirnov(drawsUs(text, seed), cdf)
        assert.ok(distance < criticalDistance(COUNT), `seed ${seed}: distance ${distance}`)
      }
    })
  }
})

describe('the test itself tells apart', () => {
  const wrong: { text: string; what: string; cdf: (us: number) => number }[] = [
    { text: 'gamma:1.5s:300ms', what: 'a normal of the same mean and sd', cdf: normalCdf(1_500_000, 300_000) },
    { text: 'normal:100ms:200ms', what: 'a normal that is not truncated', cdf: normalCdf(100_000, 200_000) },
    { text: 'uniform:0:10s', what: 'one that ends 1% later', cdf: (us) => jStat.uniform.cdf(us, 0, 10_100_000) },
    {
      text: 'lognormal:800ms:0.4',
      what: 'one whose sigma is 0.41',
      cdf: (us) => jStat.lognormal.cdf(us, Math.log(800_000), 0.41),
    },
  ]
  for (const { text, what, cdf } of wrong) {
    test(`${text} from ${what}`, () => {
      for (const seed of SEEDS) {
        const distance = kolmogorovSmirnov(drawsUs(text, seed), cdf)
        assert.ok(distance > criticalDistance(COUNT), `seed ${seed}: distance ${distance}`)
      }
    })
  }

  test('the statistic of four draws, by hand', () => {
    // Of 1, 2, 2, 4 on [0, 10): below 4 lie 3/4 of the draws, and 0.35 of the distribution; up to 4 all, and 0.45.
    const cdf = (x: number) => x / 10
    assert.equal(kolmogorovSmirnov([2, 4, 1, 2], cdf).toFixed(9), '0.550000000')
  })
})
