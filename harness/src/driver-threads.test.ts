import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SystemClock } from './clock.ts'
import { DEFAULTS, type RunConfig } from './config.ts'
import type { LiveCounts } from './driver-thread.ts'
import { DriverThreads } from './driver-threads.ts'
import { TargetError } from './errors.ts'
import { planRun, type Plan } from './plan.ts'
import type { ProbeLines } from './probes.ts'

/** What a target does with a request once it has read it. */
async function serve(t: TestContext, answer: RequestListener) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      answer(request, response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves when every connection is gone; when one stays, the test's own limit ends the wait. */
    deserted: async () => {
      for (;;) {
        const connections = await new Promise<number>((resolve, reject) => {
          server.getConnections((error, count) => {
            if (error) reject(error)
            else resolve(count)
          })
        })
        if (connections === 0) return
        await sleep(5)
      }
    },
  }
}

const NEVER = new AbortController().signal
const after =
  (ms: number): RequestListener =>
  (_, response) => {
    setTimeout(() => response.end('{"choices":[]}'), ms)
  }
const never: RequestListener = () => undefined

/** A connection for every request of a plan below: a stall of this machine delays some and drops none. */
const PLENTY = 200

const planOf = (change: Partial<RunConfig> = {}, connections = PLENTY): Plan =>
  planRun({ ...DEFAULTS, ratePerSec: 200, durationMs: 400, warmupMs: 100, mockLatencyMs: 10, ...change }, connections)

/** Runs to the end, or until it is aborted because its progress tells of `abortAtSent` requests, the warm-up's too. */
async function drive(
  plan: Plan,
  url: string,
  { probes = {}, abortAtSent = Infinity }: { probes?: ProbeLines; abortAtSent?: number } = {},
) {
  const threads = await DriverThreads.open(plan, url, probes, NEVER)
  const controller = new AbortController()
  const clock = new SystemClock()
  const rows: number[] = []
  const progress: LiveCounts[] = []
  let abortedAtNs = Infinity
  const load = await threads.run(
    controller.signal,
    {
      onProgress: (live) => {
        progress.push(live)
        // Counts, not a time: a stalled thread sends late, and what it has sent is what there is to measure.
        if (live.sent < abortAtSent || controller.signal.aborted) return
        abortedAtNs = clock.nowNs()
        controller.abort()
      },
      onRows: ({ timeline }) => rows.push(...timeline),
    },
    () => undefined,
  )
  return { load, rows: rows.length / 3, progress, msSinceAbort: (clock.nowNs() - abortedAtNs) / 1e6 }
}

