import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomExponential } from 'd3-random'
import fc from 'fast-check'
import { seededRandom } from './random.ts'
import { ServerQueue } from './server-queue.ts'

interface Request {
  atUs: number
  serviceUs: number
}

function delaysUs(servers: number, requests: readonly Request[]): number[] {
  const queue = new ServerQueue(servers)
  return requests.map(({ atUs, serviceUs }) => queue.delayUs(atUs * 1_000, serviceUs))
}

/**
 * The same by definition, with no servers but a number of them: a request starts as soon as it is there, all before it
 * have started, and fewer than `servers` are being worked on. That can only change when one of them ends.
 */
function naiveDelaysUs(servers: number, requests: readonly Request[]): number[] {
  const worked: { startUs: number; endUs: number }[] = []
  for (const { atUs, serviceUs } of requests) {
    const earliestUs = Math.max(atUs, worked.at(-1)?.startUs ?? 0)
    const startUs = [earliestUs, ...worked.map(({ endUs }) => endUs)]
      .filter((us) => us >= earliestUs)
      .sort((a, b) => a - b)
      .find((us) => worked.filter(({ startUs, endUs }) => startUs <= us && us < endUs).length < servers)!
    worked.push({ startUs, endUs: startUs + serviceUs })
  }
  return worked.map(({ endUs }, at) => endUs - requests[at]!.atUs)
}

/** Mean wait, us, of requests that come at random, with service times as `nextServiceUs` says. */
function meanWaitUs(servers: number, count: number, nextGapUs: () => number, nextServiceUs: () => number): number {
  const queue = new ServerQueue(servers)
  let nowNs = 0
  let sumUs = 0
  for (let i = 0; i < count; i++) {
    nowNs += nextGapUs() * 1_000
    const serviceUs = nextServiceUs()
    sumUs += queue.delayUs(nowNs, serviceUs) - serviceUs
  }
  return sumUs / count
}

/**
 * Erlang's C formula: the share of requests that wait where `servers` are offered `load` erlangs, both random (M/M/c).
 * Source: L. Kleinrock, Queueing Systems, volume 1 (1975), section 3.5.
 */
function erlangC(servers: number, load: number): number {
  let term = 1
  let below = 0
  for (let busy = 0; busy < servers; busy++) {
    below += term
    term *= load / (busy + 1)
  }
  const waiting = term / (1 - load / servers)
  return waiting / (below + waiting)
}

