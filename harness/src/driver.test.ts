import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { constantArrivals, type ArrivalSchedule } from './arrivals.ts'
import { SystemClock, VirtualClock, type Clock } from './clock.ts'
import { Driver, type DriverOptions } from './driver.ts'
import type { Attempt } from './outcome.ts'
import { HttpTransport } from './transport/http-transport.ts'
import type { Transport } from './transport/transport.ts'

/** Answers each request after a time of its own choice on the clock; never, when that is infinite. */
class FakeTransport implements Transport {
  readonly inFlightMax: number
  inFlight = 0
  readonly #clock: Clock
  readonly #answerAfterNs: (index: number) => number

  constructor(clock: Clock, answerAfterNs: (index: number) => number, inFlightMax = Infinity) {
    this.#clock = clock
    this.#answerAfterNs = answerAfterNs
    this.inFlightMax = inFlightMax
  }

  send(index: number, dueNs: number, done: (attempt: Attempt) => void): void {
    assert.ok(this.inFlight < this.inFlightMax, 'sent above the bound')
    this.inFlight++
    const sentNs = this.#clock.nowNs()
    const answerAfterNs = this.#answerAfterNs(index)
    if (answerAfterNs === Infinity) return
    this.#clock.wakeAt(sentNs + answerAfterNs, () => {
      this.inFlight--
      done({ index, dueNs, sentNs, endNs: this.#clock.nowNs(), outcome: { kind: 'ok', status: 200 } })
    })
  }
}

/** Opens far from 0, as the machine's clock does. */
const OPEN_NS = 5_000e9

function setUp(
  schedule: ArrivalSchedule,
  {
    answerAfterNs = () => 1e6,
    inFlightMax,
    ...share
  }: { answerAfterNs?: (index: number) => number; inFlightMax?: number } & Pick<DriverOptions, 'first' | 'step'> = {},
) {
  const clock = new VirtualClock(OPEN_NS - 1e9)
  const transport = new FakeTransport(clock, answerAfterNs, inFlightMax)
  const attempts: Attempt[] = []
  const driver = new Driver({
    schedule,
    clock,
    transport,
    openNs: OPEN_NS,
    onAttempt: (attempt) => attempts.push(attempt),
    ...share,
  })
  let finished = false
  const run = driver.run().then(() => {
    finished = true
  })
  return {
    driver,
    clock,
    attempts,
    run,
    advanceTo: (ms: number) => {
      clock.advanceTo(OPEN_NS + ms * 1e6)
    },
    isFinished: async () => {
      // A resolved promise has told by the second microtask.
      await Promise.resolve()
      await Promise.resolve()
      return finished
    },
  }
}

const perMs = (count: number, warmupMs = 0) => constantArrivals({ ratePerSec: 1_000, durationMs: count, warmupMs })
const byIndex = (attempts: readonly Attempt[]) => attempts.toSorted((a, b) => a.index - b.index)
const outcomes = (attempts: readonly Attempt[]) => byIndex(attempts).map(({ outcome }) => outcome.kind)

