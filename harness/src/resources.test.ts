import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { platform } from 'node:os'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ResourceSampler } from './resources.ts'

const linux = { skip: platform() !== 'linux' && 'needs /proc' }

/** A process that starts one more, and both hold memory; prints the other's id. */
const FAMILY = `
  const { spawn } = require('node:child_process')
  const child = spawn(process.execPath, ['-e', 'let x = Buffer.alloc(60e6, 1); process.stdin.on("data", () => {}); process.stdin.on("end", () => process.exit()); console.log("up"); setInterval(() => x, 1e6)'], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdout.once('data', () => console.log(child.pid))
  process.stdin.on('end', () => process.exit()).resume()
`

async function startFamily(): Promise<{ parent: ChildProcess; childPid: number; stop: () => Promise<void> }> {
  const parent = spawn(process.execPath, ['-e', FAMILY], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const stop = async () => {
    const ended = once(parent, 'close')
    parent.stdin.end()
    await ended
  }
  return { parent, childPid: Number(line.toString()), stop }
}

test('a tree is a process with its children, and a tree under another is not counted in it', linux, async () => {
  const { parent, childPid, stop } = await startFamily()
  try {
    const all = new ResourceSampler({ trees: { gateway: parent.pid! } })
    const apart = new ResourceSampler({ trees: { gateway: parent.pid!, mock: childPid } })
    for (const sampler of [all, apart]) {
      sampler.start()
      sampler.markWindowStart()
    }
    await sleep(60)
    const [together, { trees: two }] = [all.stop(), apart.stop()]
    const one = together.trees.gateway
    assert.ok(one && two.gateway && two.mock)
    assert.equal(one.processes, 2)
    assert.equal(two.gateway.processes, 1)
    assert.equal(two.mock.processes, 1)
    assert.ok(two.mock.rssMeanMiB > 57, `${two.mock.rssMeanMiB} MiB`)
    const ratio = one.rssMeanMiB / (two.gateway.rssMeanMiB + two.mock.rssMeanMiB)
    assert.ok(ratio > 0.95 && ratio < 1.05, `ratio ${ratio}`)
  } finally {
    await stop()
  }
})

test('CPU that this process burns in the window is found, and what it burned before is not', linux, () => {
  const burn = (cpuMs: number) => {
    const start = process.cpuUsage()
    for (;;) {
      const { user, system } = process.cpuUsage(start)
      if (user + system >= cpuMs * 1000) return
    }
  }
  const sampler = new ResourceSampler({ trees: { driver: process.pid } })
  sampler.start()
  burn(300)
  sampler.markWindowStart()
  const start = process.cpuUsage()
  burn(200)
  const { user, system } = process.cpuUsage(start)
  sampler.markWindowEnd()
  burn(100)
  const { driver } = sampler.stop().trees
  assert.ok(driver)
  // The kernel counts in ticks of 10 ms; one tick each of user and system time may be missed or gained.
  assert.ok(Math.abs(driver.cpuUs - (user + system)) <= 40_000, `${driver.cpuUs} us, used ${user + system} us`)
})

test('the peak of a single process is the high-water mark, memory given back included', linux, async () => {
  const script =
    'let x = Buffer.alloc(150e6, 1); x = undefined; gc(); process.stdin.on("end", () => process.exit()).resume(); console.log("up")'
  const child = spawn(process.execPath, ['--expose-gc', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const sampler = new ResourceSampler({ trees: { mock: child.pid! } })
  sampler.markWindowStart()
  const { mock } = sampler.stop().trees
  const ended = once(child, 'close')
  child.stdin.end()
  await ended
  assert.ok(mock && mock.rssPeakMiB > 143, `${mock?.rssPeakMiB} MiB`)
})

test('what a process used stays used when it has ended', linux, async () => {
  const { parent, childPid, stop } = await startFamily()
  const sampler = new ResourceSampler({ trees: { gateway: parent.pid! } })
  sampler.start()
  sampler.markWindowStart()
  process.kill(childPid, 'SIGKILL')
  await sleep(60)
  sampler.markWindowEnd()
  const { gateway } = sampler.stop().trees
  await stop()
  assert.ok(gateway)
  assert.ok(gateway.cpuUs >= 0)
  assert.equal(gateway.processes, 1)
})

test('a process that is not there, and a window that never opened, are absent and no failure', () => {
  // Above the kernel's largest process id.
  const sampler = new ResourceSampler({ trees: { gateway: 2 ** 22 + 1 } })
  sampler.start()
  sampler.markWindowStart()
  assert.equal(sampler.stop().trees.gateway, undefined)
  assert.deepEqual(new ResourceSampler({ trees: { driver: process.pid } }).stop(), { trees: {}, seconds: [] })
})
