import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { FrontierPoint, FrontierTrial } from '../compare/record.ts'
import { frontierPoints, searchFrontier, type FrontierSearch } from './search.ts'

const BOUNDS_MS = [1, 5, 10, 50, 100, null]
const SEARCH = {
  boundsMs: BOUNDS_MS,
  startPerSec: 100,
  lowestPerSec: 10,
  highestPerSec: 50_000,
  precision: 1.1,
  maxTrials: 60,
}

/** A queue whose wait grows without end as the rate nears its capacity. */
function queueP99Ms(ratePerSec: number, capacityPerSec: number): number {
  const load = ratePerSec / capacityPerSec
  return load < 1 ? 0.4 + (8 * load * load) / (1 - load) : Infinity
}

function queueTrial(ratePerSec: number, capacityPerSec: number): FrontierTrial {
  const completedPerSec = Math.min(ratePerSec, capacityPerSec)
  const failed = Math.ceil(ratePerSec - completedPerSec)
  const trial = { ratePerSec, failed, sentPerSec: ratePerSec, completedPerSec }
  return failed > 0 ? trial : { ...trial, p99AddedMs: queueP99Ms(ratePerSec, capacityPerSec) }
}

/** The rate at which the queue's p99 is just at the bound, found by halving an interval. */
function trueLimitPerSec(boundMs: number | null, capacityPerSec: number): number {
  if (boundMs === null) return capacityPerSec
  let [low, high] = [0, capacityPerSec]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (queueP99Ms(middle, capacityPerSec) <= boundMs) low = middle
    else high = middle
  }
  return low
}

const failing = (ratePerSec: number): FrontierTrial => ({ ratePerSec, failed: 1, sentPerSec: 0, completedPerSec: 0 })

function search(trial: (ratePerSec: number) => FrontierTrial, options: Partial<FrontierSearch> = {}) {
  return searchFrontier({ ...SEARCH, trial: (rate) => Promise.resolve(trial(rate)), ...options })
}

function assertBracketsLimits(points: readonly FrontierPoint[], capacityPerSec: number): void {
  for (const { boundMs, ratePerSec, firstFailedPerSec, limitedBy } of points) {
    const limit = trueLimitPerSec(boundMs, capacityPerSec)
    const where = `bound ${String(boundMs)}: ${String(ratePerSec)} <= ${limit} < ${String(firstFailedPerSec)}`
    assert.ok(ratePerSec !== undefined && firstFailedPerSec !== undefined, where)
    assert.ok(ratePerSec <= limit && limit < firstFailedPerSec, where)
    assert.ok(firstFailedPerSec / ratePerSec <= SEARCH.precision, where)
    assert.equal(limitedBy, undefined)
  }
}

const capacities = fc.double({ min: 200, max: 20_000, noNaN: true })

