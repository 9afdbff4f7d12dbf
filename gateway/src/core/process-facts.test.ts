import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'

import { readProcess } from './process-facts.ts'

describe('readProcess', () => {
  test('tells the memory and the CPU time of this process', async () => {
    // The event loop tells nothing of itself before its first turn is over.
    await setImmediate()
    const { residentBytes, cpuS, eventLoopActiveS } = readProcess()
    assert.ok(residentBytes > 10e6 && residentBytes < 10e9, `${residentBytes} bytes`)
    const { user, system } = process.cpuUsage()
    assert.ok(cpuS > 0 && cpuS <= (user + system) / 1e6, `${cpuS} s`)
    assert.ok(eventLoopActiveS > 0)
  })

  test('tells the open file descriptors, where the kernel does', (t) => {
    const { openFds } = readProcess()
    if (openFds === 0) {
      t.skip('this kernel does not tell')
      return
    }
    // The listing itself takes one.
    assert.equal(openFds, readdirSync('/proc/self/fd').length - 1)
    const file = openSync('/dev/null', 'r')
    assert.equal(readProcess().openFds, openFds + 1)
    closeSync(file)
  })
})
