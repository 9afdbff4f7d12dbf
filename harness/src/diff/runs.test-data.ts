import type { SparseCounts } from '../compare/sparse-counts.ts'
import type { Result } from '../recording.ts'
import { fixtureResult } from '../report/fixture.test-data.ts'
import type { Side, SideName, SideRun } from './sides.ts'

/** Runs with invented latencies, for tests only. */

export interface RunOfTest {
  path?: string
  /** Latencies of each second, us; whole numbers. Absent: the run has no log, and the latencies of the fixture. */
  secondsUs?: readonly (readonly number[])[]
  change?: (result: Result) => void
}

/** A run whose figures are those of its latencies. */
export function runOf({ path = 'run', secondsUs, change }: RunOfTest): SideRun {
  const result = fixtureResult()
  if (secondsUs !== undefined) result.latencyMs!.fromDue = distributionOf(secondsUs.flat())
  change?.(result)
  return { path, result, ...(secondsUs !== undefined && { seconds: secondsUs.map(countsOf) }) }
}

export function sideOf(name: SideName, ...runs: RunOfTest[]): Side {
  return { name, runs: runs.map((run, i) => runOf({ path: `${name.toLowerCase()}/${i + 1}`, ...run })) }
}

/** `count` latencies a second around `centreUs`, the same for the same numbers, each second a little apart from the next. */
export function secondsAround(centreUs: number, { seconds = 12, count = 40, apartUs = 20 } = {}): number[][] {
  return Array.from({ length: seconds }, (_, second) =>
    Array.from({ length: count }, (_, i) => centreUs + ((i * 37) % 101) + apartUs * ((second * 5) % 7)),
  )
}

function distributionOf(latenciesUs: readonly number[]): NonNullable<Result['latencyMs']>['fromDue'] {
  const sorted = latenciesUs.map((us) => us / 1000).sort((a, b) => a - b)
  const at = (percent: number) => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length - 1e-9) - 1)]!
  const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
  const [p50, p90, p95, p99, p999] = [at(50), at(90), at(95), at(99), at(99.9)]
  return { mean, min: sorted[0]!, p50, p90, p95, p99, p999, max: sorted.at(-1)!, stddev: 1 }
}

function countsOf(latenciesUs: readonly number[]): SparseCounts {
  const counts = new Map<number, number>()
  for (const us of [...latenciesUs].sort((a, b) => a - b)) counts.set(us, (counts.get(us) ?? 0) + 1)
  return { valuesUs: Float64Array.from(counts.keys()), counts: Float64Array.from(counts.values()) }
}