describe('Driver on a virtual clock', () => {
  test('sends every request at its due time, warm-up before the window, instants from its opening', async () => {
    const { attempts, advanceTo, run } = setUp(perMs(100, 20))
    advanceTo(200)
    await run
    assert.deepEqual(
      byIndex(attempts).map(({ index, dueNs, sentNs, endNs }) => [index, dueNs, sentNs, endNs]),
      Array.from({ length: 120 }, (_, i) => i - 20).map((i) => [i, i * 1e6, i * 1e6, i * 1e6 + 1e6]),
    )
  })

  test('nothing leaves before it is due', () => {
    const { attempts, advanceTo } = setUp(perMs(10), { answerAfterNs: () => 0 })
    advanceTo(-0.001)
    assert.equal(attempts.length, 0)
    advanceTo(4.999)
    assert.equal(attempts.length, 5)
  })

  test('a target that slows down does not slow the schedule', async () => {
    const { attempts, advanceTo, run } = setUp(perMs(100), { answerAfterNs: (index) => (1 + index) * 50e6 })
    advanceTo(100_000)
    await run
    assert.equal(attempts.length, 100)
    for (const { dueNs, sentNs } of attempts) assert.equal(sentNs, dueNs)
  })

  test('a stall of the generator shows as lag and as latency from due, not as requests left out', async () => {
    const { attempts, advanceTo, clock, run } = setUp(perMs(100), { answerAfterNs: () => 0.25e6 })
    advanceTo(9.5)
    clock.stall(50e6)
    advanceTo(59.5)
    advanceTo(200)
    await run
    const all = byIndex(attempts)
    assert.deepEqual(
      all.map(({ index }) => index),
      Array.from({ length: 100 }, (_, i) => i),
    )
    const lagMs = all.map(({ dueNs, sentNs }) => (sentNs! - dueNs) / 1e6)
    assert.deepEqual(lagMs.slice(0, 10), Array(10).fill(0))
    assert.deepEqual(
      lagMs.slice(10, 60),
      Array.from({ length: 50 }, (_, i) => 49.5 - i),
    )
    assert.deepEqual(lagMs.slice(60), Array(40).fill(0))
    assert.deepEqual(
      all.map(({ dueNs, endNs }) => (endNs! - dueNs) / 1e6),
      lagMs.map((lag) => lag + 0.25),
    )
  })

  test('what meets the bound on requests in flight is dropped, counted, and later ones go on', async () => {
    const { attempts, advanceTo, run, driver } = setUp(perMs(8), { answerAfterNs: () => 3.5e6, inFlightMax: 2 })
    advanceTo(20)
    await run
    // Sent at 0 and 1 ms, answered at 3.5 and 4.5; room again at 4 and 5.
    assert.deepEqual(outcomes(attempts), ['ok', 'ok', 'dropped', 'dropped', 'ok', 'ok', 'dropped', 'dropped'])
    const dropped = byIndex(attempts)[2]!
    assert.deepEqual(dropped, { index: 2, dueNs: 2e6, outcome: { kind: 'dropped', reason: 'in_flight_bound' } })
    assert.equal(driver.inFlightMax, 2)
  })

  test('the peak in flight is that of the window; the warm-up has none', async () => {
    const { advanceTo, run, driver } = setUp(constantArrivals({ ratePerSec: 1_000, durationMs: 3, warmupMs: 50 }), {
      answerAfterNs: (index) => (index < -10 ? 10e6 : 0.5e6),
    })
    advanceTo(100)
    await run
    assert.equal(driver.inFlightMax, 1)
  })

  test('the end waits for the last answer', async () => {
    const { advanceTo, isFinished } = setUp(perMs(3), { answerAfterNs: () => 100e6 })
    advanceTo(101.9)
    assert.equal(await isFinished(), false)
    advanceTo(102)
    assert.equal(await isFinished(), true)
  })

  test('a run of one request ends', async () => {
    const { advanceTo, run, attempts } = setUp(constantArrivals({ ratePerSec: 0.1, durationMs: 1_000, warmupMs: 0 }))
    advanceTo(1)
    await run
    assert.equal(attempts.length, 1)
  })

  test('a thread whose share is empty ends at once', async () => {
    const { run, attempts } = setUp(perMs(2), { first: 2, step: 3 })
    await run
    assert.equal(attempts.length, 0)
  })

  test('three interleaved drivers send every position once', async () => {
    const shares = [0, 1, 2].map((thread) => setUp(perMs(100, 10), { first: -10 + thread, step: 3 }))
    for (const { advanceTo, run } of shares) {
      advanceTo(200)
      await run
    }
    assert.deepEqual(
      byIndex(shares.flatMap(({ attempts }) => attempts)).map(({ index }) => index),
      Array.from({ length: 110 }, (_, i) => i - 10),
    )
  })

  test('after stop() no more is sent, and the end waits for what is in flight', async () => {
    const { driver, advanceTo, attempts, isFinished } = setUp(perMs(100), { answerAfterNs: () => 5e6 })
    advanceTo(10)
    driver.stop()
    assert.equal(await isFinished(), false)
    advanceTo(15)
    assert.equal(await isFinished(), true)
    advanceTo(500)
    assert.deepEqual(
      byIndex(attempts).map(({ index }) => index),
      Array.from({ length: 11 }, (_, i) => i),
    )
  })

  test('stop() with nothing in flight ends the run, before the window too', async () => {
    const { driver, isFinished, attempts } = setUp(perMs(100))
    driver.stop()
    assert.equal(await isFinished(), true)
    assert.equal(attempts.length, 0)
  })

  test('what came due before stop() is sent, however late the generator is', async () => {
    const { driver, clock, attempts, advanceTo, run } = setUp(perMs(100))
    clock.stall(1e9 + 30.5e6)
    driver.stop()
    advanceTo(500)
    await run
    assert.deepEqual(
      byIndex(attempts).map(({ index, sentNs }) => [index, sentNs]),
      Array.from({ length: 31 }, (_, i) => [i, 30.5e6]),
    )
  })

  test('stop() from within a report of an attempt: the burst is reported to its end, once, and nothing after', () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    const driver: Driver = new Driver({
      schedule: perMs(100),
      clock,
      transport: new FakeTransport(clock, () => 1e6, 0),
      openNs: 0,
      onAttempt: ({ index }) => {
        seen.push(index)
        if (index === 3) driver.stop()
      },
    })
    void driver.run()
    clock.stall(50e6)
    clock.advanceTo(200e6)
    assert.deepEqual(
      seen,
      Array.from({ length: 51 }, (_, i) => i),
    )
  })

  // Below 2^51 ns, 26 days after a boot, neighbouring doubles are 0.25 ns apart, above it 0.5 ns: sums are rounded, up or down.
  for (const belowNs of [0.25, 0.75])
    test(`due instants are the schedule's own when the clock's doubles are too coarse for them, ${belowNs} ns`, async () => {
      const openNs = 2 ** 51 - belowNs
      const clock = new VirtualClock(openNs)
      const dueNs: number[] = []
      const driver = new Driver({
        schedule: constantArrivals({ ratePerSec: 1, durationMs: 3_000, warmupMs: 0 }),
        clock,
        transport: new FakeTransport(clock, () => 1e6),
        openNs,
        onAttempt: (attempt) => dueNs.push(attempt.dueNs),
      })
      const run = driver.run()
      clock.advanceTo(openNs + 10e9)
      await run
      assert.deepEqual(dueNs, [0, 1e9, 2e9])
    })
})