describe('DriverThreads', { concurrency: 3, timeout: 20_000 }, () => {
  // The slowest first: the others run beside it.
  test('an abort does not wait for a target that does not answer', async (t) => {
    const { url, deserted } = await serve(t, never)
    const plan = planOf({ threads: 2, durationMs: 60_000, timeoutMs: 0 }, 1_000)
    const { load, msSinceAbort } = await drive(plan, url, { abortAtSent: 40 })
    const { sent, failed, byError } = load.main.counts
    assert.ok(sent >= 20, `${sent} sent`)
    assert.equal(failed, sent)
    assert.deepEqual(byError, { INTERRUPTED: sent })
    assert.ok(msSinceAbort < 6_000, `${msSinceAbort} ms after the abort`)
    await deserted()
  })

  for (const threads of [1, 3]) {
    test(`${threads} of them send the plan once, tell of it as they go, and leave nothing behind`, async (t) => {
      const { url, deserted } = await serve(t, after(10))
      const plan = planOf({ threads })
      const { load, rows, progress } = await drive(plan, url)
      assert.deepEqual(load.main.counts, {
        ...{ sent: 80, ok: 80, failed: 0, dropped: 0, openedConnections: 0, fasterThanMock: 0 },
        byStatus: { 200: 80 },
        byError: {},
      })
      assert.equal(load.main.distributions.latencyUs.count, 80)
      assert.ok(load.main.distributions.serviceUs.min >= 9_000, `${load.main.distributions.serviceUs.min} us`)
      assert.equal(rows, 80)
      // The progress counts the warm-up, too: 20 requests.
      assert.deepEqual(progress.at(-1), { sent: 100, ok: 100, failed: 0, dropped: 0, inFlight: 0 })
      assert.ok(load.inFlightMax >= 1 && load.inFlightMax <= 80)
      assert.ok(load.busyRatio >= 0 && load.busyRatio <= 1, `busy ${load.busyRatio}`)
      assert.deepEqual(load.probes, {})
      await deserted()
    })
  }

  test('probes go their own way, beside the load, from one thread', async (t) => {
    const target = await serve(t, after(1))
    const mock = await serve(t, after(1))
    const plan = planOf({ threads: 2, probeRatePerSec: 50 })
    const probes = { floor: { url: mock.url, request: plan.request, connections: 10 } }
    const { load, rows } = await drive(plan, target.url, { probes })
    assert.equal(load.main.counts.ok, 80)
    assert.equal(load.probes.floor?.counts.ok, 20)
    assert.equal(load.probes.ping, undefined)
    assert.equal(rows, 80)
    await Promise.all([target.deserted(), mock.deserted()])
  })

  test('a target that fails is measured as one that fails', async (t) => {
    const { url } = await serve(t, (_, response) => response.writeHead(500).end())
    const { load } = await drive(planOf({ threads: 2 }), url)
    assert.deepEqual(load.main.counts.byStatus, { 500: 80 })
    assert.equal(load.main.counts.failed, 80)
  })

  test('what exceeds the connections is dropped and counted: sent and dropped are the plan', async (t) => {
    const { url } = await serve(t, after(200))
    const { load, rows } = await drive(planOf({ threads: 3 }, 6), url)
    const { sent, ok, dropped } = load.main.counts
    assert.equal(sent + dropped, 80)
    assert.equal(ok, sent)
    assert.ok(dropped > 40, `${dropped} dropped`)
    assert.equal(load.inFlightMax, 6)
    assert.equal(rows, 80)
  })

  test('an abort half-way ends the load soon, with what was measured until then', async (t) => {
    const { url, deserted } = await serve(t, after(20))
    const { load, msSinceAbort, rows } = await drive(planOf({ threads: 3, durationMs: 60_000 }), url, {
      abortAtSent: 80,
    })
    const { sent, ok } = load.main.counts
    // The warm-up's 20 are not measured; of the plan's 12,000 some more go out until the threads hear of it.
    assert.ok(sent >= 60 && sent < 1_000, `${sent} sent`)
    assert.equal(ok, sent)
    assert.equal(rows, sent)
    assert.ok(msSinceAbort < 2_000, `${msSinceAbort} ms after the abort`)
    await deserted()
  })

  test('with a signal that is aborted already nothing of the window is sent', async (t) => {
    const { url, deserted } = await serve(t, after(1))
    const threads = await DriverThreads.open(planOf({ threads: 2, warmupMs: 1_000 }), url, {}, NEVER)
    const observer = { onProgress: () => undefined, onRows: () => undefined }
    const load = await threads.run(AbortSignal.abort(), observer, () => undefined)
    assert.equal(load.main.counts.sent, 0)
    await deserted()
  })

  test('connections that cannot be opened are a TargetError that names the target and the reason', async (t) => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
    closed.close()
    await once(closed, 'close')
    const alive = await serve(t, after(1))
    const plan = planOf({ threads: 3 })
    // The probe's connections stand, and are to go.
    const probes = { floor: { url: alive.url, request: plan.request, connections: 10 } }
    await assert.rejects(DriverThreads.open(plan, url, probes, NEVER), (error) => {
      assert.ok(error instanceof TargetError)
      assert.equal(error.message, `${url}: could not open ${PLENTY} connections: ECONNREFUSED`)
      return true
    })
    await alive.deserted()
  })

  test('a thread that breaks at its start fails the opening', async () => {
    await assert.rejects(DriverThreads.open(planOf({ threads: 2 }), 'not a url', {}, NEVER), /Invalid URL/)
  })

  test('opening that is interrupted ends with the reason, and its threads with it', async () => {
    const reason = new Error('enough')
    await assert.rejects(
      DriverThreads.open(planOf({ threads: 2 }), 'http://127.0.0.1:1', {}, AbortSignal.abort(reason)),
      reason,
    )
  })

  test('threads that were opened and are not needed leave no connection', async (t) => {
    const { url, deserted } = await serve(t, after(1))
    const threads = await DriverThreads.open(planOf({ threads: 2 }), url, {}, NEVER)
    await threads.terminate()
    await deserted()
  })
})
