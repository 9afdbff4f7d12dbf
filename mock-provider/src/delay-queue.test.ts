import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from './clock.ts'
import { DelayQueue, type Alarm } from './delay-queue.ts'

/** A queue on virtual time, with what it released and when. */
function virtualQueue() {
  let nowNs = 0
  let wakeAtNs = Infinity
  let wake: () => void = () => assert.fail('no alarm was made')
  const released: { item: number; atNs: number }[] = []
  const alarm = (callback: () => void): Alarm => {
    wake = callback
    return {
      set: (delayMs) => (wakeAtNs = nowNs + delayMs * 1e6),
      clear: () => (wakeAtNs = Infinity),
    }
  }
  const queue = new DelayQueue<number>({
    clock: () => nowNs,
    release: (item) => released.push({ item, atNs: nowNs }),
    alarm,
  })
  return {
    queue,
    released,
    armed: () => wakeAtNs !== Infinity,
    /** Moves time on, ringing the alarm whenever it is due on the way. */
    advanceTo: (ns: number) => {
      while (wakeAtNs <= ns) {
        nowNs = Math.max(nowNs, wakeAtNs)
        wakeAtNs = Infinity
        wake()
      }
      nowNs = ns
    },
  }
}

describe('the delay queue', () => {
  test('releases by due time, ties in order of arrival, whatever comes in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 3_000, size: 'max' }), (dueTimes) => {
        const { queue, released, advanceTo } = virtualQueue()
        dueTimes.forEach((dueNs, item) => {
          queue.add(dueNs, item)
        })
        assert.equal(queue.size, dueTimes.length)
        advanceTo(200)
        queue.releaseDue()

        const sorted = dueTimes.map((dueNs, item) => ({ dueNs, item })).sort((a, b) => a.dueNs - b.dueNs)
        assert.deepEqual(
          released.map(({ item }) => item),
          sorted.map(({ item }) => item),
        )
        assert.equal(queue.size, 0)
      }),
    )
  })

  test('releases each item at its due time on its alarm alone, however arrivals, waits and pokes interleave', () => {
    const step = fc.record({
      waitNs: fc.integer({ min: 0, max: 3_000_000 }),
      delayNs: fc.integer({ min: 0, max: 20_000_000 }),
      poke: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const { queue, released, armed, advanceTo } = virtualQueue()
        const dueNs: number[] = []
        let nowNs = 0
        steps.forEach(({ waitNs, delayNs, poke }, item) => {
          advanceTo((nowNs += waitNs))
          dueNs.push(nowNs + delayNs)
          queue.add(nowNs + delayNs, item)
          if (poke) queue.releaseDue()
        })
        advanceTo(nowNs + 20_000_000)

        assert.equal(released.length, steps.length)
        for (const { item, atNs } of released) {
          // Never early; late by no more than the rounding of an alarm's ms.
          assert.ok(atNs >= dueNs[item]! && atNs - dueNs[item]! <= 1, `item ${item}: due ${dueNs[item]!}, at ${atNs}`)
        }
        assert.equal(armed(), false)
      }),
    )
  })

  test('gives up any item that is taken out, and releases the others in order on the alarm alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ dueNs: fc.integer({ min: 0, max: 50_000_000 }), gone: fc.boolean() }), {
          maxLength: 300,
          size: 'max',
        }),
        (plans) => {
          const { queue, released, armed, advanceTo } = virtualQueue()
          plans.forEach(({ dueNs }, item) => {
            queue.add(dueNs, item)
          })
          plans.forEach(({ gone }, item) => {
            if (gone) assert.equal(queue.remove(item), true)
            if (gone) assert.equal(queue.remove(item), false)
          })
          const left = plans.map(({ dueNs, gone }, item) => ({ dueNs, gone, item })).filter(({ gone }) => !gone)
          assert.equal(queue.size, left.length)
          assert.equal(armed(), left.length > 0)
          advanceTo(50_000_000)
          assert.deepEqual(
            released.map(({ item }) => item),
            left.sort((a, b) => a.dueNs - b.dueNs).map(({ item }) => item),
          )
        },
      ),
    )
  })

  test('takes what a release adds, and releases it in turn when it is due', () => {
    const released: string[] = []
    const queue: DelayQueue<string> = new DelayQueue<string>({
      clock: () => 10,
      release(item) {
        released.push(item)
        if (item === 'first') queue.add(5, 'added, due')
        if (item === 'first') queue.add(50, 'added, not due')
      },
      alarm: () => ({ set: () => undefined, clear: () => undefined }),
    })
    queue.add(1, 'first')
    queue.add(8, 'second')
    queue.releaseDue()
    assert.deepEqual(released, ['first', 'added, due', 'second'])
    assert.equal(queue.size, 1)
  })

  test('keeps its order and its alarm when a release throws', () => {
    let nowNs = 0
    const released: number[] = []
    let alarms = 0
    const queue = new DelayQueue<number>({
      clock: () => nowNs,
      release(item) {
        if (item === 1) throw new Error('first')
        released.push(item)
      },
      alarm: () => ({ set: () => alarms++, clear: () => undefined }),
    })
    queue.add(1, 1)
    queue.add(2, 2)
    nowNs = 1
    assert.throws(() => {
      queue.releaseDue()
    }, /first/)
    nowNs = 2
    queue.releaseDue()
    assert.deepEqual(released, [2])
    assert.ok(alarms >= 1)
  })

  test('on real time, releases thousands without a single one early', async () => {
    const count = 3_000
    let earliestErrorNs = Infinity
    await new Promise<void>((resolve) => {
      let released = 0
      const queue = new DelayQueue<number>({
        clock: systemClock,
        release(dueNs) {
          earliestErrorNs = Math.min(earliestErrorNs, systemClock() - dueNs)
          if (++released === count) resolve()
        },
      })
      for (let i = 0; i < count; i++) {
        const dueNs = systemClock() + ((i * 7_919) % 100) * 1e6
        queue.add(dueNs, dueNs)
      }
    })
    assert.ok(earliestErrorNs >= 0, `${earliestErrorNs} ns`)
  })
})
