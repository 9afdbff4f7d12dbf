import type { HostCpu } from './proc-texts.ts'
import type { ResourceRecording, ResourceSecond, TreeName, TreeUsage } from './resources.ts'

/** What a tree had used up to one instant, and what it held then. */
export interface TreeSample {
  processes: number
  userMs: number
  systemMs: number
  rssKiB: number
  /** High-water mark; absent when the tree was ever more than one process. */
  peakKiB?: number
}

export interface ResourceSample {
  atMs: number
  trees: Partial<Record<TreeName, TreeSample>>
  host?: HostCpu
}

const KIB_PER_MIB = 1024
const TREES: readonly TreeName[] = ['gateway', 'mock', 'driver']

/** Pure: samples in order of time to what was used from `startMs` to `endMs`. */
export function recordResources(samples: readonly ResourceSample[], startMs: number, endMs: number): ResourceRecording {
  const trees: ResourceRecording['trees'] = {}
  for (const name of TREES) {
    const usage = usageOfTree(samples, name, startMs, endMs)
    if (usage) trees[name] = usage
  }
  const host = hostShare(samples, startMs, endMs)
  const wholeSeconds = Math.floor((endMs - startMs) / 1000)
  const seconds = Array.from({ length: wholeSeconds }, (_, second) =>
    resourceSecond(samples, second, startMs + second * 1000),
  )
  return { trees, ...(host && { host }), seconds }
}

function usageOfTree(
  samples: readonly ResourceSample[],
  name: TreeName,
  startMs: number,
  endMs: number,
): TreeUsage | undefined {
  const inWindow = treeSamples(samples, name).filter(({ atMs }) => atMs >= startMs && atMs <= endMs)
  const last = inWindow.at(-1)
  const userMs = difference(samples, startMs, endMs, (sample) => sample.trees[name]?.userMs)
  const systemMs = difference(samples, startMs, endMs, (sample) => sample.trees[name]?.systemMs)
  if (last === undefined || userMs === undefined || systemMs === undefined || endMs <= startMs) return undefined
  const rssMiB = inWindow.map(({ tree }) => tree.rssKiB / KIB_PER_MIB)
  const wallMs = endMs - startMs
  return {
    rssPeakMiB: last.tree.peakKiB === undefined ? Math.max(...rssMiB) : last.tree.peakKiB / KIB_PER_MIB,
    rssMeanMiB: mean(rssMiB),
    cpuCores: (userMs + systemMs) / wallMs,
    cpuUserCores: userMs / wallMs,
    cpuSystemCores: systemMs / wallMs,
    cpuUs: (userMs + systemMs) * 1000,
    processes: last.tree.processes,
  }
}

function resourceSecond(samples: readonly ResourceSample[], second: number, fromMs: number): ResourceSecond {
  const toMs = fromMs + 1000
  const row: ResourceSecond = { second }
  for (const name of TREES) {
    const cpuMs = difference(samples, fromMs, toMs, ({ trees }) => {
      const tree = trees[name]
      return tree && tree.userMs + tree.systemMs
    })
    const held = treeSamples(samples, name).filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    if (cpuMs !== undefined) row[`${name}CpuCores`] = cpuMs / 1000
    if (held.length > 0) row[`${name}RssMiB`] = mean(held.map(({ tree }) => tree.rssKiB / KIB_PER_MIB))
  }
  const host = hostShare(samples, fromMs, toMs)
  if (host) {
    row.hostBusyPct = host.busyPct
    row.hostStealPct = host.stealPct
  }
  return row
}

function treeSamples(samples: readonly ResourceSample[], name: TreeName): { atMs: number; tree: TreeSample }[] {
  return samples.flatMap(({ atMs, trees }) => (trees[name] ? [{ atMs, tree: trees[name] }] : []))
}

function hostShare(
  samples: readonly ResourceSample[],
  fromMs: number,
  toMs: number,
): { stealPct: number; busyPct: number } | undefined {
  const totalMs = difference(samples, fromMs, toMs, ({ host }) => host?.totalMs)
  const busyMs = difference(samples, fromMs, toMs, ({ host }) => host?.busyMs)
  const stealMs = difference(samples, fromMs, toMs, ({ host }) => host?.stealMs)
  if (totalMs === undefined || totalMs <= 0 || busyMs === undefined || stealMs === undefined) return undefined
  return { stealPct: (stealMs / totalMs) * 100, busyPct: (busyMs / totalMs) * 100 }
}

/** Growth of a counter from one instant to another. */
function difference(
  samples: readonly ResourceSample[],
  fromMs: number,
  toMs: number,
  counter: (sample: ResourceSample) => number | undefined,
): number | undefined {
  const from = counterAt(samples, fromMs, counter)
  const to = counterAt(samples, toMs, counter)
  return from === undefined || to === undefined ? undefined : Math.max(0, to - from)
}

/** A counter between two samples, as if it grew evenly there; undefined outside of all samples. */
function counterAt(
  samples: readonly ResourceSample[],
  atMs: number,
  counter: (sample: ResourceSample) => number | undefined,
): number | undefined {
  const after = samples.find((sample) => sample.atMs >= atMs && counter(sample) !== undefined)
  const before = samples.findLast((sample) => sample.atMs <= atMs && counter(sample) !== undefined)
  if (!after || !before) return undefined
  const [low, high] = [counter(before)!, counter(after)!]
  if (after.atMs === before.atMs) return high
  return low + ((high - low) * (atMs - before.atMs)) / (after.atMs - before.atMs)
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length
}
