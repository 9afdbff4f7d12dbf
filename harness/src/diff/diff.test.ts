import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { seededRandom } from '../random.ts'
import type { Result } from '../recording.ts'
import { diffSides, type Diff } from './diff.ts'
import { parseLimits } from './limits.ts'
import { METRICS } from './metrics.ts'
import { secondsAround, sideOf, type RunOfTest } from './runs.test-data.ts'
import type { Side } from './sides.ts'

function diff(base: Side, now: Side, { max = [] as string[], allowInvalid = false, replicates = 200 } = {}): Diff {
  return diffSides(base, now, { limits: parseLimits(max), allowInvalid, random: seededRandom(1), replicates })
}

const problemsOf = (...args: Parameters<typeof diff>): readonly string[] => {
  try {
    diff(...args)
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error.problems
  }
  return []
}

const metric = ({ metrics }: Diff, name: string) => metrics.find((each) => each.metric === name)!

/** Runs whose latencies and CPU are a little apart from one another. */
const repeats = (centreUs: number, cpuUs: number, runs = 5): RunOfTest[] =>
  Array.from({ length: runs }, (_, run) => ({
    secondsUs: secondsAround(centreUs + 8 * ((run * 3) % 5)),
    change: (result: Result) => (result.resources.gateway!.cpuUsPerRequest = cpuUs + ((run * 3) % 5)),
  }))

describe('noise of one run a side', () => {
  const base = sideOf('BASE', { secondsUs: secondsAround(5000) })

  test('a shift of every latency is found in mean and percentiles, by the seconds', () => {
    const found = diff(base, sideOf('NEW', { secondsUs: secondsAround(5500) }))
    for (const name of ['mean', 'p50', 'p90', 'p95', 'p99', 'p999']) {
      const { change, changeInterval, noise, difference } = metric(found, name)
      assert.ok(Math.abs(change - 0.5) < 1e-9, name)
      assert.ok(changeInterval!.low <= 0.5 && changeInterval!.low > 0.3 && changeInterval!.high >= 0.5, name)
      assert.equal(noise, 'seconds')
      assert.equal(difference, 'worse')
    }
    assert.equal(found.verdict, 'differences')
  })

  test('the same latencies in another order of seconds are no difference', () => {
    const found = diff(base, sideOf('NEW', { secondsUs: secondsAround(5000).reverse() }))
    for (const { changeInterval } of found.metrics.filter(({ noise }) => noise === 'seconds')) {
      assert.ok(changeInterval!.low <= 0 && changeInterval!.high >= 0)
    }
    assert.equal(found.verdict, 'no_differences')
  })

  test('other metrics have no interval: a change is neither better nor worse', () => {
    const found = diff(base, sideOf('NEW', { ...repeats(5000, 120, 1)[0] }))
    const { noise, changeInterval, newInterval, difference } = metric(found, 'cpu')
    assert.deepEqual(
      { noise, changeInterval, newInterval, difference },
      {
        noise: 'unknown',
        changeInterval: undefined,
        newInterval: undefined,
        difference: 'unknown',
      },
    )
    assert.equal(diff(base, sideOf('NEW', ...repeats(5000, 120, 1)), { max: ['cpu=+5%'] }).verdict, 'regression')
  })

  test('a run without a log leaves the noise of its latencies unknown', () => {
    const found = diff(base, sideOf('NEW', {}))
    assert.equal(metric(found, 'p99').noise, 'unknown')
  })
})

describe('noise of several runs a side', () => {
  const base = sideOf('BASE', ...repeats(5000, 100))

  test('figures are means over the runs', () => {
    assert.equal(metric(diff(base, base), 'cpu').base, 102)
  })

  test('a change larger than the runs differ is found, with and without a log', () => {
    const found = diff(base, sideOf('NEW', ...repeats(5500, 120)))
    assert.equal(metric(found, 'p99').noise, 'runs_and_seconds')
    assert.equal(metric(found, 'p99').difference, 'worse')
    assert.equal(metric(found, 'cpu').noise, 'runs')
    assert.equal(metric(found, 'cpu').difference, 'worse')
    const { low, high } = metric(found, 'cpu').changeInterval!
    assert.ok(low > 15 && low < 20 && high > 20 && high < 25)
  })

  test('a change smaller than the runs differ is within noise, and fails no limit', () => {
    const found = diff(base, sideOf('NEW', ...repeats(5000, 101)), { max: ['cpu=+0.5%'] })
    assert.equal(metric(found, 'cpu').difference, 'none')
    assert.equal(metric(found, 'cpu').limits[0]?.verdict, 'within_noise')
    assert.equal(found.verdict, 'no_regression')
  })

  test('the same seed gives the same intervals', () => {
    const now = sideOf('NEW', ...repeats(5100, 110))
    assert.deepEqual(diff(base, now), diff(base, now))
  })
})

