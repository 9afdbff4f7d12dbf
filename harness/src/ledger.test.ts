import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SEGMENTS } from '@gatebench/gateway/stages'
import fc from 'fast-check'
import { timing } from './attempts.test-data.ts'
import { drawUpLedger, type Ledger } from './ledger.ts'
import type { AccountSums } from './recorder.ts'
import { TOTAL_SLOT } from './transport/server-timing.ts'

const NOTHING: AccountSums = { requests: 0, serviceNs: 0, scheduleLagNs: 0, mockDelayNs: 0, timingNs: timing({}, 0) }

/** Two requests, in sums of ns. Mean: 1,600 us service, of which the gateway 1,400, in it HTTP 1,100, in it the mock 1,000. */
const TWO: AccountSums = {
  requests: 2,
  serviceNs: 3_200_000,
  scheduleLagNs: 40_000,
  mockDelayNs: 2_000_000,
  timingNs: timing(
    {
      queue_wait: 2_000,
      key_selection: 4_000,
      message_formatting: 6_000,
      params_preparation: 8_000,
      request_body_preparation: 10_000,
      json_marshaling: 12_000,
      request_setup: 14_000,
      http_request: 2_200_000,
      response_parsing: 18_000,
      error_handling: 0,
      request_reading: 200_000,
      response_sending: 260_000,
      retry_backoff: 40_000,
    },
    2_800_000,
  ),
}

const meansOf = (ledger: Ledger | undefined) => ledger?.rows.map(({ name, mean }) => [name, mean])
const sumOf = ({ rows, unattributed }: Ledger) => rows.reduce((sum, { mean }) => sum + mean, unattributed)