describe('the search', () => {
  test('closes in on the true limit of every bound', async () => {
    await fc.assert(
      fc.asyncProperty(capacities, fc.integer({ min: 10, max: 50_000 }), async (capacity, startPerSec) => {
        const { points } = await search((rate) => queueTrial(rate, capacity), { startPerSec })
        assert.deepEqual(
          points.map((point) => point.boundMs),
          BOUNDS_MS,
        )
        assertBracketsLimits(points, capacity)
      }),
    )
  })

  test('finds the same limits when noise fails first tries', async () => {
    await fc.assert(
      fc.asyncProperty(capacities, fc.infiniteStream(fc.integer({ min: 0, max: 4 })), async (capacity, chance) => {
        const tried = new Set<number>()
        const { points } = await search(
          (rate) => {
            const spoilt = !tried.has(rate) && chance.next().value === 0
            tried.add(rate)
            return spoilt ? failing(rate) : queueTrial(rate, capacity)
          },
          { maxTrials: 200 },
        )
        assertBracketsLimits(points, capacity)
      }),
    )
  })

  test('is off by no more than a noise of 3% in each p99 explains', async () => {
    const noise = fc.infiniteStream(fc.double({ min: 0.97, max: 1.03, noNaN: true }))
    await fc.assert(
      fc.asyncProperty(capacities, noise, async (capacity, factors) => {
        const { points } = await search((rate) => {
          const trial = queueTrial(rate, capacity)
          return trial.p99AddedMs === undefined
            ? trial
            : { ...trial, p99AddedMs: trial.p99AddedMs * factors.next().value }
        })
        for (const { boundMs, ratePerSec, firstFailedPerSec } of points) {
          const [strict, lax] = [0.97, 1.03].map((factor) =>
            trueLimitPerSec(boundMs === null ? null : boundMs * factor, capacity),
          )
          assert.ok(ratePerSec! <= lax! * 1.001 && firstFailedPerSec! >= strict! / 1.001)
          assert.ok(firstFailedPerSec! / ratePerSec! <= SEARCH.precision)
        }
      }),
    )
  })

  test('ends within its trials and its rates, whatever the target does', async () => {
    const anyTrial = fc.record(
      {
        p99AddedMs: fc.constantFrom(0.5, 3, 7, 30, 70, 200),
        failed: fc.constantFrom(0, 0, 0, 5),
        sent: fc.constantFrom(1, 0.98, 0.9),
        completed: fc.constantFrom(1, 0.97, 0.9),
        limitedBy: fc.constantFrom('mock' as const, 'driver' as const),
      },
      { requiredKeys: ['failed', 'sent', 'completed'] },
    )
    const manyTrials = fc.array(anyTrial, { minLength: 30, maxLength: 30 })
    const maxTrials = fc.integer({ min: 0, max: 30 })
    const precision = fc.constantFrom(1.0001, 1.05, 1.1, 1.5, 3)
    await fc.assert(
      fc.asyncProperty(manyTrials, maxTrials, precision, async (drawn, most, precision) => {
        const left = drawn.values()
        const { points, trials } = await search(
          (ratePerSec) => {
            const { sent, completed, ...rest } = left.next().value!
            return { ratePerSec, ...rest, sentPerSec: sent * ratePerSec, completedPerSec: completed * ratePerSec }
          },
          { maxTrials: most, precision },
        )
        assert.ok(trials.length <= most)
        for (const [rate, ofRate] of Map.groupBy(trials, (trial) => trial.ratePerSec)) {
          assert.ok(rate >= SEARCH.lowestPerSec && rate <= SEARCH.highestPerSec)
          assert.equal(rate, Number(rate.toPrecision(2)))
          assert.ok(ofRate.length <= 2)
        }
        const highestFirst = trials.toSorted((a, b) => b.ratePerSec - a.ratePerSec)
        assert.deepEqual(points, frontierPoints(BOUNDS_MS, highestFirst))
        for (const { ratePerSec, firstFailedPerSec, limitedBy } of points) {
          if (ratePerSec === undefined || firstFailedPerSec === undefined) continue
          assert.ok(ratePerSec < firstFailedPerSec)
          if (trials.length === most || limitedBy !== undefined) continue
          assert.ok(firstFailedPerSec / ratePerSec <= Math.max(precision, 1.1))
          assert.equal(trials.filter((trial) => trial.ratePerSec === firstFailedPerSec).length, 2)
        }
      }),
    )
  })

  test('serves all bounds from the same trials', async () => {
    const { trials } = await search((rate) => queueTrial(rate, 3_000))
    assert.ok(trials.length <= 30, `${trials.length} trials`)
    assert.deepEqual(
      trials.slice(0, 6).map((trial) => trial.ratePerSec),
      [100, 200, 400, 800, 1600, 3200],
    )
  })
})

describe('a target', () => {
  test('that carries all is limited by the search', async () => {
    const { points, trials } = await search((rate) => queueTrial(rate, 1e9))
    assert.equal(trials.length, 10)
    assert.deepEqual(
      points,
      BOUNDS_MS.map((boundMs) => ({ boundMs, ratePerSec: 50_000, limitedBy: 'search_limit' })),
    )
  })

  test('that carries nothing has no rate, after two tries of the lowest', async () => {
    const { points, trials } = await search(failing)
    assert.deepEqual(
      trials.map((trial) => trial.ratePerSec),
      [100, 50, 25, 13, 10, 10],
    )
    assert.deepEqual(
      points,
      BOUNDS_MS.map((boundMs) => ({ boundMs, firstFailedPerSec: 10 })),
    )
  })

  test('that is slow at some rates only is given the rate below them', async () => {
    const slowPerSec = (rate: number) => rate >= 350 && rate < 500
    const { points, trials } = await search(
      (rate) => ({ ...queueTrial(rate, 3_000), ...(rate <= 3_000 && { p99AddedMs: slowPerSec(rate) ? 3 : 0.5 }) }),
      { boundsMs: [1, null] },
    )
    assert.ok(trials.some((trial) => trial.ratePerSec > 500 && trial.p99AddedMs === 0.5))
    assert.deepEqual(points, [
      { boundMs: 1, ratePerSec: 330, firstFailedPerSec: 360 },
      { boundMs: null, ratePerSec: 3000, firstFailedPerSec: 3200 },
    ])
  })

  test('whose brackets are still wide when the trials are used up has them as they are', async () => {
    const open = await search((rate) => queueTrial(rate, 3_000), { boundsMs: [null], maxTrials: 3 })
    assert.deepEqual(open.points, [{ boundMs: null, ratePerSec: 400, limitedBy: 'search_limit' }])
    const wide = await search((rate) => queueTrial(rate, 3_000), { boundsMs: [null], maxTrials: 6 })
    assert.deepEqual(wide.points, [{ boundMs: null, ratePerSec: 1600, firstFailedPerSec: 3200 }])
  })
})

