import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom, type Random } from '../random.ts'
import { addedDifference, addedLatency, distinguishable, latencyIntervals, pairsOf } from './added-latency.ts'
import { countsOf } from './sparse-counts.test-data.ts'
import type { AddedTurn } from './sparse-counts.ts'

interface Shape {
  rounds?: readonly number[]
  seconds?: number
  /** What each answer or probe is counted as: more of them without more values. */
  times?: number
  /** Standard deviation of what a round has in common, and of what a second has. */
  betweenUs?: number
  withinUs?: number
  /** What the rounds have in common, by round; chosen by chance when left out. */
  driftUs?: (round: number) => number
}

const normal = (random: Random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** Turns of a target that adds `addedUs`: answers and probes wait alike but for that, and for what a round or a second shares. */
function turnsOf(addedUs: number, random: Random, shape: Shape = {}): AddedTurn[] {
  const { rounds = [1, 2, 3, 4, 5], seconds = 6, times = 1, betweenUs = 0, withinUs = 0 } = shape
  const { driftUs = () => betweenUs * normal(random) } = shape
  const waits = () => Array.from({ length: 8 }, () => 200 + Math.round(50 * random()))
  return rounds.map((round) => {
    const shiftUs = addedUs + driftUs(round)
    return {
      round,
      seconds: Array.from({ length: seconds }, (_, second) => {
        const secondUs = shiftUs + withinUs * normal(random)
        const target = countsOf(
          waits().map((us) => us + secondUs),
          times,
        )
        return { second, target, floor: countsOf(waits(), times) }
      }),
    }
  })
}

/** Every answer waits exactly `addedUs` longer than a probe of the same second. */
function shiftedTurns(addedUs: number, random: Random, times: number): AddedTurn[] {
  return turnsOf(0, random, { times }).map(({ round, seconds }) => ({
    round,
    seconds: seconds.map(({ second, floor }) => ({
      second,
      target: { valuesUs: floor.valuesUs.map((us) => us + addedUs), counts: floor.counts },
      floor,
    })),
  }))
}

const options = (seed: number, replicates = 200) => ({
  basis: 'above_mock' as const,
  random: seededRandom(seed),
  replicates,
})

describe('addedLatency', () => {
  test('a target that adds a constant: every figure is that constant, and so are both ends of its interval', () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(), (addedUs, seed) => {
        const added = addedLatency(shiftedTurns(addedUs, seededRandom(seed), 50), options(seed, 20))!
        const { mean, p50, p99, p999 } = added
        for (const figure of [p50, p99, p999!]) {
          assert.deepEqual(figure, { value: addedUs, low: addedUs, high: addedUs })
        }
        for (const us of [mean.value, mean.low, mean.high]) assert.ok(Math.abs(us - addedUs) < 1e-9)
        const { upperBound, requests, probes, basis } = added
        assert.deepEqual([upperBound, requests, probes, basis], [[], 12_000, 12_000, 'above_mock'])
      }),
      { numRuns: 20 },
    )
  })

  test('a target that adds nothing: the interval of the mean holds 0', () => {
    const { mean } = addedLatency(turnsOf(0, seededRandom(3), { withinUs: 5 }), options(3))!
    assert.ok(mean.low < 0 && mean.high > 0)
  })

  test('the 95% interval of the mean holds the true value in 90% of comparisons or more', () => {
    const random = seededRandom(11)
    const comparisons = 200
    let held = 0
    for (let i = 0; i < comparisons; i++) {
      const turns = turnsOf(500, random, { seconds: 4, betweenUs: 20, withinUs: 20 })
      const { mean } = addedLatency(turns, { basis: 'above_mock', random, replicates: 400 })!
      if (mean.low <= 500 && 500 <= mean.high) held++
    }
    assert.ok(held >= 0.9 * comparisons, `${held} of ${comparisons}`)
  })

  test('the order of the rounds does not matter', () => {
    const turns = turnsOf(300, seededRandom(4), { times: 50, betweenUs: 30, withinUs: 10 })
    const values = (ordered: readonly AddedTurn[]) => {
      const { mean, p50, p99, p999 } = addedLatency(ordered, options(4, 5))!
      return [mean, p50, p99, p999!].map(({ value }) => value)
    }
    assert.deepEqual(values(turns.toReversed()), values(turns))
  })

  test('one round: the interval is that of its seconds', () => {
    const { mean } = addedLatency(
      turnsOf(300, seededRandom(5), { rounds: [1], seconds: 12, withinUs: 40 }),
      options(5),
    )!
    assert.ok(mean.low < mean.value && mean.value < mean.high)
    assert.ok(mean.low > 200 && mean.high < 400)
  })

  describe('percentiles of the floor', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
    const turnWith = (answers: number, probes: readonly number[], times: number): AddedTurn => ({
      round: 1,
      seconds: [{ second: 0, target: countsOf([1_000], answers), floor: countsOf(probes, times) }],
    })
    // Probes waited 1 to 100 us, each value the same number of times; every answer 1,000 us.
    const cases = [
      { answers: 10_000, probes: hundred, times: 100, p50: 950, p99: 901, p999: 900, upperBound: [] },
      { answers: 10_000, probes: hundred, times: 10, p50: 950, p99: 901, p999: 901, upperBound: ['p999'] },
      { answers: 10_000, probes: hundred, times: 1, p50: 950, p99: 910, p999: 910, upperBound: ['p99', 'p999'] },
      {
        answers: 10_000,
        probes: hundred.slice(0, 4),
        times: 1,
        p50: 998,
        p99: 998,
        p999: 998,
        upperBound: ['p99', 'p999'],
      },
      { answers: 1_999, probes: hundred, times: 1, p50: 950, p99: 910, p999: undefined, upperBound: ['p99'] },
    ]
    for (const { answers, probes, times, p50, p99, p999, upperBound } of cases) {
      test(`${answers} answers, ${probes.length * times} probes: upper bounds ${upperBound.join(', ') || 'none'}`, () => {
        const added = addedLatency([turnWith(answers, probes, times)], options(1, 5))!
        assert.deepEqual([added.p50.value, added.p99.value, added.p999?.value], [p50, p99, p999])
        assert.equal('p999' in added, p999 !== undefined)
        assert.deepEqual(added.upperBound, upperBound)
      })
    }
  })

  test('turns without answers or without probes are left out, and without others there is no figure', () => {
    const [first, second, third] = turnsOf(300, seededRandom(6), { rounds: [1, 2, 3] })
    const none = countsOf([])
    const unanswered = { round: 2, seconds: second!.seconds.map((each) => ({ ...each, target: none })) }
    const unprobed = { round: 3, seconds: third!.seconds.map((each) => ({ ...each, floor: none })) }
    assert.deepEqual(addedLatency([first!, unanswered, unprobed], options(6)), addedLatency([first!], options(6)))
    for (const turns of [[], [{ round: 1, seconds: [] }], [unanswered], [unprobed], [unanswered, unprobed]]) {
      assert.equal(addedLatency(turns, options(6)), undefined)
    }
  })

  test('one second of many with probes: samples without it say nothing, the others do', () => {
    const turns = turnsOf(300, seededRandom(7), { rounds: [1] }).map(({ round, seconds }) => ({
      round,
      seconds: seconds.map((each) => (each.second === 0 ? each : { ...each, floor: countsOf([]) })),
    }))
    const { mean } = addedLatency(turns, options(7))!
    assert.ok(mean.low > 250 && mean.high < 350, JSON.stringify(mean))
  })
})

