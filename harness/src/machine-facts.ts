import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileLimit, memoryBytes } from './environment.ts'
import { readProcText } from './process-tree.ts'
import { parseHostCpu, parsePortRange, parseTimeWait } from './proc-texts.ts'

/** What `bench doctor` judges. Absent: this system does not say. */
export interface MachineFacts {
  node: string
  pinnedNode: string
  vcpus: number
  memoryMiB: number
  files: number
  /** Local ports that outgoing connections may take. */
  portRange?: { first: number; last: number }
  /** Connections that the kernel lets wait for accept(). */
  somaxconn?: number
  /** Closed connections that still hold their ports. */
  timeWait?: number
  clockSource?: string
  clock: ClockFacts
  noise: NoiseFacts
  /** Share of all CPUs while bench itself slept, percent. */
  host?: { busyPct: number; stealPct: number }
}

export interface ClockFacts {
  /** Mean cost of one call of the clock that everything is timed with. */
  costNs: number
  /** Smallest step that it was seen to make. */
  resolutionNs: number
}

export interface NoiseFacts {
  /** How long a thread that never sleeps was watched, ms. */
  watchedMs: number
  /** Times that it was kept from running for over 1 ms. */
  gaps: number
  longestGapMs: number
  /** Share of the time lost in those gaps, percent. */
  lostPct: number
}

const HOST_WATCH_MS = 2_000
const NOISE_WATCH_MS = 1_000

/** Takes some three seconds: it has to watch the machine do nothing, and then watch a thread spin. */
export async function measureMachine(
  signal?: AbortSignal,
  watch = { hostMs: HOST_WATCH_MS, noiseMs: NOISE_WATCH_MS },
): Promise<MachineFacts> {
  const host = await watchHost(watch.hostMs, signal)
  const portRange = parsePortRange(readProcText('/proc/sys/net/ipv4/ip_local_port_range') ?? '')
  const somaxconn = Number.parseInt(readProcText('/proc/sys/net/core/somaxconn') ?? '', 10)
  const timeWait = parseTimeWait(readProcText('/proc/net/sockstat') ?? '')
  const clockSource = readProcText('/sys/devices/system/clocksource/clocksource0/current_clocksource')?.trim()
  return {
    node: process.versions.node,
    pinnedNode: pinnedNode(),
    vcpus: cpus().length,
    memoryMiB: Math.round(memoryBytes() / 1024 ** 2),
    files: fileLimit(),
    ...(portRange && { portRange }),
    ...(Number.isFinite(somaxconn) && { somaxconn }),
    ...(timeWait !== undefined && { timeWait }),
    ...(clockSource !== undefined && { clockSource }),
    clock: measureClock(),
    noise: watchNoise(watch.noiseMs),
    ...(host && { host }),
  }
}

/** The version that package.json pins: the runtime is part of the measurement. */
function pinnedNode(): string {
  const { version } = createRequire(import.meta.url)('node/package.json') as { version: string }
  return version
}

/** Share of all CPUs in use over a time, percent; undefined where the system does not say. */
export async function watchHost(forMs: number, signal?: AbortSignal): Promise<MachineFacts['host']> {
  const before = parseHostCpu(readProcText('/proc/stat') ?? '')
  await sleep(forMs, undefined, signal && { signal })
  const after = parseHostCpu(readProcText('/proc/stat') ?? '')
  if (!before || !after) return undefined
  const totalMs = after.totalMs - before.totalMs
  if (totalMs <= 0) return undefined
  return {
    busyPct: ((after.busyMs - before.busyMs) / totalMs) * 100,
    stealPct: ((after.stealMs - before.stealMs) / totalMs) * 100,
  }
}

export function measureClock(nowNs: () => bigint = () => process.hrtime.bigint(), calls = 100_000): ClockFacts {
  const first = nowNs()
  let last = first
  let resolutionNs = Infinity
  for (let i = 1; i < calls; i++) {
    const now = nowNs()
    if (now > last) resolutionNs = Math.min(resolutionNs, Number(now - last))
    last = now
  }
  return { costNs: Number(last - first) / (calls - 1), resolutionNs }
}

/** Spins, and counts how often and how long it was kept from spinning: by the kernel, other work, or the hypervisor. */
export function watchNoise(forMs: number, nowMs: () => number = () => performance.now()): NoiseFacts {
  const startMs = nowMs()
  let lastMs = startMs
  let gaps = 0
  let lostMs = 0
  let longestGapMs = 0
  while (lastMs - startMs < forMs) {
    const now = nowMs()
    const gapMs = now - lastMs
    if (gapMs > 1) {
      gaps++
      lostMs += gapMs
    }
    longestGapMs = Math.max(longestGapMs, gapMs)
    lastMs = now
  }
  const watchedMs = lastMs - startMs
  return { watchedMs, gaps, longestGapMs, lostPct: (lostMs / watchedMs) * 100 }
}
