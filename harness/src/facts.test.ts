import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SEGMENTS } from '@gatebench/gateway/stages'
import { grade, ledgerLines, machines, ownerOf, titleOf } from './facts.ts'
import { fixtureResult, without } from './report/fixture.test-data.ts'

describe('grade', () => {
  const requests = fixtureResult().requests

  test('a gateway that answers everything is good', () => {
    assert.deepEqual(grade(fixtureResult()), { good: true, lost: 0 })
  })

  test('one failed request makes it bad', () => {
    const result = fixtureResult({ requests: { ...requests, ok: 299_999, failed: 1 } })
    assert.deepEqual(grade(result), { good: false, lost: 1 })
  })

  test('dropped requests are lost too', () => {
    const result = fixtureResult({ requests: { ...requests, sent: 299_990, ok: 299_990, dropped: 10 } })
    assert.deepEqual(grade(result), { good: false, lost: 10 })
  })

  test('what an interrupted run never sent is not lost', () => {
    const cut = { ...requests, sent: 1000, ok: 1000, dropped: 299_000 }
    assert.deepEqual(grade(fixtureResult({ requests: cut, interrupted: true })), { good: true, lost: 0 })
  })

  test('a gateway that answered nothing is not good', () => {
    const none = { ...requests, planned: 0, sent: 0, ok: 0, successRate: 0 }
    assert.equal(grade(fixtureResult({ requests: none })).good, false)
  })
})

describe('ledgerLines', () => {
  const ledger = fixtureResult().ledgerUs!
  const lines = ledgerLines(ledger)

  test('the unattributed rest is the last line', () => {
    assert.equal(lines.at(-1)!.title, 'unattributed')
    assert.equal(lines.at(-1)!.meanUs, 12.09)
  })

  test('shares are of the mean service time and sum to 100%', () => {
    const sum = lines.reduce((total, { sharePct }) => total + sharePct, 0)
    assert.ok(Math.abs(sum - 100) < 1e-6, `${sum}%`)
    const mock = lines.find(({ title }) => title === 'Mock delay')!
    assert.ok(Math.abs(mock.sharePct - (1_501_500 / 1_502_235.27) * 100) < 1e-9)
  })

  test('a segment of the gateway says what it covers, in the words of stages.ts', () => {
    const reading = lines.find(({ title }) => title === 'Request Reading')!
    assert.match(reading.covers!, /request headers seen to body read/)
  })

  test('waiting before further tries is a row where there was some, and the shares still sum to 100%', () => {
    const withWait = (mean: number) =>
      ledgerLines({ ...ledger, rows: [...ledger.rows, { name: 'retry_backoff', mean }], unattributed: 12.09 - mean })
    assert.deepEqual(withWait(0), lines)
    const wait = withWait(5).find(({ name }) => name === 'retry_backoff')
    assert.deepEqual([wait?.title, wait?.owner, wait?.meanUs], ['Retry Backoff', 'gateway', 5])
  })

  test('an empty ledger divides nothing by zero', () => {
    const [rest] = ledgerLines({ requests: 0, rows: [], total: 0, unattributed: 0 })
    assert.equal(rest!.sharePct, 0)
  })
})

test('every segment belongs to the gateway, the other rows to whom their names say', () => {
  for (const { name, title } of SEGMENTS) {
    assert.equal(ownerOf(name), 'gateway')
    assert.equal(titleOf(name), title)
  }
  assert.equal(ownerOf('mock_delay'), 'mock')
  assert.equal(ownerOf('gateway_mock_transport'), 'transport')
  assert.equal(ownerOf('gateway_and_transport'), 'gateway and transport')
  assert.equal(ownerOf('generator_lag'), 'generator')
  assert.equal(ownerOf('tea_break'), 'other')
  assert.equal(titleOf('tea_break'), 'Tea break')
  assert.equal(titleOf('client_gateway_transport'), 'Client-gateway transport')
})

describe('machines', () => {
  const { environment } = fixtureResult()

  test('off EC2 the machine of the profile is imitated', () => {
    const { real, published, imitated } = machines(fixtureResult())
    assert.equal(real, '2 vCPU, 24.0 GiB, Invented CPU @ 7.77GHz (not EC2)')
    assert.equal(published, 't3.medium (2 vCPU, 4 GiB)')
    assert.equal(imitated, true)
  })

  test('on the instance type of the profile it is not', () => {
    assert.equal(
      machines(fixtureResult({ environment: { ...environment, instanceType: 't3.medium' } })).imitated,
      false,
    )
  })

  test('a profile without a machine claims none', () => {
    assert.deepEqual(Object.keys(machines(without(fixtureResult(), 'profileMachine'))), ['real'])
  })
})