describe('an instrument at its own limit', () => {
  for (const limitedBy of ['mock', 'driver'] as const) {
    test(`(${limitedBy}) ends the search and marks the points that end there`, async () => {
      const { points, trials } = await search((rate) =>
        rate >= 2_000 ? { ...queueTrial(rate, 1e9), limitedBy } : queueTrial(rate, 3_000),
      )
      const strict = trueLimitPerSec(1, 3_000)
      assert.ok(points[0]!.ratePerSec! <= strict && points[0]!.firstFailedPerSec! > strict)
      assert.equal(points[0]!.limitedBy, undefined)
      assert.deepEqual(points.at(-1), { boundMs: null, ratePerSec: 1900, limitedBy })
      assert.ok(Math.max(...trials.map((trial) => trial.ratePerSec)) <= 3200)
    })
  }

  test('is looked at a second time, and forgotten when that trial tells of the target', async () => {
    let once = true
    const { points } = await search((rate) => {
      const limited = rate === 1600 && once
      if (limited) once = false
      return limited ? { ...queueTrial(rate, 3_000), limitedBy: 'driver' } : queueTrial(rate, 3_000)
    })
    assertBracketsLimits(points, 3_000)
  })

  test('from the first trial on leaves no rate, and says why', async () => {
    const { points } = await search((rate) => ({ ...queueTrial(rate, 1e9), limitedBy: 'mock' }), { boundsMs: [null] })
    assert.deepEqual(points, [{ boundMs: null, limitedBy: 'mock' }])
  })
})

describe('a rate is carried', () => {
  const good: FrontierTrial = { ratePerSec: 1000, p99AddedMs: 5, failed: 0, sentPerSec: 980, completedPerSec: 970 }
  const cases: [what: string, trial: FrontierTrial, carriedUnder: (number | null)[]][] = [
    ['at each limit', good, [5, 10, null]],
    ['not with a failure', { ...good, failed: 1 }, []],
    ['not when too little was sent', { ...good, sentPerSec: 979 }, []],
    ['not when too little was answered', { ...good, completedPerSec: 969 }, []],
    [
      'without a p99 only where there is no bound',
      { ratePerSec: 1000, failed: 0, sentPerSec: 1e3, completedPerSec: 1e3 },
      [null],
    ],
    ['below the floor too', { ...good, p99AddedMs: -0.1 }, [1, 5, 10, null]],
  ]
  for (const [what, trial, carriedUnder] of cases) {
    test(what, () => {
      const carried = frontierPoints([1, 5, 10, null], [trial]).filter((point) => point.ratePerSec === 1000)
      assert.deepEqual(
        carried.map((point) => point.boundMs),
        carriedUnder,
      )
    })
  }
})

describe('what ends the search early', () => {
  test('is an aborted signal, with its reason, before the next trial', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const rates: number[] = []
    const searching = search(
      (rate) => {
        rates.push(rate)
        if (rates.length === 3) controller.abort(reason)
        return queueTrial(rate, 3_000)
      },
      { signal: controller.signal },
    )
    await assert.rejects(searching, reason)
    assert.deepEqual(rates, [100, 200, 400])
  })

  test('is a trial that rejects', async () => {
    const reason = new Error('no disk')
    await assert.rejects(searchFrontier({ ...SEARCH, trial: () => Promise.reject(reason) }), reason)
  })
})
