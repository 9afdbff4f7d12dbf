import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { SystemClock, VirtualClock, type Clock } from './clock.ts'

const rung = (clock: Clock, atNs: number): Promise<number> =>
  new Promise((resolve) => {
    clock.wakeAt(atNs, () => {
      resolve(clock.nowNs())
    })
  })

/** Handles that would keep this process alive beyond the runner's own: timers and immediates. */
const timersPending = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length

describe('VirtualClock', () => {
  test('alarms ring by time, each at its own instant, ties in order of setting', () => {
    const clock = new VirtualClock()
    const heard: [string, number][] = []
    for (const [name, atNs] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
    ] as const) {
      clock.wakeAt(atNs, () => heard.push([name, clock.nowNs()]))
    }
    clock.advanceTo(20)
    assert.deepEqual(heard, [
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
    ])
    clock.advanceTo(29)
    assert.equal(heard.length, 3)
    clock.advanceTo(100)
    assert.deepEqual(heard[3], ['c', 30])
    assert.equal(clock.nowNs(), 100)
  })

  test('a cancelled alarm is silent, and cancelling it again takes no other away', () => {
    const clock = new VirtualClock()
    const heard: string[] = []
    const cancel = clock.wakeAt(10, () => heard.push('cancelled'))
    clock.wakeAt(10, () => heard.push('kept'))
    cancel()
    cancel()
    clock.advanceTo(10)
    assert.deepEqual(heard, ['kept'])
  })

  test('an alarm set while ringing rings in the same advance when it is due in it', () => {
    const clock = new VirtualClock()
    const heard: number[] = []
    const again = () => {
      heard.push(clock.nowNs())
      clock.wakeAt(clock.nowNs() + 10, again)
    }
    clock.wakeAt(10, again)
    clock.advanceTo(35)
    assert.deepEqual(heard, [10, 20, 30])
  })

  test('what came due during a stall rings late, at the next advance, however short that is', () => {
    const clock = new VirtualClock()
    const heard: number[] = []
    clock.wakeAt(10, () => heard.push(clock.nowNs()))
    clock.wakeAt(90, () => heard.push(clock.nowNs()))
    clock.stall(100)
    assert.deepEqual(heard, [])
    clock.advanceTo(50)
    assert.deepEqual(heard, [100, 100])
    assert.equal(clock.nowNs(), 100)
  })

  test('an alarm for the past rings at the next advance, not in the past', () => {
    const clock = new VirtualClock(1_000)
    const heard: number[] = []
    clock.wakeAt(5, () => heard.push(clock.nowNs()))
    clock.advanceTo(1_000)
    assert.deepEqual(heard, [1_000])
  })

  test('whatever is set and cancelled, the rest rings sorted by time', () => {
    const alarms = fc.array(fc.record({ atNs: fc.nat(1_000), cancelled: fc.boolean() }), { maxLength: 50 })
    fc.assert(
      fc.property(alarms, (set) => {
        const clock = new VirtualClock()
        const heard: number[] = []
        const cancels = set.map(({ atNs }, i) => clock.wakeAt(atNs, () => heard.push(i)))
        set.forEach(({ cancelled }, i) => {
          if (cancelled) cancels[i]!()
        })
        clock.advanceTo(1_000)
        const expected = [...set.keys()]
          .filter((i) => !set[i]!.cancelled)
          .sort((a, b) => set[a]!.atNs - set[b]!.atNs || a - b)
        assert.deepEqual(heard, expected)
      }),
    )
  })
})

