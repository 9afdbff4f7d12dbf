import type { RunConfig } from './config.ts'
import { filesNeeded, planConnections } from './file-limits.ts'
import { probeConnections } from './probes.ts'
import type { MachineFacts } from './machine-facts.ts'

/** One thing that a run needs of the machine. */
export interface Finding {
  name: string
  /** `warn`: the run works, and its numbers may be worse than they should. `fail`: it does not work. */
  status: 'ok' | 'warn' | 'fail'
  value: string
  /** What would be right. */
  want: string
  /** How to get there; absent when all is well. */
  fix?: string
}

type Job = Pick<RunConfig, 'ratePerSec' | 'mockLatencyMs' | 'threads' | 'target' | 'probeRatePerSec'>

/** Pure: is a machine with these facts fit for that job. */
export function judgeMachine(facts: MachineFacts, job: Job): Finding[] {
  const limit = facts.files
  const connections = planConnections({ ...job, latencyMs: job.mockLatencyMs, limit, probes: probeConnections(job) })
  return [
    node(facts),
    files(facts, job, connections),
    ports(facts, connections),
    timeWait(facts, connections),
    backlog(facts),
    vcpus(facts),
    memory(facts),
    clockSource(facts),
    clockCost(facts),
    noise(facts),
    ...host(facts),
  ]
}

interface Bounds {
  warn: boolean
  fail?: boolean
}

function finding(name: string, value: string, want: string, { warn, fail = false }: Bounds, fix: string): Finding {
  if (fail) return { name, status: 'fail', value, want, fix }
  if (warn) return { name, status: 'warn', value, want, fix }
  return { name, status: 'ok', value, want }
}

function unknown(name: string, want: string): Finding {
  return { name, status: 'warn', value: 'not measured', want, fix: 'this system does not say; Linux does' }
}

function node({ node, pinnedNode }: MachineFacts): Finding {
  const fix = 'start it as "npx bench", which runs the pinned version, after "npm ci"'
  return finding('node', node, `${pinnedNode}, the pinned version`, { warn: false, fail: node !== pinnedNode }, fix)
}

function files(facts: MachineFacts, job: Job, connections: number): Finding {
  const needed = filesNeeded({ ...job, connections, probes: probeConnections(job) })
  const most = Math.max(needed.driver, needed.mock, needed.gateway ?? 0)
  const want = `${most} for ${job.ratePerSec}/s at ${job.mockLatencyMs} ms (${connections} connections)`
  const fix = `"ulimit -n ${most}", or "* hard nofile ${most}" in /etc/security/limits.conf and a new login`
  return finding('file descriptors', String(facts.files), want, { warn: false, fail: facts.files < most }, fix)
}

function ports({ portRange }: MachineFacts, connections: number): Finding {
  // All of the driver's connections go to one address, so each needs a local port of its own.
  const want = `${connections} local ports, better twice as many`
  if (!portRange) return unknown('local ports', want)
  const count = portRange.last - portRange.first + 1
  const value = `${count} (${portRange.first} to ${portRange.last})`
  const bounds = { warn: count < 2 * connections, fail: count < connections }
  return finding('local ports', value, want, bounds, 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"')
}

function timeWait({ timeWait: waiting, portRange }: MachineFacts, connections: number): Finding {
  const want = 'few: each holds a local port for a minute'
  if (waiting === undefined) return unknown('closed connections in TIME_WAIT', want)
  const free = portRange ? portRange.last - portRange.first + 1 - waiting : Infinity
  const bounds = { warn: free < 1.5 * connections, fail: free < connections }
  return finding('closed connections in TIME_WAIT', String(waiting), want, bounds, 'wait a minute, then try again')
}

function backlog({ somaxconn }: MachineFacts): Finding {
  const want = '4096 or more: thousands of connections are opened at once'
  if (somaxconn === undefined) return unknown('accept backlog (somaxconn)', want)
  const bounds = { warn: somaxconn < 4096, fail: false }
  return finding('accept backlog (somaxconn)', String(somaxconn), want, bounds, 'sysctl -w net.core.somaxconn=65535')
}

function vcpus({ vcpus: count }: MachineFacts): Finding {
  const fix = 'take a larger machine; three programs on one CPU measure each other'
  return finding('vCPUs', String(count), '2 or more', { warn: count < 2 }, fix)
}

function memory({ memoryMiB }: MachineFacts): Finding {
  const bounds = { warn: memoryMiB < 3_500, fail: memoryMiB < 1_500 }
  const fix = 'take a larger machine, or lower --rate or --latency'
  return finding('memory', `${memoryMiB} MiB`, '3500 MiB or more for the main job', bounds, fix)
}

/** Read by the CPU itself, without asking the kernel or the hypervisor. */
const FAST_CLOCKS = ['tsc', 'kvm-clock', 'arch_sys_counter', 'hyperv_clocksource_tsc_page']

function clockSource({ clockSource: source }: MachineFacts): Finding {
  const want = FAST_CLOCKS.join(', ')
  if (source === undefined) return unknown('clock source', want)
  const fix = 'echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource'
  return finding('clock source', source, want, { warn: !FAST_CLOCKS.includes(source) }, fix)
}

function clockCost({ clock }: MachineFacts): Finding {
  const value = `${clock.costNs.toFixed(0)} ns a call, steps of ${clock.resolutionNs} ns`
  const bounds = { warn: clock.costNs > 500 || clock.resolutionNs > 1_000 }
  return finding('clock', value, '500 ns a call or less, steps of 1000 ns or less', bounds, 'see the clock source')
}

function noise({ noise: { gaps, longestGapMs, lostPct, watchedMs } }: MachineFacts): Finding {
  const value =
    `${gaps} pauses over 1 ms in ${watchedMs.toFixed(0)} ms, the longest ${longestGapMs.toFixed(1)} ms, ` +
    `${lostPct.toFixed(1)}% lost`
  const bounds = { warn: lostPct > 1 || longestGapMs > 10, fail: lostPct > 20 }
  const fix = 'stop other work on this machine; on a shared or burstable one, move or wait for credits'
  return finding('scheduling noise', value, 'under 1% lost, no pause over 10 ms', bounds, fix)
}

function host({ host: share }: MachineFacts): Finding[] {
  const [busyWant, stealWant] = ['under 10% before anything runs', 'under 1%']
  if (!share) return [unknown('CPU in use', busyWant), unknown('CPU stolen', stealWant)]
  const busy = { warn: share.busyPct > 10, fail: share.busyPct > 50 }
  const steal = { warn: share.stealPct > 1, fail: share.stealPct > 5 }
  const stealFix = 'the hypervisor gives this CPU to others: take a dedicated machine, or wait for CPU credits'
  return [
    finding('CPU in use', `${share.busyPct.toFixed(1)}%`, busyWant, busy, 'stop other programs ("top" shows them)'),
    finding('CPU stolen', `${share.stealPct.toFixed(1)}%`, stealWant, steal, stealFix),
  ]
}
