import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from './errors.ts'
import { checkFileLimits, filesNeeded, planConnections } from './file-limits.ts'

const MAIN_JOB = { ratePerSec: 5_000, latencyMs: 1_500, threads: 1, target: 'builtin' }

test('the main job opens 9,000 connections for its 7,500 requests in flight', () => {
  assert.equal(planConnections({ ...MAIN_JOB, limit: 20_000 }), 9_000)
})

test('a file limit that is tight, and enough, takes from the headroom only', () => {
  // 6,000/s keeps 9,000 in flight and wants 10,800; the gateway has 20,000 - 300 files for two sockets each.
  assert.equal(planConnections({ ...MAIN_JOB, ratePerSec: 6_000, limit: 20_000 }), 9_850)
})

test('a file limit that is not enough leaves the plan at what the load needs, and is refused', () => {
  const connections = planConnections({ ...MAIN_JOB, ratePerSec: 8_000, limit: 20_000 })
  assert.equal(connections, 12_240)
  assert.throws(
    () => {
      checkFileLimits({ ...MAIN_JOB, connections, limit: 20_000 })
    },
    (error: unknown) => {
      assert.ok(error instanceof UsageError)
      const [problem] = error.problems
      assert.match(problem ?? '', /the gateway needs 24780, one process may open 20000/)
      assert.match(problem ?? '', /ulimit -n 24780.*\/etc\/security\/limits.conf.*lower --rate, --latency/)
      return true
    },
  )
})

test('without a gateway of ours one socket a request is enough', () => {
  const connections = planConnections({ ...MAIN_JOB, ratePerSec: 8_000, target: 'direct', limit: 20_000 })
  assert.equal(connections, 14_400)
  assert.equal(filesNeeded({ connections, threads: 1, target: 'direct' }).gateway, undefined)
  checkFileLimits({ ...MAIN_JOB, target: 'direct', connections, limit: 20_000 })
})

test('every program that is short of files is named', () => {
  assert.throws(() => {
    checkFileLimits({ connections: 2_000, threads: 1, target: 'builtin', limit: 1_024 })
  }, /the driver needs 2120, the mock needs 2200, the gateway needs 4300/)
})

test('a plan is never under 1.02 of what is in flight, and fits whenever that fits', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 1_024, max: 1_048_576 }),
      fc.constantFrom('builtin', 'direct', 'nginx', 'gateway.json', 'http://127.0.0.1:1'),
      (ratePerSec, latencyMs, limit, target) => {
        const connections = planConnections({ ratePerSec, latencyMs, limit, threads: 1, target })
        const least = Math.max(1, Math.ceil((ratePerSec * latencyMs * 102) / 100_000))
        assert.ok(connections >= least)
        const fits = (n: number) =>
          Object.values({ ...filesNeeded({ connections: n, threads: 1, target }) }).every(
            (files: number) => files <= limit,
          )
        if (fits(least)) assert.ok(fits(connections), `${connections} of ${limit}`)
        else assert.equal(connections, least)
      },
    ),
  )
})
