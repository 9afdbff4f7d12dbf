import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  parseChildren,
  parseFileLimit,
  parseHostCpu,
  parsePortRange,
  parseProcessMemory,
  parseProcessStat,
  parseTimeWait,
} from './proc-texts.ts'

describe('/proc/PID/stat', () => {
  const rest = 'S 3538 3543 3543 0 -1 4194560 2168 38269 0 30 23 4 20 7 20 0 1 0 78717 5124096 907'

  test('gives the parent and the CPU, in ms', () => {
    assert.deepEqual(parseProcessStat(`3543 (bash) ${rest}`), { parentPid: 3538, userMs: 230, systemMs: 40 })
  })

  test('is read past a name that holds spaces and parentheses', () => {
    assert.deepEqual(parseProcessStat(`3543 (a) b (c) ${rest}`), { parentPid: 3538, userMs: 230, systemMs: 40 })
  })

  test('of another form gives nothing', () => {
    for (const text of ['', 'nonsense', '1 (x) S']) assert.equal(parseProcessStat(text), undefined, text)
  })
})

test('/proc/PID/status gives resident memory and its high-water mark', () => {
  const text = 'Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t  500 kB\nVmRSS:\t  400 kB\nThreads:\t7\n'
  assert.deepEqual(parseProcessMemory(text), { rssKiB: 400, peakKiB: 500 })
  assert.deepEqual(parseProcessMemory('VmRSS:\t  400 kB\n'), { rssKiB: 400 })
  assert.equal(parseProcessMemory('Name:\tzombie\nState:\tZ (zombie)\n'), undefined)
})

test('/proc/stat gives busy, stolen and all time of all CPUs, and does not count guests twice', () => {
  //            user nice system idle iowait irq softirq steal guest guest_nice
  const text = 'cpu  100 10 50 800 20 5 5 10 30 3\ncpu0 1 1 1 1 1 1 1 1 1 1\n'
  assert.deepEqual(parseHostCpu(text), { totalMs: 10_000, busyMs: 1_700, stealMs: 100 })
  assert.equal(parseHostCpu('intr 5\n'), undefined)
})

test('a list of children is read, and an empty one is empty', () => {
  assert.deepEqual(parseChildren('12 345 \n'), [12, 345])
  assert.deepEqual(parseChildren(''), [])
})

test('the file limit is the soft one', () => {
  const line = (soft: string) =>
    `Max processes  1 2 processes\nMax open files            ${soft}      20000      files\n`
  assert.equal(parseFileLimit(line('1024')), 1_024)
  assert.equal(parseFileLimit(line('unlimited')), Infinity)
  assert.equal(parseFileLimit('Max processes 5 5\n'), undefined)
})

test('the port range and the sockets in TIME_WAIT are read', () => {
  assert.deepEqual(parsePortRange('32768\t60999\n'), { first: 32_768, last: 60_999 })
  assert.equal(parsePortRange(''), undefined)
  assert.equal(parseTimeWait('sockets: used 90\nTCP: inuse 5 orphan 0 tw 17 alloc 9 mem 1\nUDP: inuse 0\n'), 17)
  assert.equal(parseTimeWait('sockets: used 90\n'), undefined)
})