describe('ledger of a gateway that gives its own account', () => {
  test('has a row for every owner, in the order in which the time passes', () => {
    assert.deepEqual(meansOf(drawUpLedger(TWO, NOTHING, 'builtin')), [
      ['client_gateway_transport', 200],
      ['request_reading', 100],
      ['queue_wait', 1],
      ['key_selection', 2],
      ['message_formatting', 3],
      ['params_preparation', 4],
      ['request_body_preparation', 5],
      ['json_marshaling', 6],
      ['request_setup', 7],
      ['gateway_mock_transport', 100],
      ['mock_delay', 1_000],
      ['response_parsing', 9],
      ['error_handling', 0],
      ['retry_backoff', 20],
      ['response_sending', 130],
    ])
  })

  test('the total is the mean service time, lag stands apart, the rest of the gateway is unattributed', () => {
    const { rows, ...rest } = drawUpLedger(TWO, NOTHING, 'builtin')!
    assert.ok(rows.every(({ covers }) => covers !== undefined && covers !== ''))
    // The gateway's 1,400 less its segments' 1,387.
    assert.deepEqual(rest, { requests: 2, total: 1_600, unattributed: 13, generatorLagUs: 20 })
  })

  test('with a floor, the added time; without pings, no share of it that nobody owns', () => {
    const ledger = drawUpLedger(TWO, NOTHING, 'builtin', { floorUs: 80 })!
    // 1,600 less the mock's 1,000 and the floor of 80.
    assert.equal(ledger.addedUs, 520)
    // Without pings the rows add up by construction, and no percentage may look like a test that was passed.
    assert.ok(!('unattributedPctOfAdded' in ledger))
  })

  test('with pings the way to the gateway is measured apart, and what it misses is unattributed', () => {
    const ledger = drawUpLedger(TWO, NOTHING, 'builtin', { floorUs: 80, pingUs: 187, pingErrorUs: 4 })!
    assert.equal(ledger.rows[0]?.mean, 187)
    // The 13 of the gateway's own gaps, and the 13 that the pings are short of the 200 left over.
    assert.equal(ledger.unattributed, 26)
    assert.equal(ledger.unattributedErrorUs, 4)
    assert.equal(ledger.unattributedPctOfAdded, 5)
    assert.equal(sumOf(ledger), 1_600)
  })

  test('a rest is a share of the added time by its size, whatever its sign', () => {
    const ledger = drawUpLedger(TWO, NOTHING, 'builtin', { floorUs: 80, pingUs: 239, pingErrorUs: 4 })!
    assert.equal(ledger.unattributed, -26)
    assert.equal(ledger.unattributedPctOfAdded, 5)
  })

  test('stages that overlap leave a negative rest', () => {
    const timingNs = Float64Array.from(TWO.timingNs)
    timingNs[TOTAL_SLOT] = 2_748_000
    const ledger = drawUpLedger({ ...TWO, timingNs }, NOTHING, 'builtin', { floorUs: 80 })!
    assert.equal(ledger.unattributed, -13)
  })

  test('a gateway that is faster than the floor has no percentage', () => {
    const ledger = drawUpLedger(TWO, NOTHING, 'builtin', { floorUs: 600 })!
    assert.equal(ledger.addedUs, 0)
    assert.ok(!('unattributedPctOfAdded' in ledger))
  })

  test('rows and the unattributed rest sum to the total, whatever the account says', () => {
    const anySums = fc
      .record({
        requests: fc.integer({ min: 1, max: 3_000_000 }),
        serviceUs: fc.integer({ min: 1, max: 60e6 }),
        scheduleLagNs: fc.nat(),
        mockDelayUs: fc.integer({ min: 0, max: 60e6 }),
        timingUs: fc.array(fc.nat(60e6), { minLength: SEGMENTS.length + 1, maxLength: SEGMENTS.length + 1 }),
      })
      .map(({ requests, serviceUs, scheduleLagNs, mockDelayUs, timingUs }): AccountSums => ({
        requests,
        serviceNs: serviceUs * 1e3 * requests,
        scheduleLagNs,
        mockDelayNs: mockDelayUs * 1e3 * requests,
        timingNs: Float64Array.from(timingUs, (us) => us * 1e3 * requests),
      }))
    fc.assert(
      fc.property(anySums, fc.constantFrom('builtin', 'direct', 'other'), (sums, target) => {
        for (const ledger of [drawUpLedger(sums, NOTHING, target), drawUpLedger(NOTHING, sums, target)]) {
          // Means up to 60 s in us: a millionth of a us is the doubles' own rounding.
          assert.ok(Math.abs(sumOf(ledger!) - sums.serviceNs / sums.requests / 1e3) < 1e-6)
          assert.equal(ledger!.total, sums.serviceNs / sums.requests / 1e3)
        }
      }),
    )
  })
})

describe('ledger without the account of a gateway', () => {
  test('direct: the ways to the mock and its delay', () => {
    const ledger = drawUpLedger(NOTHING, { ...TWO, timingNs: timing({}, 0) }, 'direct')!
    assert.deepEqual(meansOf(ledger), [
      ['client_mock_transport', 600],
      ['mock_delay', 1_000],
    ])
    assert.equal(ledger.unattributed, 0)
    assert.equal(ledger.generatorLagUs, 20)
    assert.ok(!('addedUs' in ledger))
  })

  test('an unknown gateway: gateway and ways in one row', () => {
    const ledger = drawUpLedger(NOTHING, { ...TWO, timingNs: timing({}, 0) }, 'litellm', { floorUs: 80 })!
    assert.deepEqual(meansOf(ledger), [
      ['gateway_and_transport', 600],
      ['mock_delay', 1_000],
    ])
    assert.equal(ledger.addedUs, 520)
  })

  test('requests with the full account go before those with the mock alone, and are not mixed', () => {
    const ledger = drawUpLedger(TWO, { ...TWO, requests: 9 }, 'builtin')!
    assert.equal(ledger.requests, 2)
    assert.equal(ledger.rows.length, SEGMENTS.length + 2)
  })

  test('no account at all is no ledger', () => {
    assert.equal(drawUpLedger(NOTHING, NOTHING, 'builtin', { floorUs: 80 }), undefined)
  })
})