describe('a queue for servers', () => {
  test('two servers: the third request waits for whichever is free first', () => {
    const requests = [
      { atUs: 0, serviceUs: 500 },
      { atUs: 100, serviceUs: 200 },
      { atUs: 150, serviceUs: 300 },
      { atUs: 160, serviceUs: 10 },
      { atUs: 1_000, serviceUs: 70 },
    ]
    // The third starts at 300 and ends at 600; the fourth starts when the first ends, at 500.
    assert.deepEqual(delaysUs(2, requests), [500, 200, 450, 350, 70])
  })

  test('gives every request the delay of a naive simulation', () => {
    const request = fc.record({ gapUs: fc.nat({ max: 100 }), serviceUs: fc.nat({ max: 400 }) })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(request, { maxLength: 80, size: 'max' }),
        (servers, steps) => {
          let atUs = 0
          const requests = steps.map(({ gapUs, serviceUs }) => ({ atUs: (atUs += gapUs), serviceUs }))
          assert.deepEqual(delaysUs(servers, requests), naiveDelaysUs(servers, requests))
        },
      ),
    )
  })

  test('adds nothing while no more requests are there than servers', () => {
    const services = fc.array(fc.nat({ max: 5_000_000 }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), services, (servers, services) => {
        let atUs = 0
        const requests: Request[] = []
        // So many at once, and the next ones when the slowest of these is done.
        for (let first = 0; first < services.length; first += servers) {
          const together = services.slice(first, first + servers)
          requests.push(...together.map((serviceUs) => ({ atUs, serviceUs })))
          atUs += Math.max(...together)
        }
        assert.deepEqual(delaysUs(servers, requests), services)
      }),
    )
  })

  test('past saturation, each round of requests waits longer by what the servers are short of', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        (servers, gapUs, shortUs) => {
          const serviceUs = servers * gapUs + shortUs
          const requests = Array.from({ length: 200 }, (_, at) => ({ atUs: at * gapUs, serviceUs }))
          const expected = requests.map((_, at) => serviceUs + Math.floor(at / servers) * shortUs)
          assert.deepEqual(delaysUs(servers, requests), expected)
        },
      ),
    )
  })

  test('200 requests a second to servers that do 100: after 10 s the wait is 10 s, after 100 s it is 100 s', () => {
    const requests = Array.from({ length: 20_001 }, (_, at) => ({ atUs: at * 5_000, serviceUs: 40_000 }))
    const delays = delaysUs(4, requests)
    assert.equal(delays[2_000], 10_000_000 + 40_000)
    assert.equal(delays[20_000], 100_000_000 + 40_000)
  })

  test('a time that is no whole us: the wait is rounded, and when the server is free is not', () => {
    const queue = new ServerQueue(1)
    assert.equal(queue.delayUs(0, 1_000), 1_000)
    // 999.6 us, and free at 2 ms exactly
    assert.equal(queue.delayUs(400, 1_000), 1_000 + 1_000)
    // 0.4 us, and free at 2.005 ms exactly
    assert.equal(queue.delayUs(1_999_600, 5), 0 + 5)
    assert.equal(queue.delayUs(2_004_400, 5), 1 + 5)
  })

  test('starts with all servers free, whatever the clock says', () => {
    assert.equal(new ServerQueue(1).delayUs(-5_000, 7), 7)
  })

  for (const servers of [0, -1, 1.5, NaN, Infinity]) {
    test(`${servers} servers are refused`, () => {
      assert.throws(() => new ServerQueue(servers), {
        name: 'RangeError',
        message: `servers: must be a whole number of at least 1, got ${servers}`,
      })
    })
  }
})

describe('waits at random arrivals are those of the textbook', () => {
  const SERVICE_US = 100_000
  const COUNT = 400_000

  for (const { servers, load } of [
    { servers: 1, load: 0.5 },
    { servers: 4, load: 3 },
    { servers: 20, load: 17 },
  ]) {
    test(`M/M/${servers} with ${load} erlangs: Erlang's C formula`, () => {
      const random = seededRandom(1)
      const nextGapUs = randomExponential.source(random)(load / SERVICE_US)
      const nextServiceUs = randomExponential.source(random)(1 / SERVICE_US)
      const wait = meanWaitUs(servers, COUNT, nextGapUs, nextServiceUs)
      const expected = (erlangC(servers, load) * SERVICE_US) / (servers - load)
      assert.ok(Math.abs(wait / expected - 1) < 0.03, `${wait} us, expected ${expected} us`)
    })
  }

  test('M/D/1 with 0.7 erlangs: the Pollaczek-Khinchine formula', () => {
    const load = 0.7
    const nextGapUs = randomExponential.source(seededRandom(1))(load / SERVICE_US)
    const wait = meanWaitUs(1, COUNT, nextGapUs, () => SERVICE_US)
    // Source: Kleinrock, section 5.6, for service times that do not vary.
    const expected = (load * SERVICE_US) / (2 * (1 - load))
    assert.ok(Math.abs(wait / expected - 1) < 0.03, `${wait} us, expected ${expected} us`)
  })

  test('Erlang C of one server is its load, and of the table 0.5094 for 4 servers and 3 erlangs', () => {
    assert.equal(erlangC(1, 0.5), 0.5)
    assert.equal(erlangC(4, 3).toFixed(4), '0.5094')
  })
})