test('a side against itself never regresses, whatever its figures, with the strictest limits', () => {
  const latenciesUs = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 6 })
  const run = fc.record({
    secondsUs: fc.array(latenciesUs, { minLength: 1, maxLength: 4 }),
    cpuUs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    successRate: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  const strictest = METRICS.map(({ name, higherIsBetter }) => `${name}=${higherIsBetter ? '-' : '+'}0%`)
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 3 }), fc.nat(), (runs, seed) => {
      const side = sideOf(
        'BASE',
        ...runs.map(({ secondsUs, cpuUs, successRate }) => ({
          secondsUs,
          change: (result: Result) => {
            result.resources.gateway!.cpuUsPerRequest = cpuUs
            result.requests.successRate = successRate
          },
        })),
      )
      const measured = diff(side, side, { replicates: 1 }).metrics.map((each) => each.metric)
      const limits = parseLimits(strictest.filter((text) => measured.includes(text.split('=')[0]!)))
      const options = { limits, allowInvalid: false, random: seededRandom(seed), replicates: 20 }
      const found = diffSides(side, side, options)
      assert.equal(found.verdict, 'no_regression')
      assert.ok(found.metrics.every(({ difference }) => difference === 'none'))
    }),
    { numRuns: 25 },
  )
})

describe('what cannot be compared', () => {
  const base = sideOf('BASE', {}, {})
  const changed = (change: (result: Result) => void) => sideOf('NEW', {}, { change })

  test('names each field with the values of both sides, all together', () => {
    const now = changed((result) => {
      result.plan.ratePerSec = 4000
      result.environment.node = '22.1.0'
      result.target.name = 'nginx'
    })
    assert.deepEqual(problemsOf(base, now), [
      'target.name (target): BASE has builtin, NEW has builtin and nginx; it must be the same in all runs',
      'plan.ratePerSec (planned rate, per s): BASE has 5000, NEW has 5000 and 4000; it must be the same in all runs',
      'environment.node (Node version): BASE has 24.21.0, NEW has 24.21.0 and 22.1.0; it must be the same in all runs',
    ])
  })

  test('names the failed checks of INVALID runs, unless they are allowed', () => {
    const now = changed((result) => {
      result.verdict.valid = false
      result.verdict.checks[1]!.ok = false
    })
    const [problem, ...others] = problemsOf(base, now)
    assert.match(problem!, /^NEW new\/2: INVALID: schedule_lag; .*--allow-invalid/)
    assert.deepEqual(others, [])
    const { new: runs } = diff(base, now, { allowInvalid: true })
    assert.deepEqual(
      runs.map(({ valid, failedChecks }) => ({ valid, failedChecks })),
      [
        { valid: true, failedChecks: [] },
        { valid: false, failedChecks: ['schedule_lag'] },
      ],
    )
  })

  test('a limit on what one run did not measure says where; without a limit it is listed', () => {
    const now = changed((result) => {
      delete result.resources.gateway
      result.stagesUs!.queue_wait!.belowClock = { clockUs: 2 }
    })
    assert.deepEqual(problemsOf(base, now, { max: ['cpu=+1%,stage.queue_wait=+1%,stage.key_selection=+1%'] }), [
      '--max cpu=+1%: cpu was not measured in all runs of NEW',
      '--max stage.queue_wait=+1%: stage.queue_wait was not measured in all runs of NEW',
      '--max stage.key_selection=+1%: stage.key_selection was not measured in all runs of BASE and NEW',
    ])
    const { notMeasured, metrics } = diff(base, now)
    assert.deepEqual(
      notMeasured.find((each) => each.metric === 'cpu'),
      { metric: 'cpu', sides: ['NEW'] },
    )
    assert.ok(metrics.every((each) => each.metric !== 'cpu'))
  })

  test('commit, version and settings may differ: they are listed, of each side the values that occur', () => {
    const now = sideOf('NEW', {
      change: (result) => {
        result.environment.gitCommit = 'fedcba'
        result.plan.gateway!.workers = 2
      },
    })
    const conditions = diff(base, now).conditions.map(({ field, ...values }) => [field, values.base, values.new])
    assert.deepEqual(conditions, [
      ['plan.gateway.workers', ['1'], ['2']],
      ['environment.gitCommit', ['0123456789abcdef0123456789abcdef01234567'], ['fedcba']],
    ])
  })
})