describe('Driver on the real clock', () => {
  test('200/s for a second against an HTTP server: all answered, none early, none left out', async (t) => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.end('{}'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const clock = new SystemClock()
    const transport = new HttpTransport({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      request: { method: 'POST', path: '/', headers: {}, body: '{}' },
      // One for every request: a stall of this machine delays some and drops none.
      connections: 220,
      timeoutMs: 5_000,
      clock,
    })
    await transport.open()
    const attempts: Attempt[] = []
    const driver = new Driver({
      schedule: constantArrivals({ ratePerSec: 200, durationMs: 1_000, warmupMs: 100 }),
      clock,
      transport,
      openNs: clock.nowNs() + 120e6,
      onAttempt: (attempt) => attempts.push(attempt),
    })
    await driver.run()
    await transport.close()

    const all = byIndex(attempts)
    assert.deepEqual(
      all.map(({ index }) => index),
      Array.from({ length: 220 }, (_, i) => i - 20),
    )
    for (const { index, dueNs, sentNs, firstByteNs, endNs, outcome } of all) {
      assert.deepEqual(outcome, { kind: 'ok', status: 200 })
      assert.equal(dueNs, index * 5e6)
      assert.ok(dueNs <= sentNs! && sentNs! < firstByteNs! && firstByteNs! <= endNs!)
    }
  })
})
