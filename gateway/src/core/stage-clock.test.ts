import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { measureClockCostNs, nowMs, SLOT, StageClock } from './stage-clock.ts'
import { SEGMENTS } from './stages.ts'

function clockAt(...instantsMs: number[]): StageClock {
  return new StageClock(() => instantsMs.shift() ?? NaN)
}

describe('StageClock', () => {
  test('the time since the previous boundary belongs to the slot', () => {
    const clock = clockAt(10, 10.5, 12)
    clock.start()
    clock.lap(SLOT.queue_wait)
    clock.lap(SLOT.http_request)
    assert.equal(clock.ns[SLOT.queue_wait], 500_000)
    assert.equal(clock.ns[SLOT.http_request], 1_500_000)
    assert.equal(clock.totalNs, 2_000_000)
  })

  test('a slot that is entered again adds up', () => {
    const clock = clockAt(0, 1, 2, 4)
    clock.start()
    clock.lap(SLOT.http_request)
    clock.lap(SLOT.error_handling)
    clock.lap(SLOT.http_request)
    assert.equal(clock.ns[SLOT.http_request], 3_000_000)
  })

  test('every moment up to the latest boundary is in one slot', () => {
    const clock = clockAt(0, 5, 7)
    clock.start()
    clock.lap(SLOT.queue_wait)
    clock.lap(SLOT.http_request)
    assert.equal(
      clock.ns.reduce((sum, ns) => sum + ns, 0),
      clock.totalNs,
    )
  })

  test('starting again forgets the request before', () => {
    const clock = clockAt(0, 1, 100)
    clock.start()
    clock.lap(SLOT.queue_wait)
    clock.start()
    assert.deepEqual([...clock.ns], new Array(SEGMENTS.length).fill(0))
    assert.equal(clock.totalNs, 0)
  })

  test('each boundary costs one clock call', () => {
    let calls = 0
    const clock = new StageClock(() => ++calls)
    clock.start()
    clock.lap(0)
    clock.lap(1)
    assert.equal(calls, 3)
  })
})

test('slots follow the order of SEGMENTS', () => {
  assert.deepEqual(
    SEGMENTS.map(({ name }) => SLOT[name]),
    SEGMENTS.map((_segment, index) => index),
  )
})

test('the clock tells instants below a microsecond apart', () => {
  const steps = Array.from({ length: 1_000 }, () => -(nowMs() - nowMs()))
  assert.ok(Math.min(...steps.filter((step) => step > 0)) < 1e-3)
})

test('the measured cost of a clock call is that of the clock', () => {
  const costNs = measureClockCostNs(() => {
    const now = nowMs()
    while (nowMs() - now < 2e-3);
    return now
  })
  assert.ok(costNs >= 2_000, `${costNs} ns`)
  assert.ok(measureClockCostNs() < 2_000)
})
