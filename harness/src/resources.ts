import type { ProcessResources, Result } from './recording.ts'
import { parseHostCpu, type HostCpu } from './proc-texts.ts'
import { processTree, readProcess, readProcText, type ProcessReading } from './process-tree.ts'
import { recordResources, type ResourceSample, type TreeSample } from './resource-windows.ts'

export type TreeName = 'gateway' | 'mock' | 'driver'

/** One second of the window, in the fields of a timeline row. */
export type ResourceSecond = { second: number } & Pick<
  Result['timeline'][number],
  | 'gatewayRssMiB'
  | 'gatewayCpuCores'
  | 'mockRssMiB'
  | 'mockCpuCores'
  | 'driverRssMiB'
  | 'driverCpuCores'
  | 'hostBusyPct'
  | 'hostStealPct'
>

/** Use of one tree inside the window; `cpuUs` is what a figure per request is made from. */
export type TreeUsage = Omit<ProcessResources, 'cpuUsPerRequest'> & { cpuUs: number }

/** What could not be measured has no key: all of it off Linux. */
export interface ResourceRecording {
  trees: Partial<Record<TreeName, TreeUsage>>
  host?: { stealPct: number; busyPct: number }
  /** Whole seconds of the window, in order. */
  seconds: ResourceSecond[]
}

export interface ResourceSamplerOptions {
  /** Root process of each tree; a tree that is under another is not counted in that other. */
  trees: Partial<Record<TreeName, number>>
  /** Processes that are in no tree, nor is what is under them. @default [] */
  apart?: readonly number[]
  /** Between two samples, ms. @default 250 */
  intervalMs?: number
  /** Monotonic time, ms. @default performance.now */
  nowMs?: () => number
}

/** How many samples between two looks for new children: a look reads a file for each thread of each process. */
const SAMPLES_PER_LOOK = 4

/**
 * Samples CPU and memory of process trees, and of the host, from /proc.
 *
 * Reads are synchronous: a /proc file is made by the kernel on the spot in some 10 us and never waits for a disk, while
 * an asynchronous read costs more CPU and four turns through the thread pool.
 */
export class ResourceSampler {
  readonly #trees: [TreeName, number][]
  readonly #apart: readonly number[]
  readonly #intervalMs: number
  readonly #nowMs: () => number
  readonly #samples: ResourceSample[] = []
  readonly #pids = new Map<TreeName, number[]>()
  /** By tree and process, the last reading: what a process used stays used when it ends. */
  readonly #last = new Map<TreeName, Map<number, ProcessReading>>()
  #timer: NodeJS.Timeout | undefined
  #windowStartMs: number | undefined
  #windowEndMs: number | undefined

  constructor({ trees, apart = [], intervalMs = 250, nowMs = () => performance.now() }: ResourceSamplerOptions) {
    this.#apart = apart
    this.#trees = Object.entries<number>({ ...trees }).map(([name, pid]) => [name as TreeName, pid])
    this.#intervalMs = intervalMs
    this.#nowMs = nowMs
  }

  start(): void {
    this.#sample()
    this.#timer ??= setInterval(() => {
      this.#sample()
    }, this.#intervalMs).unref()
  }

  markWindowStart(): void {
    this.#windowStartMs = this.#sample()
  }

  markWindowEnd(): void {
    this.#windowEndMs = this.#sample()
  }

  /** Ends sampling. A window without an end ends here; without a start, nothing was measured. */
  stop(): ResourceRecording {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#windowStartMs === undefined) return { trees: {}, seconds: [] }
    this.#windowEndMs ??= this.#sample()
    return recordResources(this.#samples, this.#windowStartMs, this.#windowEndMs)
  }

  #sample(): number {
    const atMs = this.#nowMs()
    if (this.#samples.length % SAMPLES_PER_LOOK === 0) this.#lookForChildren()
    const host = this.#readHost()
    const trees: ResourceSample['trees'] = {}
    for (const [name] of this.#trees) {
      const tree = this.#readTree(name)
      if (tree) trees[name] = tree
    }
    this.#samples.push({ atMs, trees, ...(host && { host }) })
    return atMs
  }

  #lookForChildren(): void {
    const roots = new Set([...this.#trees.map(([, pid]) => pid), ...this.#apart])
    for (const [name, root] of this.#trees) this.#pids.set(name, processTree(root, roots))
  }

  #readHost(): HostCpu | undefined {
    return parseHostCpu(readProcText('/proc/stat') ?? '')
  }

  #readTree(name: TreeName): TreeSample | undefined {
    const last = this.#last.get(name) ?? new Map<number, ProcessReading>()
    this.#last.set(name, last)
    const living = (this.#pids.get(name) ?? []).map(readProcess).filter((reading) => reading !== undefined)
    for (const reading of living) last.set(reading.pid, reading)
    if (living.length === 0) return undefined
    const all = [...last.values()]
    const only = all.length === 1 ? all[0] : undefined
    return {
      processes: living.length,
      userMs: sum(all.map((reading) => reading.userMs)),
      systemMs: sum(all.map((reading) => reading.systemMs)),
      rssKiB: sum(living.map((reading) => reading.rssKiB)),
      // High-water marks of several processes were not reached at one instant: their sum is nobody's peak.
      ...(only?.peakKiB !== undefined && { peakKiB: only.peakKiB }),
    }
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
