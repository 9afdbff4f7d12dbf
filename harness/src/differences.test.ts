import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findDifferences, unlikePublished } from './differences.ts'
import type { Result } from './recording.ts'
import { publishedFigures } from './published.ts'
import { fixtureResult } from './report/fixture.test-data.ts'

function changed(change: (result: Result) => void): Result {
  const result = fixtureResult()
  change(result)
  return result
}

const BLOCKING: [field: string, change: (result: Result) => void, values: string[]][] = [
  ['plan.ratePerSec', (r) => (r.plan.ratePerSec = 4000), ['5000', '4000']],
  ['plan.requestBytes', (r) => (r.plan.requestBytes = 131), ['130', '131']],
  ['plan.body', (r) => (r.plan.body = { top_p: 1 }), ['none', '{"top_p":1}']],
  ['plan.responseBytes', (r) => (r.plan.responseBytes = 10_320), ['1370', '10320']],
  ['plan.mockLatencyMs', (r) => (r.plan.mockLatencyMs = 1499), ['1500', '1499']],
  ['plan.mockJitterMs', (r) => (r.plan.mockJitterMs = 5), ['0', '5']],
  ['environment.node', (r) => (r.environment.node = '24.21.1'), ['24.21.0', '24.21.1']],
  ['environment.cpuModel', (r) => (r.environment.cpuModel = 'Other'), ['Invented CPU @ 7.77GHz', 'Other']],
  ['environment.vcpus', (r) => (r.environment.vcpus = 4), ['2', '4']],
  ['environment.memoryMiB', (r) => (r.environment.memoryMiB = 8192), ['24', '8']],
  ['environment.instanceType', (r) => (r.environment.instanceType = 't3.medium'), ['not EC2', 't3.medium']],
]

const NOTED: [field: string, change: (result: Result) => void, values: string[]][] = [
  ['plan.durationMs', (r) => (r.plan.durationMs = 10_000), ['60000', '10000']],
  ['plan.connections', (r) => (r.plan.connections = 9000), ['8750', '9000']],
  ['plan.threads', (r) => (r.plan.threads = 2), ['1', '2']],
  ['plan.gateway.bufferSize', (r) => (r.plan.gateway!.bufferSize = 1), ['15000', '1']],
  ['plan.gateway.workers', (r) => (r.plan.gateway!.workers = 2), ['1', '2']],
  ['plan.gatewayConfig', (r) => (r.plan.gatewayConfig = { config: {} }), ['none', '{"config":{}}']],
  ['plan.gateway.nodeFlags', (r) => (r.plan.gateway!.nodeFlags = ['--a', '--b']), ['none', '--a --b']],
  ['interrupted', (r) => (r.interrupted = true), ['no', 'yes']],
]

describe('findDifferences', () => {
  test('runs of one plan on one machine differ in nothing, whatever the target and the figures', () => {
    const target = { name: 'direct', url: 'http://127.0.0.1:1', managed: false }
    assert.deepEqual(findDifferences([fixtureResult(), fixtureResult({ target, id: 'other' })]), [])
  })

  for (const [severity, cases] of [
    ['blocks', BLOCKING],
    ['note', NOTED],
  ] as const) {
    for (const [field, change, values] of cases) {
      test(`${field}: ${severity}, with both values`, () => {
        const [difference, ...others] = findDifferences([fixtureResult(), changed(change)])
        assert.deepEqual(others, [])
        assert.equal(difference?.field, field)
        assert.equal(difference.severity, severity)
        assert.deepEqual(difference.values, values)
      })
    }
  }

  test('one odd run among three is enough, and every run is listed', () => {
    const odd = changed((r) => (r.plan.ratePerSec = 1))
    assert.deepEqual(findDifferences([fixtureResult(), odd, fixtureResult()])[0]?.values, ['5000', '1', '5000'])
  })

  test('what blocks comes before what is noted', () => {
    const other = changed((r) => {
      r.profile = 'x'
      r.environment.instanceType = 'm7i.large'
    })
    const severities = findDifferences([fixtureResult(), other]).map(({ severity }) => severity)
    assert.deepEqual(severities, ['blocks', 'note'])
  })

  test('no jitter and an absent jitter are the same; so are a few MiB of memory', () => {
    const other = changed((r) => {
      delete r.plan.mockJitterMs
      r.environment.memoryMiB += 9
    })
    assert.deepEqual(findDifferences([fixtureResult(), other]), [])
  })

  test('a target whose settings are unknown is noted as having none', () => {
    const other = changed((r) => {
      delete r.plan.gateway
    })
    assert.deepEqual(findDifferences([fixtureResult(), other])[0]?.values, ['15000', 'none'])
  })
})

describe('unlikePublished', () => {
  test('the sizes of the profiles are those published, to the digits published', () => {
    assert.deepEqual(unlikePublished(fixtureResult(), publishedFigures('t3.medium')!), [])
    const xlarge = changed((r) => (r.plan.responseBytes = 10_320))
    assert.deepEqual(unlikePublished(xlarge, publishedFigures('t3.xlarge')!), [])
  })

  test('another answer size is named with both figures', () => {
    assert.deepEqual(unlikePublished(fixtureResult(), publishedFigures('t3.xlarge')!), [['KB an answer', 1.37, 10.32]])
  })
})
