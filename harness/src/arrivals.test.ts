import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { constantArrivals, probeArrivals } from './arrivals.ts'

describe('constantArrivals', () => {
  const table = [
    // 100/s for 1 s: 100 arrivals, the last due at 990 ms
    { ratePerSec: 100, durationMs: 1_000, count: 100, lastDueNs: 990e6 },
    { ratePerSec: 5_000, durationMs: 60_000, count: 300_000, lastDueNs: 60e9 - 200_000 },
    { ratePerSec: 0.5, durationMs: 10_000, count: 5, lastDueNs: 8e9 },
    { ratePerSec: 333.3, durationMs: 1_000, count: 333, lastDueNs: 996_099_610 },
    { ratePerSec: 1_000, durationMs: 2.5, count: 3, lastDueNs: 2e6 },
    { ratePerSec: 4, durationMs: 250, count: 1, lastDueNs: 0 },
    // Less than one planned is still one: a run without a request measures nothing.
    { ratePerSec: 0.1, durationMs: 1_000, count: 1, lastDueNs: 0 },
  ]
  for (const { ratePerSec, durationMs, count, lastDueNs } of table) {
    test(`${ratePerSec}/s for ${durationMs} ms: ${count} arrivals, the last due at ${lastDueNs} ns`, () => {
      const schedule = constantArrivals({ ratePerSec, durationMs, warmupMs: 0 })
      assert.equal(schedule.count, count)
      assert.equal(schedule.dueNs(count - 1), lastDueNs)
    })
  }

  test('due instants do not drift: the millionth is exact', () => {
    const at = (ratePerSec: number) => constantArrivals({ ratePerSec, durationMs: 3.6e6, warmupMs: 0 }).dueNs(1e6)
    assert.equal(at(5_000), 200e9)
    assert.equal(at(3_000), 333_333_333_333)
    assert.equal(at(7), 142_857_142_857_143)
    assert.equal(at(333.3), 3_000_300_030_003)
  })

  test('the window opens at 0 and the warm-up lies before it, unbroken', () => {
    const schedule = constantArrivals({ ratePerSec: 1_000, durationMs: 1_000, warmupMs: 50 })
    assert.equal(schedule.warmupCount, 50)
    assert.equal(schedule.dueNs(-50), -50e6)
    assert.equal(schedule.dueNs(-1), -1e6)
    assert.equal(schedule.dueNs(0), 0)
  })

  test('without a warm-up the first position is 0', () => {
    assert.equal(constantArrivals({ ratePerSec: 1_000, durationMs: 1_000, warmupMs: 0 }).warmupCount, 0)
  })

  const anySchedule = fc.record({
    ratePerSec: fc.double({ min: 0.1, max: 50_000, noNaN: true }),
    durationMs: fc.double({ min: 1, max: 120_000, noNaN: true }),
    warmupMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  })

  test('every arrival of the window is due inside it, and the next interval begins at most half a one off its end', () => {
    fc.assert(
      fc.property(anySchedule, (options) => {
        const schedule = constantArrivals(options)
        const intervalNs = 1e9 / options.ratePerSec
        assert.ok(schedule.dueNs(schedule.count - 1) < options.durationMs * 1e6)
        const planned = (options.durationMs / 1e3) * options.ratePerSec
        if (planned >= 1) {
          assert.ok(Math.abs(schedule.dueNs(schedule.count) - options.durationMs * 1e6) <= intervalNs / 2 + 1)
        }
      }),
    )
  })

  test('neighbours are one interval apart to within the rounding, anywhere in the schedule', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: -1e5, max: 1e5 }), (options, index) => {
        const schedule = constantArrivals(options)
        const dueNs = schedule.dueNs(index)
        assert.ok(Number.isInteger(dueNs))
        assert.ok(Math.abs(schedule.dueNs(index + 1) - dueNs - 1e9 / options.ratePerSec) <= 1.1)
      }),
    )
  })
})

describe('probeArrivals', () => {
  test('a probe is due halfway between two requests of the load', () => {
    const schedule = probeArrivals({ ratePerSec: 5_000, durationMs: 1_000, warmupMs: 100 }, 20, 0)
    assert.deepEqual([schedule.warmupCount, schedule.count], [2, 20])
    assert.deepEqual([-1, 0, 1, 2].map(schedule.dueNs), [-49.9e6, 0.1e6, 50.1e6, 100.1e6])
  })

  test('lines of different phases do not meet', () => {
    const load = { ratePerSec: 5_000, durationMs: 1_000, warmupMs: 0 }
    const floor = probeArrivals(load, 20, 0)
    const ping = probeArrivals(load, 20, 0.5)
    assert.equal(ping.dueNs(0) - floor.dueNs(0), 25e6)
  })

  test('due instants never decrease, whatever the rates', () => {
    const rates = fc.double({ min: 0.1, max: 1e5, noNaN: true })
    fc.assert(
      fc.property(rates, rates, fc.double({ min: 0, max: 0.999, noNaN: true }), (ratePerSec, probeRate, phase) => {
        const schedule = probeArrivals({ ratePerSec, durationMs: 1_000, warmupMs: 1_000 }, probeRate, phase)
        for (let index = -20; index < 20; index++) assert.ok(schedule.dueNs(index) <= schedule.dueNs(index + 1))
      }),
    )
  })
})

describe('probeArrivals of any load', () => {
  test('beside a load thinner than they are, they do not come in bursts', () => {
    const { dueNs } = probeArrivals({ ratePerSec: 1, durationMs: 10_000, warmupMs: 0 }, 20, 0)
    assert.deepEqual([0, 1, 2, 20].map(dueNs), [12.5e6, 62.5e6, 112.5e6, 1_012.5e6])
  })

  const anyLoad = fc.record({
    ratePerSec: fc.oneof(fc.double({ min: 0.5, max: 10_000, noNaN: true }), fc.constantFrom(1, 10, 20, 40, 333.3)),
    durationMs: fc.integer({ min: 100, max: 60_000 }),
    warmupMs: fc.integer({ min: 0, max: 5_000 }),
  })

  test('no two meet, of one line or of two half a distance apart, nor do they meet a request of the load', () => {
    fc.assert(
      fc.property(anyLoad, fc.integer({ min: 1, max: 100 }), (load, probeRatePerSec) => {
        const lines = [0, 0.5].map((phase) => probeArrivals(load, probeRatePerSec, phase))
        const dueNs = Array.from({ length: 50 }, (_, i) => lines.map((line) => line.dueNs(i - 10))).flat()
        const loadIntervalNs = 1e9 / load.ratePerSec
        // Half a place is the least distance from a request, and a whole one from a probe.
        const placeNs = loadIntervalNs / Math.ceil((2 * probeRatePerSec) / load.ratePerSec)
        dueNs.forEach((due, i) => {
          if (i > 0) assert.ok(due - dueNs[i - 1]! >= placeNs * 0.99 - 1)
          const fromRequestNs = Math.abs(due - Math.round(due / loadIntervalNs) * loadIntervalNs)
          assert.ok(fromRequestNs >= placeNs * 0.49 - 1)
        })
      }),
    )
  })
})
