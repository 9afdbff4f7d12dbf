import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULTS } from './config.ts'
import { judgeMachine, type Finding } from './fitness.ts'
import { measureClock, watchNoise, type MachineFacts } from './machine-facts.ts'

const FIT: MachineFacts = {
  node: '24.21.0',
  pinnedNode: '24.21.0',
  vcpus: 2,
  memoryMiB: 4_096,
  files: 20_000,
  portRange: { first: 32_768, last: 60_999 },
  somaxconn: 4_096,
  timeWait: 10,
  clockSource: 'tsc',
  clock: { costNs: 60, resolutionNs: 30 },
  noise: { watchedMs: 1_000, gaps: 0, longestGapMs: 0.2, lostPct: 0 },
  host: { busyPct: 1, stealPct: 0 },
}

function find(facts: MachineFacts, name: string): Finding {
  const found = judgeMachine(facts, DEFAULTS).find((finding) => finding.name === name)
  assert.ok(found, name)
  return found
}

test('a fit machine is fit in all respects', () => {
  assert.deepEqual(
    judgeMachine(FIT, DEFAULTS).filter(({ status }) => status !== 'ok'),
    [],
  )
})

describe('a machine that is not fit', () => {
  for (const [name, status, facts] of [
    ['node', 'fail', { node: '24.20.0' }],
    ['file descriptors', 'fail', { files: 4_096 }],
    ['local ports', 'warn', { portRange: { first: 40_000, last: 50_000 } }],
    ['local ports', 'fail', { portRange: { first: 40_000, last: 45_000 } }],
    ['closed connections in TIME_WAIT', 'warn', { timeWait: 16_000 }],
    ['closed connections in TIME_WAIT', 'fail', { timeWait: 25_000 }],
    ['accept backlog (somaxconn)', 'warn', { somaxconn: 128 }],
    ['vCPUs', 'warn', { vcpus: 1 }],
    ['memory', 'warn', { memoryMiB: 2_000 }],
    ['memory', 'fail', { memoryMiB: 1_000 }],
    ['clock source', 'warn', { clockSource: 'xen' }],
    ['clock', 'warn', { clock: { costNs: 900, resolutionNs: 30 } }],
    ['clock', 'warn', { clock: { costNs: 60, resolutionNs: 1_000_000 } }],
    ['scheduling noise', 'warn', { noise: { watchedMs: 1_000, gaps: 9, longestGapMs: 3, lostPct: 2 } }],
    ['scheduling noise', 'warn', { noise: { watchedMs: 1_000, gaps: 1, longestGapMs: 11, lostPct: 0.9 } }],
    ['scheduling noise', 'fail', { noise: { watchedMs: 1_000, gaps: 90, longestGapMs: 9, lostPct: 30 } }],
    ['CPU in use', 'warn', { host: { busyPct: 20, stealPct: 0 } }],
    ['CPU in use', 'fail', { host: { busyPct: 60, stealPct: 0 } }],
    ['CPU stolen', 'warn', { host: { busyPct: 0, stealPct: 2 } }],
    ['CPU stolen', 'fail', { host: { busyPct: 0, stealPct: 8 } }],
  ] as [string, Finding['status'], Partial<MachineFacts>][]) {
    test(`for its ${name} gets a ${status} with a way out: ${JSON.stringify(facts)}`, () => {
      const finding = find({ ...FIT, ...facts }, name)
      assert.equal(finding.status, status)
      assert.ok(finding.fix !== undefined && finding.fix.length > 0)
    })
  }

  test('for its files says how many the main job needs', () => {
    const finding = find({ ...FIT, files: 4_096 }, 'file descriptors')
    // 7,500 in flight x 1.02 is the least; two sockets each in the gateway, and 330 besides.
    assert.match(finding.want, /^15630 for 5000\/s at 1500 ms \(7650 connections\)$/)
    assert.match(finding.fix ?? '', /ulimit -n 15630/)
  })
})

test('what a system does not say is a warning, not a failure', () => {
  const { node, pinnedNode, vcpus, memoryMiB, files, clock, noise } = FIT
  const findings = judgeMachine({ node, pinnedNode, vcpus, memoryMiB, files, clock, noise }, DEFAULTS).filter(
    ({ status }) => status !== 'ok',
  )
  assert.deepEqual(
    findings.map(({ status, value }) => [status, value]),
    Array.from({ length: 6 }, () => ['warn', 'not measured']),
  )
})

test('the cost of the clock is the time of a call, and its resolution the smallest step that it makes', () => {
  let calls = 0n
  // Steps of 100 ns, every second call: 50 ns a call.
  const clock = measureClock(() => (calls++ / 2n) * 100n, 1_001)
  assert.deepEqual(clock, { costNs: 50, resolutionNs: 100 })
})

test('noise is the pauses over 1 ms of a thread that never sleeps', () => {
  const instants = [0, 0.5, 1, 4, 4.5, 6.5, 7, 10]
  const noise = watchNoise(10, () => instants.shift() ?? Infinity)
  assert.deepEqual(noise, { watchedMs: 10, gaps: 3, longestGapMs: 3, lostPct: 80 })
})
