import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SEGMENTS } from '@gatebench/gateway/stages'
import { Value } from 'typebox/value'
import { okAttempt, timing } from './attempts.test-data.ts'
import { DEFAULTS, type RunConfig } from './config.ts'
import type { Attempt } from './outcome.ts'
import { planRun } from './plan.ts'
import { Recorder } from './recorder.ts'
import { ResultSchema, type Result } from './recording.ts'
import { fixtureResult } from './report/fixture.test-data.ts'
import { summarize, type Recording } from './summary.ts'

function recorderOf(attempts: readonly Attempt[]): Recorder {
  const recorder = new Recorder()
  for (const attempt of attempts) recorder.add(attempt)
  return recorder
}

const MOCK = { plannedUs: 1_000, actualUs: 1_010 }

/** Request `index` of 10/s: 1,500 us of service, the mock's 1,010 in it, HTTP 1,200, the gateway 1,305 in all, of which 5 are nobody's. */
const attemptAt = (index: number, change: Partial<Attempt> = {}): Attempt => {
  const dueNs = index * 100e6
  return okAttempt({
    ...{ index, dueNs, sentNs: dueNs + 20e3, endNs: dueNs + 1_520e3, mock: MOCK },
    timingNs: timing(
      { request_reading: 30e3, queue_wait: 30, request_setup: 50e3, json_marshaling: 20e3, http_request: 1_200e3 },
      1_305e3,
    ),
    ...change,
  })
}
const tenAttempts = Array.from({ length: 10 }, (_, index) => attemptAt(index))

/** One second at 10/s through the built-in gateway, unless changed. */
function recordingOf(
  attempts: readonly Attempt[],
  {
    settings = {},
    probes,
    pings,
    ...change
  }: { settings?: Partial<RunConfig>; probes?: Attempt[]; pings?: Attempt[] } & Partial<Recording> = {},
): Recording {
  const config: RunConfig = {
    ...DEFAULTS,
    ratePerSec: 10,
    durationMs: 1_000,
    warmupMs: 0,
    mockLatencyMs: 1,
    ...settings,
  }
  return {
    command: ['run', '--rate', '10'],
    startedAt: new Date('2026-11-20T17:03:31.123Z'),
    finishedAt: new Date('2026-11-20T17:03:40.000Z'),
    interrupted: false,
    config,
    plan: planRun(config, 500),
    environment: fixtureResult().environment,
    target: {
      name: 'builtin',
      url: 'http://127.0.0.1:1',
      version: '0.1.0',
      managed: true,
      nodeFlags: ['--max-semi-space-size=64'],
    },
    load: {
      main: recorderOf(attempts),
      probes: { ...(probes && { floor: recorderOf(probes) }), ...(pings && { ping: recorderOf(pings) }) },
      inFlightMax: 3,
      busyRatio: 0.25,
    },
    resources: { trees: {}, seconds: [] },
    seconds: [],
    ...change,
  }
}

function assertSchema(result: Result): void {
  // As it is read back: what JSON cannot hold, an Infinity or NaN, would be null there.
  const onDisk: unknown = JSON.parse(JSON.stringify(result))
  assert.deepEqual([...Value.Errors(ResultSchema, onDisk)], [])
  assert.deepEqual(onDisk, result)
}

const near = (actual: number | undefined, expected: number, relative = 1e-3) => {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= Math.abs(expected) * relative,
    `${actual} for ${expected}`,
  )
}

