import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fixtureResult } from './report/fixture.test-data.ts'
import { judge, type Evidence } from './validity.ts'

/** A run that passes every check with nothing to spare lost: each test spoils one thing. */
function evidence(): Evidence & Required<Pick<Evidence, 'latencyMs' | 'ledgerUs' | 'floor' | 'ping'>> {
  const { plan, latencyMs } = fixtureResult()
  return {
    plan: { ...plan, ratePerSec: 1_000, requests: 60_000, connections: 2_000, mockLatencyMs: 1_500 },
    requests: {
      ...{ planned: 60_000, sent: 60_000, ok: 60_000, failed: 0, dropped: 0, successRate: 1 },
      byStatus: { 200: 60_000 },
      byError: {},
    },
    rate: { targetPerSec: 1_000, sentPerSec: 1_000, completedPerSec: 1_000 },
    latencyMs: { ...latencyMs!, fromDue: { ...latencyMs!.fromDue, p50: 1_600 } },
    driver: {
      scheduleLagMs: { p50: 0.1, p99: 0.2, max: 1 },
      eventLoopUtilization: 0.4,
      threads: 1,
      connectionsOpenedInWindow: 0,
    },
    mock: { delayErrorMs: { p50: 0.1, p99: 0.4 }, fasterThanMock: 0 },
    floor: { probes: 3_000, meanUs: 200, p50Us: 180, p99Us: 900, lost: 0 },
    ping: { pings: 3_000, meanUs: 200, p50Us: 180, p99Us: 900, lost: 0 },
    resources: { host: { stealPct: 0, busyPct: 70 } },
    ledgerUs: { requests: 60_000, rows: [], total: 1, unattributed: 1, unattributedPctOfAdded: 1 },
  }
}

type Spoil = (of: ReturnType<typeof evidence>, value: number) => void

const checkNamed = (of: Evidence, name: string) => judge(of).checks.find((check) => check.name === name)

const rows: { name: string; limit: number; below: number; above: number; higherIsWorse: boolean; spoil: Spoil }[] = [
  {
    ...{ name: 'achieved_rate', limit: 0.99, below: 0.9899, above: 1.01, higherIsWorse: false },
    spoil: ({ rate }, value) => (rate.sentPerSec = value * rate.targetPerSec),
  },
  {
    // A hundredth of the mock's 1,500 ms, however slow the target.
    ...{ name: 'schedule_lag', limit: 15, below: 14.9, above: 15.1, higherIsWorse: true },
    spoil: ({ driver }, value) => (driver.scheduleLagMs!.p99 = value),
  },
  {
    ...{ name: 'driver_saturation', limit: 0.9, below: 0.89, above: 0.91, higherIsWorse: true },
    spoil: ({ driver }, value) => (driver.eventLoopUtilization = value),
  },
  {
    // A hundredth of the mock's 1,500 ms.
    ...{ name: 'mock_delay_error', limit: 15, below: 14.9, above: 15.1, higherIsWorse: true },
    spoil: ({ mock }, value) => (mock.delayErrorMs!.p99 = value),
  },
  {
    // A hundredth of 2,000 connections.
    ...{ name: 'connections_opened_in_window', limit: 20, below: 19, above: 21, higherIsWorse: true },
    spoil: ({ driver }, value) => (driver.connectionsOpenedInWindow = value),
  },
  {
    ...{ name: 'dropped_requests', limit: 0, below: 0, above: 1, higherIsWorse: true },
    spoil: ({ requests }, value) => (requests.dropped = value),
  },
  {
    ...{ name: 'host_steal', limit: 5, below: 4.9, above: 5.1, higherIsWorse: true },
    spoil: ({ resources }, value) => (resources.host!.stealPct = value),
  },
  {
    ...{ name: 'ledger_closure', limit: 5, below: 4.9, above: 5.1, higherIsWorse: true },
    spoil: ({ ledgerUs }, value) => (ledgerUs.unattributedPctOfAdded = value),
  },
  {
    ...{ name: 'fresh_answers', limit: 0, below: 0, above: 1, higherIsWorse: true },
    spoil: ({ mock }, value) => (mock.fasterThanMock = value),
  },
  {
    ...{ name: 'probe_losses', limit: 0, below: 0, above: 1, higherIsWorse: true },
    spoil: ({ ping }, value) => (ping.lost = value),
  },
]

