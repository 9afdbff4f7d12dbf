import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { COMPARE_DEFAULTS } from './config.ts'
import { dollarsPerMillion, instanceNames, PRICES } from './prices.ts'

describe('dollars per million requests', () => {
  for (const { cpuUs, vcpus, dollarsPerHour, dollars } of [
    // An hour of one core serves 3.6 million requests of 1,000 us.
    { cpuUs: 1_000, vcpus: 1, dollarsPerHour: 3.6, dollars: 1 },
    { cpuUs: 1_000, vcpus: 4, dollarsPerHour: 3.6, dollars: 0.25 },
    { cpuUs: 250, vcpus: 1, dollarsPerHour: 7.2, dollars: 0.5 },
    { cpuUs: 0, vcpus: 2, dollarsPerHour: 1, dollars: 0 },
  ]) {
    test(`${cpuUs} us on ${vcpus} vCPUs at $${dollarsPerHour} an hour are $${dollars}`, () => {
      const got = dollarsPerMillion(cpuUs, { vcpus, memoryGiB: 1, dollarsPerHour })
      assert.ok(Math.abs(got - dollars) < 1e-12, String(got))
    })
  }

  test('the list is dated, and has the instance that is the default', () => {
    assert.match(PRICES.asOf, /^\d{4}-\d\d-\d\d$/)
    assert.ok(instanceNames().includes(COMPARE_DEFAULTS.instance))
  })

  test('every instance has figures that can be divided by', () => {
    for (const [name, { vcpus, memoryGiB, dollarsPerHour }] of Object.entries(PRICES.instances)) {
      assert.ok(vcpus > 0 && memoryGiB > 0 && dollarsPerHour > 0, name)
    }
  })
})
