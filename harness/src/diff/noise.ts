import { drawRounds, drawSeconds, expandedInterval, type Resampling } from '../compare/bootstrap.ts'
import type { Interval } from '../compare/record.ts'
import { CountPool, meanUs, percentilesUs, totalCount, type SparseCounts } from '../compare/sparse-counts.ts'
import type { Random } from '../random.ts'
import { LOG_PERCENTILES, type LogFigure, type Metric } from './metrics.ts'
import type { SideRun } from './sides.ts'

/**
 * Where the interval of a change comes from: repeats of the run, the seconds inside each run, both, or nowhere. Seconds
 * alone say nothing of how one run differs from the next.
 */
export type Noise = 'runs_and_seconds' | 'runs' | 'seconds' | 'unknown'

/** Of one metric. */
export interface Spread {
  noise: Noise
  /** Of each side the mean of its runs' figures; `change` is NEW less BASE. No interval to speak of where noise is unknown. */
  base: number
  now: Interval
  change: Interval
}

const REPLICATES = 2_000

/** A run as it might have come out: the figures of all metrics, in their order. */
type RunSampler = (random: Random) => readonly number[]

/**
 * What each metric changed by and how far chance may have moved it: a two-stage bootstrap of both sides, drawn apart,
 * since no run of one belongs to a run of the other. A replicate draws runs, then in each drawn run the seconds of its
 * latency.hlog, and moves the run's figures of result.json by as much as those seconds move the figures of the log; other
 * metrics vary only from run to run. 95% by the expanded percentile interval, of the side with fewer runs.
 *
 * Every run must have measured every metric.
 */
export function spreads(
  metrics: readonly Metric[],
  base: readonly SideRun[],
  now: readonly SideRun[],
  { random, replicates = REPLICATES }: Resampling,
): Spread[] {
  const withLog = [...base, ...now].every(hasLog)
  const fewest = Math.min(base.length, now.length)
  const drawBase = sideSampler(metrics, base, withLog)
  const drawNow = sideSampler(metrics, now, withLog)
  const samples = Array.from({ length: replicates }, () => ({ base: drawBase(random), now: drawNow(random) }))
  return metrics.map((metric, i) => {
    const baseValue = meanOf(base.map(({ result }) => metric.read(result)!))
    const nowValue = meanOf(now.map(({ result }) => metric.read(result)!))
    const changes = samples.map((sample) => sample.now[i]! - sample.base[i]!)
    const nowValues = samples.map((sample) => sample.now[i]!)
    return {
      noise: noiseOf(metric, withLog, fewest),
      base: baseValue,
      now: expandedInterval(nowValue, nowValues, now.length),
      change: expandedInterval(nowValue - baseValue, changes, fewest),
    }
  })
}

/**
 * Chance that of two sides that are alike every run of one comes out above every run of the other. An interval drawn
 * from so few runs cannot know better, and takes it for a difference.
 */
export function separatedByChance(baseRuns: number, nowRuns: number): number {
  let arrangements = 1
  for (let i = 1; i <= nowRuns; i++) arrangements *= (baseRuns + i) / i
  return Math.min(1, 2 / arrangements)
}

function hasLog({ seconds = [] }: SideRun): boolean {
  return seconds.some((latencies) => totalCount(latencies) > 0)
}

function noiseOf(metric: Metric, withLog: boolean, fewestRuns: number): Noise {
  const seconds = withLog && metric.ofLog !== undefined
  if (fewestRuns < 2) return seconds ? 'seconds' : 'unknown'
  return seconds ? 'runs_and_seconds' : 'runs'
}

function sideSampler(metrics: readonly Metric[], runs: readonly SideRun[], withLog: boolean): RunSampler {
  const samplers = runs.map((run) => runSampler(metrics, run, withLog))
  return (random) => {
    const drawn = drawRounds(runs.length, random).map((run) => samplers[run]!(random))
    return metrics.map((_, i) => meanOf(drawn.map((figures) => figures[i]!)))
  }
}

function runSampler(metrics: readonly Metric[], { result, seconds }: SideRun, withLog: boolean): RunSampler {
  const measured = metrics.map((metric) => metric.read(result)!)
  if (!withLog || seconds === undefined) return () => measured
  const pool = new CountPool(seconds)
  const whole = logFiguresMs(pool.merge(new Float64Array(seconds.length).fill(1)))
  return (random) => {
    const drawn = logFiguresMs(pool.merge(drawSeconds([seconds.length], [0], random)))
    return metrics.map(({ ofLog }, i) => measured[i]! + (ofLog === undefined ? 0 : drawn[ofLog] - whole[ofLog]))
  }
}

function logFiguresMs(latencies: SparseCounts): Record<LogFigure, number> {
  const { p50, p90, p95, p99, p999 } = LOG_PERCENTILES
  const percentiles = percentilesUs(latencies, [p50, p90, p95, p99, p999]).map((us) => us / 1000)
  return {
    mean: meanUs(latencies) / 1000,
    p50: percentiles[0]!,
    p90: percentiles[1]!,
    p95: percentiles[2]!,
    p99: percentiles[3]!,
    p999: percentiles[4]!,
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