describe('addedDifference', () => {
  test('a known difference is found', () => {
    const random = seededRandom(21)
    const { meanUs, p99Us } = addedDifference(
      shiftedTurns(700, random, 50),
      shiftedTurns(600, random, 50),
      options(21),
    )!
    assert.ok(Math.abs(meanUs.value - 100) < 1e-9)
    assert.deepEqual(p99Us, { value: 100, low: 100, high: 100 })
  })

  test('what a round has in common for both drops out', () => {
    const random = seededRandom(22)
    const driftUs = (round: number) => 200 * round
    const a = turnsOf(150, random, { driftUs })
    const b = turnsOf(100, random, { driftUs })
    const width = ({ low, high }: { low: number; high: number }) => high - low
    const { meanUs } = addedDifference(a, b, options(22))!
    assert.ok(width(meanUs) < 0.1 * width(addedLatency(a, options(22))!.mean))
    assert.ok(meanUs.low > 30 && meanUs.high < 70, JSON.stringify(meanUs))
  })

  test('identical targets: the interval holds 0, and the other way round is the negative', () => {
    const random = seededRandom(23)
    const a = turnsOf(100, random, { withinUs: 10 })
    const b = turnsOf(100, random, { withinUs: 10 })
    const { meanUs } = addedDifference(a, b, options(23))!
    assert.ok(meanUs.low < 0 && meanUs.high > 0)
    const { meanUs: reverse } = addedDifference(b, a, options(23))!
    assert.ok(Math.abs(meanUs.value + reverse.value) < 1e-9)
  })

  test('only rounds that both have count, in whatever order; without one there is no difference', () => {
    const random = seededRandom(24)
    const a = turnsOf(100, random, { rounds: [1, 2, 3], betweenUs: 50 })
    const b = turnsOf(100, random, { rounds: [4, 3, 2], betweenUs: 50 })
    const common = (turns: readonly AddedTurn[]) => turns.filter(({ round }) => round === 2 || round === 3)
    assert.deepEqual(
      addedDifference(a, b, options(24)),
      addedDifference(common(a), common(b).toReversed(), options(24)),
    )
    assert.equal(addedDifference(a.slice(0, 1), b, options(24)), undefined)
    assert.equal(addedDifference([], [], options(24)), undefined)
  })

  test('fewer probes on one side: the same percentile of the floor is taken off both', () => {
    const [turn] = turnsOf(100, seededRandom(25), { rounds: [1], seconds: 1 })
    const floorUs = Array.from({ length: 100 }, (_, i) => i)
    const withProbes = (times: number) => [
      { round: 1, seconds: [{ ...turn!.seconds[0]!, floor: countsOf(floorUs, times) }] },
    ]
    const { p99Us } = addedDifference(withProbes(1), withProbes(100), options(25))!
    assert.deepEqual(p99Us, { value: 0, low: 0, high: 0 })
  })
})