describe('SystemClock', () => {
  test('never rings early, from in the past to timer distance, all on one clock', async () => {
    const clock = new SystemClock()
    const startNs = clock.nowNs()
    const aheadNs = [-1e6, 0, 1e3, 100e3, 249e3, 251e3, 1e6, 2.9e6, 3.1e6, 7e6, 20e6, 20e6, 20.1e6]
    const lateNs = await Promise.all(
      aheadNs.map(async (ahead) => (await rung(clock, startNs + ahead)) - (startNs + ahead)),
    )
    assert.ok(
      lateNs.every((late) => late >= 0),
      `lateness in ns: ${lateNs.join(' ')}`,
    )
  })

  test('rings in order of time, not of setting', async () => {
    const clock = new SystemClock()
    const startNs = clock.nowNs()
    const heard: number[] = []
    await Promise.all(
      [6, 1, 4, 2, 5, 3].map(async (ms) => {
        await rung(clock, startNs + ms * 1e6)
        heard.push(ms)
      }),
    )
    assert.deepEqual(heard, [1, 2, 3, 4, 5, 6])
  })

  test('counts the time it slept, and no more than passed', async () => {
    const clock = new SystemClock()
    assert.equal(clock.sleptNs(), 0)
    const startNs = clock.nowNs()
    // On a busy machine the alarm may be overdue before the loop comes to it: then there is nothing to sleep through.
    for (let tries = 0; tries < 200 && clock.sleptNs() === 0; tries++) await rung(clock, clock.nowNs() + 2.5e6)
    assert.ok(clock.sleptNs() > 0, `${clock.sleptNs()} ns`)
    assert.ok(clock.sleptNs() <= clock.nowNs() - startNs)
  })

  test('a cancelled alarm neither rings nor leaves a timer', async () => {
    const before = timersPending()
    const clock = new SystemClock()
    let heard = 0
    const cancels = [0, 0.1e6, 1e6, 50e6, 3_600e9].map((ahead) => clock.wakeAt(clock.nowNs() + ahead, () => heard++))
    assert.ok(timersPending() > before)
    for (const cancel of cancels) cancel()
    assert.equal(timersPending(), before)
    await rung(clock, clock.nowNs() + 2e6)
    assert.equal(heard, 0)
    assert.equal(timersPending(), before)
  })

  test('cancelling the nearest alarm leaves those behind it to ring', async () => {
    const clock = new SystemClock()
    const startNs = clock.nowNs()
    const cancel = clock.wakeAt(startNs + 1e6, () => assert.fail('was cancelled'))
    const behind = rung(clock, startNs + 5e6)
    cancel()
    assert.ok((await behind) >= startNs + 5e6)
  })

  test('an alarm can be taken back by another that rings in the same turn', async () => {
    const clock = new SystemClock()
    const startNs = clock.nowNs()
    const cancels: (() => void)[] = []
    clock.wakeAt(startNs, () => {
      for (const cancel of cancels) cancel()
    })
    cancels.push(clock.wakeAt(startNs + 1, () => assert.fail('was cancelled')))
    await rung(clock, startNs + 2e6)
  })

  test('alarms set for "now" by one another leave the event loop its turns', async () => {
    const clock = new SystemClock()
    let rings = 0
    let cancel = (): void => undefined
    const again = (): void => {
      // Without a turn in between, this ends here and not by the cancel below.
      if (++rings < 10_000) cancel = clock.wakeAt(0, again)
    }
    cancel = clock.wakeAt(0, again)
    await nextTurn()
    await nextTurn()
    cancel()
    assert.ok(rings > 0 && rings < 100, `${rings} rings in two turns`)
  })

  test('an alarm farther away than a timer of node reaches does not ring', async () => {
    const clock = new SystemClock()
    const warnings: string[] = []
    const onWarning = (warning: Error) => warnings.push(warning.name)
    process.on('warning', onWarning)
    const cancel = clock.wakeAt(clock.nowNs() + 60 * 86_400e9, () => assert.fail('two months early'))
    await rung(clock, clock.nowNs() + 5e6)
    cancel()
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })

  test('two clocks of one machine agree', () => {
    const [a, b] = [new SystemClock(), new SystemClock()]
    assert.ok(Math.abs(a.nowNs() - b.nowNs()) < 50e6)
  })
})