describe('verdict', () => {
  test('a sound run is valid, by these checks and no others', () => {
    const { valid, checks } = judge(evidence())
    assert.equal(valid, true)
    assert.deepEqual(
      checks.map(({ name }) => name),
      rows.map(({ name }) => name),
    )
    for (const { means, unit } of checks) {
      assert.match(means, /^[A-Z].*\.$/)
      assert.notEqual(unit, '')
    }
  })

  for (const { name, limit, below, above, higherIsWorse, spoil } of rows) {
    test(`${name}: ${limit} just holds, ${higherIsWorse ? above : below} makes the run invalid`, () => {
      for (const value of [below, limit, above]) {
        const of = evidence()
        spoil(of, value)
        const ok = higherIsWorse ? value <= limit : value >= limit
        const check = checkNamed(of, name)!
        assert.deepEqual([check.ok, check.value, check.limit], [ok, value, limit])
        assert.equal(judge(of).valid, ok)
      }
    })
  }

  test('below 100 ms of mock delay the lag may be 1 ms, what a timer keeps', () => {
    const of = evidence()
    of.plan.mockLatencyMs = 50
    assert.equal(checkNamed(of, 'schedule_lag')!.limit, 1)
  })

  test('of a mock without delay the error may be 5 ms', () => {
    const of = evidence()
    of.plan.mockLatencyMs = 0
    assert.equal(checkNamed(of, 'mock_delay_error')!.limit, 5)
  })

  test('the ledger is held to its limit beyond the doubt of the pings', () => {
    const of = evidence()
    // 20 us of 400 are 5%: as much as the limit, on top of it.
    of.ledgerUs = { ...of.ledgerUs, addedUs: 400, unattributedErrorUs: 20, unattributedPctOfAdded: 10 }
    const check = checkNamed(of, 'ledger_closure')!
    assert.deepEqual([check.ok, check.value, check.limit], [true, 10, 10])
    of.ledgerUs.unattributedPctOfAdded = 10.1
    assert.equal(checkNamed(of, 'ledger_closure')?.ok, false)
  })

  test('a gateway that fails every request makes a bad result, not an invalid run', () => {
    const of: Evidence = evidence()
    delete of.latencyMs
    delete of.ledgerUs
    const requests = { ...of.requests, ok: 0, failed: 60_000, successRate: 0 }
    const rate = { ...of.rate, completedPerSec: 0 }
    assert.equal(judge({ ...of, requests, rate, mock: {} }).valid, true)
  })

  test('a gateway that breaks connections as it fails does not make it invalid either; one that closes them when it succeeds does', () => {
    const of = evidence()
    of.driver.connectionsOpenedInWindow = 60_000
    assert.equal(judge(of).valid, false)
    of.requests = { ...of.requests, ok: 0, failed: 60_000 }
    assert.equal(judge(of).valid, true)
  })

  test('a slow gateway is a valid run, too', () => {
    const of = evidence()
    of.latencyMs.fromDue.p50 = 25_000
    of.latencyMs.fromDue.p99 = 29_000
    assert.equal(judge(of).valid, true)
  })

  test('what cannot be measured everywhere has no check where it was not', () => {
    const of: Evidence = { ...evidence(), mock: {}, resources: {} }
    delete of.ledgerUs
    const { valid, checks } = judge(of)
    assert.equal(valid, true)
    assert.deepEqual(
      checks.map(({ name }) => name).filter((name) => /mock|steal|ledger/.test(name)),
      [],
    )
    // A ledger without a floor has no added time to take a share of.
    const ledgerUs = { requests: 60_000, rows: [], total: 1, unattributed: 1 }
    assert.equal(checkNamed({ ...of, ledgerUs }, 'ledger_closure'), undefined)
  })

  test('what must exist and does not fails its check, without a value', () => {
    const of = evidence()
    of.driver = { threads: 1 }
    const failed = judge(of).checks.filter(({ ok }) => !ok)
    assert.deepEqual(
      failed.map(({ name }) => name),
      ['schedule_lag', 'driver_saturation', 'connections_opened_in_window'],
    )
    for (const check of failed) assert.ok(!('value' in check))
  })

  test('an interrupted run is judged on what it measured', () => {
    assert.equal(judge({ ...evidence(), interrupted: true }).valid, true)
    const of = evidence()
    of.requests.dropped = 1
    assert.equal(judge({ ...of, interrupted: true }).valid, false)
  })
})