describe('distinguishable', () => {
  for (const [value, low, high, expected] of [
    [100, 60, 140, true],
    [-100, -140, -60, true],
    [100, -5, 205, false],
    [100, 0, 200, false],
    [30, 20, 40, false],
    [-30, -40, -20, false],
    [50, 40, 60, true],
  ] as const) {
    test(`${value} us (${low} to ${high}) where 50 us can be told from none: ${expected}`, () => {
      assert.equal(distinguishable({ value, low, high }, 50), expected)
    })
  }
})

test('pairsOf: every target against every later one, those without a common round left out', () => {
  const random = seededRandom(31)
  const targets = [
    { name: 'fast', turns: shiftedTurns(100, random, 50) },
    { name: 'absent', turns: [] },
    { name: 'slow', turns: shiftedTurns(400, random, 50) },
    { name: 'slow again', turns: shiftedTurns(400, random, 50) },
  ]
  assert.deepEqual(
    pairsOf(targets, 50, options(31)).map((pair) => [pair.a, pair.b, pair.p99Us?.value, pair.distinguishable]),
    [
      ['fast', 'slow', -300, true],
      ['fast', 'slow again', -300, true],
      ['slow', 'slow again', 0, false],
    ],
  )
})

describe('latencyIntervals', () => {
  test('figures of the answers themselves, whatever the floor', () => {
    const seconds = [{ target: countsOf([10, 20, 30]) }, { target: countsOf([10, 20, 30]) }]
    const { mean, p50, p99, p999 } = latencyIntervals([{ seconds }, { seconds }, { seconds: [] }], {
      random: seededRandom(1),
    })!
    assert.deepEqual(
      [mean, p50, p99, p999],
      [20, 20, 30, 30].map((value) => ({ value, low: value, high: value })),
    )
  })

  test('rounds that differ have an interval around the value', () => {
    const turns = turnsOf(100, seededRandom(41), { betweenUs: 50 })
    const { mean, p50, p99 } = latencyIntervals(turns, { random: seededRandom(41) })!
    for (const { value, low, high } of [mean, p50, p99]) assert.ok(low < value && value < high)
  })

  test('no answers, no figures', () => {
    assert.equal(latencyIntervals([], { random: seededRandom(1) }), undefined)
    assert.equal(latencyIntervals([{ seconds: [{ target: countsOf([]) }] }], { random: seededRandom(1) }), undefined)
  })
})
