import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '../clock.ts'
import { DelayLine, HeldTally } from './delay-line.ts'

const DELAY_NS = 100_000

/** A line on virtual time, and an event loop that turns when told to. */
function setUp(delayNs = DELAY_NS) {
  const clock = new VirtualClock()
  const turns: (() => void)[] = []
  const line = new DelayLine({ delayNs, clock, nextTurn: (callback) => turns.push(callback) })
  const released: { name: string; atNs: number; heldNs: number }[] = []
  return {
    clock,
    line,
    turns,
    released,
    hold: (name: string) => {
      line.push((heldNs) => released.push({ name, atNs: clock.nowNs(), heldNs }))
    },
    turnAt: (atNs: number) => {
      clock.advanceTo(atNs)
      for (const turn of turns.splice(0)) turn()
    },
  }
}

describe('a delay line', () => {
  test('releases at the first turn that is not before the due time', () => {
    const { hold, turnAt, released } = setUp()
    hold('a')
    turnAt(99_999)
    assert.deepEqual(released, [])
    turnAt(100_000)
    assert.deepEqual(released, [{ name: 'a', atNs: 100_000, heldNs: 100_000 }])
  })

  test('tells how long it really held what a late turn released', () => {
    const { hold, turnAt, released } = setUp()
    hold('a')
    turnAt(40_000)
    hold('b')
    turnAt(175_000)
    assert.deepEqual(
      released.map(({ name, heldNs }) => [name, heldNs]),
      [
        ['a', 175_000],
        ['b', 135_000],
      ],
    )
  })

  test('asks for one turn at a time while it holds something, and for none while it does not', () => {
    const { hold, turnAt, turns } = setUp()
    assert.equal(turns.length, 0)
    hold('a')
    hold('b')
    assert.equal(turns.length, 1)
    turnAt(99_999)
    assert.equal(turns.length, 1)
    turnAt(100_000)
    assert.equal(turns.length, 0)
    hold('c')
    assert.equal(turns.length, 1)
  })

  test('releases what is due when something new comes, without a turn', () => {
    const { clock, hold, released } = setUp()
    hold('a')
    clock.advanceTo(130_000)
    hold('b')
    assert.deepEqual(released, [{ name: 'a', atNs: 130_000, heldNs: 130_000 }])
  })

  test('without a delay releases within the push and asks for no turn', () => {
    const { hold, released, turns } = setUp(0)
    hold('a')
    assert.deepEqual([released.length, turns.length], [1, 0])
  })

  test('loses nothing, keeps the order and is never early, whenever things come and turns are made', () => {
    const steps = fc.array(fc.record({ afterNs: fc.integer({ min: 0, max: 150_000 }), turn: fc.boolean() }))
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 200_000 }), (script, delayNs) => {
        const { clock, hold, turnAt, released, turns } = setUp(delayNs)
        const heldAtNs: number[] = []
        for (const { afterNs, turn } of script) {
          clock.advanceTo(clock.nowNs() + afterNs)
          if (turn) {
            turnAt(clock.nowNs())
          } else {
            hold(String(heldAtNs.length))
            heldAtNs.push(clock.nowNs())
          }
        }
        turnAt(clock.nowNs() + delayNs)
        assert.deepEqual(
          released.map(({ name }) => Number(name)),
          [...heldAtNs.keys()],
        )
        for (const [at, { atNs, heldNs }] of released.entries()) {
          assert.ok(heldNs >= delayNs)
          assert.equal(heldNs, atNs - heldAtNs[at]!)
        }
        assert.equal(turns.length, 0)
      }),
    )
  })
})

describe('the tally', () => {
  test('of nothing has no times', () => {
    assert.deepEqual(new HeldTally().held(), { count: 0 })
  })

  test('has count, mean and maximum in us, to the ns', () => {
    const tally = new HeldTally()
    for (const heldNs of [100_001, 104_000, 102_000.4]) tally.add(heldNs)
    assert.deepEqual(tally.held(), { count: 3, meanUs: 102, maxUs: 104 })
  })
})
