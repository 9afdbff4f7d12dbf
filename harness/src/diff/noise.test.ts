import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom, type Random } from '../random.ts'
import { differenceOf } from './judge.ts'
import { metricNamed } from './metrics.ts'
import { separatedByChance, spreads } from './noise.ts'
import { runOf, secondsAround } from './runs.test-data.ts'

const CPU = metricNamed('cpu')!
const P99 = metricNamed('p99')!

/** Runs whose CPU per request is 100 us and a normal deviate (Box and Muller 1958). */
function runsByChance(count: number, random: Random) {
  return Array.from({ length: count }, () => {
    const deviate = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return runOf({ change: (result) => (result.resources.gateway!.cpuUsPerRequest = 100 + deviate) })
  })
}

/** Share of comparisons of what is alike that come out as a difference. */
function falseAlarms(runs: number, trials: number): number {
  const random = seededRandom(5)
  const alarms = Array.from({ length: trials }, () => {
    const [base, now] = [runsByChance(runs, random), runsByChance(runs, random)]
    const [spread] = spreads([CPU], base, now, { random, replicates: 200 })
    return differenceOf(CPU, spread!) !== 'none'
  })
  return alarms.filter(Boolean).length / trials
}

describe('two sides that are alike', () => {
  test('with five runs each come out apart in one of twenty comparisons or fewer', () => {
    assert.ok(falseAlarms(5, 100) <= 0.07)
  })

  test('with two runs each come out apart about as often as all of one lie above all of the other', () => {
    const alarms = falseAlarms(2, 100)
    assert.ok(Math.abs(alarms - separatedByChance(2, 2)) < 0.1, String(alarms))
  })

  for (const [base, now, oneIn] of [
    [1, 1, 1],
    [2, 2, 3],
    [3, 3, 10],
    [4, 4, 35],
    [5, 4, 63],
  ] as const) {
    test(`of ${base} and ${now} runs all of one lie above all of the other in 1 of ${oneIn}`, () => {
      assert.ok(Math.abs(separatedByChance(base, now) - 1 / oneIn) < 1e-12)
    })
  }
})

describe('where the noise comes from', () => {
  const noise = (base: number, now: number, withLog: boolean) => {
    const runs = (count: number) =>
      Array.from({ length: count }, () => runOf(withLog ? { secondsUs: secondsAround(1000, { seconds: 2 }) } : {}))
    const found = spreads([P99, CPU], runs(base), runs(now), { random: seededRandom(1), replicates: 5 })
    return found.map((spread) => spread.noise)
  }
  const cases = [
    { base: 1, now: 1, withLog: true, noise: ['seconds', 'unknown'] },
    { base: 1, now: 5, withLog: true, noise: ['seconds', 'unknown'] },
    { base: 2, now: 2, withLog: true, noise: ['runs_and_seconds', 'runs'] },
    { base: 2, now: 2, withLog: false, noise: ['runs', 'runs'] },
    { base: 1, now: 2, withLog: false, noise: ['unknown', 'unknown'] },
  ]
  for (const { base, now, withLog, noise: expected } of cases) {
    test(`${base} and ${now} runs ${withLog ? 'with' : 'without'} a log: p99 ${expected[0]}, CPU ${expected[1]}`, () => {
      assert.deepEqual(noise(base, now, withLog), expected)
    })
  }

  test('a log without an answer is none', () => {
    const [empty, full] = [runOf({}), runOf({ secondsUs: secondsAround(1000) })]
    const found = spreads([P99], [{ ...empty, seconds: [] }], [full], { random: seededRandom(1), replicates: 5 })
    assert.equal(found[0]?.noise, 'unknown')
  })
})