describe('summarize', () => {
  const probes = [1, 2, 3, 4].map((index) => okAttempt({ index, endNs: 1_110e3, mock: MOCK }))
  const usage = {
    ...{ rssPeakMiB: 60, rssMeanMiB: 50, cpuCores: 0.5, cpuUserCores: 0.4, cpuSystemCores: 0.1, cpuUs: 500_000 },
    processes: 1,
  }
  const full = recordingOf(tenAttempts, {
    probes,
    account: { clockCostNs: 40, batchMeanNs: { queue_wait: 5 } },
    resources: {
      trees: { gateway: usage, mock: usage, driver: usage },
      host: { stealPct: 0.5, busyPct: 60 },
      seconds: [{ second: 0, gatewayRssMiB: 55, hostBusyPct: 60 }],
    },
    seconds: [{ second: 0, sent: 10, ok: 10, failed: 0, dropped: 0, p50Ms: 1.52, p99Ms: 1.52, lagP99Ms: 0.02 }],
  })

  test('a whole run makes a whole result, which is what the published schema says', () => {
    const result = summarize(full)
    assertSchema(result)
    assert.equal(result.id, '20261120T170331Z-builtin-t3.medium')
    assert.equal(result.startedAt, '2026-11-20T17:03:31.123Z')
    assert.deepEqual(result.target, { name: 'builtin', version: '0.1.0', url: 'http://127.0.0.1:1', managed: true })
    assert.deepEqual(result.plan.gateway, { ...full.config.gateway, nodeFlags: ['--max-semi-space-size=64'] })
    assert.equal(result.plan.requestBytes, 130)
    assert.equal(result.plan.requests, 10)
    assert.ok(!('interrupted' in result))
    assert.equal(result.verdict.valid, true, JSON.stringify(result.verdict.checks.filter(({ ok }) => !ok)))
    for (const key of ['latencyMs', 'floor', 'stagesUs', 'overheadUs', 'ledgerUs'] as const) assert.ok(result[key], key)
  })

  test('the gateway has the settings that it works by, workers and what was merged in beside them, without its keys', () => {
    const settings = { concurrency: 7, bufferSize: 8, initialPoolSize: 9 }
    const config = { providers: { openai: { keys: [{ value: 'sk-secret' }] } } }
    const { plan } = summarize(
      recordingOf(tenAttempts, {
        settings: { gateway: { ...DEFAULTS.gateway, workers: 2, config }, body: { top_p: 1 } },
        target: { ...full.target, settings },
      }),
    )
    assert.deepEqual(plan.gateway, { ...settings, workers: 2, nodeFlags: ['--max-semi-space-size=64'] })
    assert.deepEqual(plan.gatewayConfig, { providers: { openai: { keys: [{ value: '[not kept]' }] } } })
    assert.deepEqual(plan.body, { top_p: 1 })
    for (const key of ['gatewayConfig', 'body']) assert.ok(!(key in summarize(full).plan), key)
  })

  test('pure: the same recording gives the same result', () => {
    assert.deepEqual(summarize(full), summarize(full))
  })

  test('counts, rates and latencies', () => {
    const { requests, rate, latencyMs, driver, mock } = summarize(full)
    assert.deepEqual(requests, {
      ...{ planned: 10, sent: 10, ok: 10, failed: 0, dropped: 0, successRate: 1 },
      byStatus: { 200: 10 },
      byError: {},
    })
    near(rate.sentPerSec, 10, 1e-4)
    near(rate.completedPerSec, 10, 1e-9)
    assert.deepEqual([latencyMs?.fromDue.mean, latencyMs?.fromDue.min, latencyMs?.fromDue.max], [1.52, 1.52, 1.52])
    assert.deepEqual([latencyMs?.fromSent.mean, latencyMs?.fromSent.stddev], [1.5, 0])
    assert.deepEqual(driver.scheduleLagMs, { mean: 0.02, p50: 0.02, p99: 0.02, p999: 0.02, max: 0.02 })
    assert.deepEqual([driver.eventLoopUtilization, driver.inFlightMax, driver.connectionsOpened], [0.25, 3, 500])
    assert.deepEqual(mock.delayErrorMs, { mean: 0.01, p50: 0.01, p99: 0.01, max: 0.01 })
  })

  test('the three overheads, of which the client pays what is above the mock and the floor', () => {
    const { overheadUs, floor } = summarize(full)
    assert.equal(floor?.probes, 4)
    // 1,110 us less the mock's 1,010.
    assert.equal(floor.meanUs, 100)
    // 1,500 us of service less the mock's 1,010 and the floor.
    assert.equal(overheadUs?.client?.mean, 390)
    near(overheadUs.client.p99, 390)
    // 30 ns of queue and 50 us of set-up, without JSON and HTTP.
    near(overheadUs.published?.mean, 50.03, 1e-9)
    assert.equal(overheadUs.in_process?.mean, 105)
  })

  test('pings tell the way to the gateway apart, and how well the unattributed rest is known', () => {
    // 180, 190, 200 us outside the gateway: a mean of 190, a standard deviation of 8.165, and so +- 9.24 us at 95%.
    const timingNs = timing({}, 10e3)
    const pings = [190e3, 200e3, 210e3].map((endNs, index) => okAttempt({ index, endNs, timingNs }))
    const result = summarize(recordingOf(tenAttempts, { probes, pings }))
    assertSchema(result)
    assert.deepEqual([result.ping?.pings, result.ping?.meanUs], [3, 190])
    near(result.ping?.p50Us, 190)
    assert.equal(result.ledgerUs?.rows.find(({ name }) => name === 'client_gateway_transport')?.mean, 190)
    // 1,500 less 190, the gateway's 100.03 outside HTTP, and HTTP's 1,200.
    near(result.ledgerUs.unattributed, 9.97, 1e-9)
    near(result.ledgerUs.unattributedErrorUs, 9.24)
  })

  test('probes and pings that were never answered say nothing', () => {
    const lost = [attemptAt(0, { outcome: { kind: 'timeout', afterMs: 1 } })]
    const result = summarize(recordingOf(tenAttempts, { probes: lost, pings: lost }))
    assertSchema(result)
    for (const key of ['floor', 'ping']) assert.ok(!(key in result), key)
    assert.ok(!('addedUs' in result.ledgerUs!) && !('unattributedErrorUs' in result.ledgerUs!))
  })

  test('every segment has its row, and only what is shorter than the clock is marked so', () => {
    const { stagesUs } = summarize(full)
    assert.deepEqual(
      Object.keys(stagesUs!),
      SEGMENTS.map(({ name }) => name),
    )
    assert.deepEqual(stagesUs!.queue_wait?.belowClock, { clockUs: 0.04, batchMeanUs: 0.005 })
    assert.deepEqual(stagesUs!.key_selection?.belowClock, { clockUs: 0.04 })
    assert.ok(!('belowClock' in stagesUs!.request_setup!))
    assert.equal(stagesUs!.http_request?.mean, 1_200)
    assert.equal(stagesUs!.http_request.count, 10)
  })

  test('a wait that few requests had is not below the clock, for its mean is exact', () => {
    const retried = attemptAt(9, { timingNs: timing({ http_request: 1_200e3, retry_backoff: 100e3 }, 1_305e3) })
    const account = { clockCostNs: 40, batchMeanNs: {} }
    const { stagesUs } = summarize(recordingOf([...tenAttempts.slice(0, 9), retried], { account }))
    assert.equal(stagesUs?.retry_backoff?.mean, 10)
    assert.ok(!('belowClock' in stagesUs.retry_backoff))
  })

  test('CPU per request is over the requests that ended, and the timeline has the programs beside the load', () => {
    const { resources, driver, timeline } = summarize(full)
    assert.equal(resources.gateway?.cpuUsPerRequest, 50_000)
    assert.ok(!('cpuUs' in resources.gateway))
    assert.equal(driver.cpuUsPerRequest, 50_000)
    assert.deepEqual(timeline, [{ ...full.seconds[0], gatewayRssMiB: 55, hostBusyPct: 60 }])
  })

  test('a run without a single answer has no latency, no stages, no overhead and no ledger, and no invented zeros', () => {
    const failed = tenAttempts.map(({ index, dueNs, sentNs, endNs }): Attempt => ({
      ...{ index, dueNs, sentNs: sentNs!, endNs: endNs! },
      outcome: { kind: 'http_error', status: 500 },
    }))
    const result = summarize(recordingOf(failed, { probes }))
    assertSchema(result)
    for (const key of ['latencyMs', 'stagesUs', 'overheadUs', 'ledgerUs']) assert.ok(!(key in result), key)
    assert.deepEqual(result.mock, {})
    assert.deepEqual(result.requests.byStatus, { 500: 10 })
    assert.equal(result.requests.successRate, 0)
    assert.equal(result.rate.completedPerSec, 0)
    // The gateway's fault, not the measurement's.
    assert.equal(result.verdict.valid, true)
  })

  test('a run of which every request was dropped is a result, and an invalid run', () => {
    const dropped = tenAttempts.map(({ index, dueNs }): Attempt => ({
      ...{ index, dueNs },
      outcome: { kind: 'dropped', reason: 'in_flight_bound' },
    }))
    const result = summarize(recordingOf(dropped))
    assertSchema(result)
    assert.ok(!('scheduleLagMs' in result.driver))
    assert.equal(result.verdict.valid, false)
  })

  test('a gateway that hides the mock and gives no account: latencies, and nothing that would need them', () => {
    const bare = tenAttempts.map(({ index, dueNs, sentNs, endNs, outcome }): Attempt => ({
      ...{ index, dueNs, outcome, sentNs: sentNs!, endNs: endNs! },
    }))
    const result = summarize(recordingOf(bare, { settings: { target: 'http://gateway' }, probes }))
    assertSchema(result)
    assert.ok(result.latencyMs && result.floor)
    for (const key of ['stagesUs', 'overheadUs', 'ledgerUs']) assert.ok(!(key in result), key)
    assert.ok(!('gateway' in result.plan))
  })

  test("a gateway's own account is kept where the mock's does not come through", () => {
    const result = summarize(recordingOf(tenAttempts.map(({ mock, ...attempt }) => (assert.ok(mock), attempt))))
    assertSchema(result)
    assert.equal(result.stagesUs?.http_request?.mean, 1_200)
    assert.deepEqual(Object.keys(result.overheadUs!), ['published', 'in_process'])
    assert.ok(!('ledgerUs' in result))
  })

  test('without probes there is neither floor nor client overhead, nor an added time', () => {
    const result = summarize(recordingOf(tenAttempts))
    assertSchema(result)
    assert.ok(!('floor' in result))
    assert.ok(!('client' in result.overheadUs!))
    assert.ok(!('addedUs' in result.ledgerUs!))
  })

  test('of an interrupted run what came due is what was planned, and its rate is that of its own time', () => {
    const result = summarize(recordingOf(tenAttempts.slice(0, 5), { interrupted: true }))
    assertSchema(result)
    assert.equal(result.interrupted, true)
    assert.deepEqual([result.requests.planned, result.requests.successRate, result.plan.requests], [5, 1, 10])
    near(result.rate.sentPerSec, 10)
    assert.equal(result.verdict.checks.find(({ name }) => name === 'achieved_rate')?.ok, true)
  })

  test('a run that was interrupted in its warm-up is a result, and not a valid one', () => {
    const result = summarize(recordingOf([], { interrupted: true }))
    assertSchema(result)
    assert.deepEqual([result.requests.planned, result.requests.successRate], [0, 0])
    assert.equal(result.verdict.valid, false)
  })

  test('a request of the plan that was never sent lowers the rate', () => {
    const { rate, requests, verdict } = summarize(recordingOf(tenAttempts.slice(0, 9)))
    near(rate.sentPerSec, 9)
    assert.equal(requests.successRate, 0.9)
    assert.equal(verdict.valid, false)
  })

  test('sending late stretches the time that the rate is taken over', () => {
    const late = tenAttempts.map((attempt) => ({
      ...attempt,
      sentNs: attempt.sentNs! + 1e9,
      endNs: attempt.endNs! + 1e9,
    }))
    near(summarize(recordingOf(late)).rate.sentPerSec, 5)
  })

  // Each plan rounds to whole requests; all of them were sent when due, and that must read as the planned rate.
  for (const [ratePerSec, durationMs] of [
    [0.5, 1_000],
    [0.5, 3_000],
    [2.4, 1_000],
    [333.3, 1_000],
    [10, 30],
    [7.5, 1_000],
    [0.1, 100],
  ] as const) {
    test(`${ratePerSec}/s for ${durationMs} ms, all sent when due, achieves its rate`, () => {
      const settings = { ratePerSec, durationMs }
      const { requests } = planRun({ ...DEFAULTS, ...settings }, 500)
      const attempts = Array.from({ length: requests }, (_, index) =>
        okAttempt({ index, dueNs: Math.round((index * 1e9) / ratePerSec) }),
      )
      const result = summarize(recordingOf(attempts, { settings }))
      assertSchema(result)
      near(result.rate.sentPerSec, ratePerSec, 1e-6)
      near(result.rate.completedPerSec, ratePerSec, 1e-6)
    })
  }

  test('two answers in one instant have a rate that JSON can hold', () => {
    const result = summarize(recordingOf([0, 1].map((index) => okAttempt({ index, endNs: 5e6 }))))
    assertSchema(result)
    assert.ok(result.rate.completedPerSec <= 10)
  })

  test('an answer after five minutes counts in full in mean and maximum', () => {
    const result = summarize(recordingOf([okAttempt({ endNs: 300e9 })]))
    assertSchema(result)
    assert.deepEqual([result.latencyMs?.fromDue.mean, result.latencyMs?.fromDue.max], [300_000, 300_000])
  })
})
