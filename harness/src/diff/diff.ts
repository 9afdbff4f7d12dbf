import type { Resampling } from '../compare/bootstrap.ts'
import { UsageError } from '../errors.ts'
import { conditionsOf, failedChecks, refusals, type SidedDifference } from './comparable.ts'
import { differenceOf, judgeLimit, type Difference, type LimitVerdict } from './judge.ts'
import { boundOf, type Limit } from './limits.ts'
import { METRICS, type Metric, type MetricUnit } from './metrics.ts'
import { separatedByChance, spreads, type Noise, type Spread } from './noise.ts'
import type { Side, SideName, SideRun } from './sides.ts'

/** What `bench diff --json` prints. Figures in the unit of their metric; what was not measured has no row. */
export interface Diff {
  schemaVersion: 1
  kind: 'diff'
  /** `regression`: a limit is exceeded. The last two: no limits were given. */
  verdict: 'regression' | 'no_regression' | 'differences' | 'no_differences'
  target: string
  base: DiffRun[]
  new: DiffRun[]
  metrics: MetricDiff[]
  notMeasured: { metric: string; sides: SideName[] }[]
  /** Conditions that are not the same in all runs, and do not forbid the comparison. */
  conditions: SidedDifference[]
  /** Chance that two sides alike, with so many runs each, look apart in a metric: 2 runs a side 1/3, 4 runs 1/35. */
  separatedByChance: number
}

export interface DiffRun {
  path: string
  id: string
  startedAt: string
  gitCommit?: string
  targetVersion?: string
  valid: boolean
  failedChecks: string[]
}

export interface MetricDiff {
  metric: string
  title: string
  unit: MetricUnit
  higherIsBetter: boolean
  /** Means over the runs of a side. */
  base: number
  new: number
  /** new - base. */
  change: number
  /** Of base; absent where that is 0. */
  changePct?: number
  noise: Noise
  /** 95% intervals; absent where the noise is unknown. */
  changeInterval?: { low: number; high: number }
  newInterval?: { low: number; high: number }
  difference: Difference
  limits: { limit: string; bound: number; verdict: LimitVerdict }[]
}

/**
 * Holds NEW against BASE.
 *
 * @throws {UsageError} with every reason why the runs cannot be compared, and every limit on what was not measured.
 */
export function diffSides(
  base: Side,
  now: Side,
  options: Resampling & { limits: readonly Limit[]; allowInvalid: boolean },
): Diff {
  const { limits } = options
  const notMeasured = METRICS.map((metric) => ({ metric, sides: sidesWithout(metric, [base, now]) })).filter(
    ({ sides }) => sides.length > 0,
  )
  const problems = [
    ...refusals(base, now, options),
    ...limits.flatMap((limit) => {
      const missing = notMeasured.find(({ metric }) => metric === limit.metric)
      return missing === undefined
        ? []
        : [`--max ${limit.text}: ${limit.metric.name} was not measured in all runs of ${missing.sides.join(' and ')}`]
    }),
  ]
  if (problems.length > 0) throw new UsageError(problems)

  const measured = METRICS.filter((metric) => !notMeasured.some((missing) => missing.metric === metric))
  const found = spreads(measured, base.runs, now.runs, options)
  const metrics = measured.map((metric, i) =>
    metricDiff(
      metric,
      found[i]!,
      limits.filter((limit) => limit.metric === metric),
    ),
  )
  return {
    schemaVersion: 1,
    kind: 'diff',
    verdict: verdictOf(metrics, limits.length > 0),
    target: base.runs[0]!.result.target.name,
    base: base.runs.map(diffRun),
    new: now.runs.map(diffRun),
    metrics,
    notMeasured: notMeasured.map(({ metric, sides }) => ({ metric: metric.name, sides })),
    conditions: conditionsOf(base, now).noted,
    separatedByChance: separatedByChance(base.runs.length, now.runs.length),
  }
}

function sidesWithout(metric: Metric, sides: readonly Side[]): SideName[] {
  return sides
    .filter(({ runs }) => runs.some(({ result }) => metric.read(result) === undefined))
    .map(({ name }) => name)
}

function verdictOf(metrics: readonly MetricDiff[], limited: boolean): Diff['verdict'] {
  if (limited) return metrics.some(isRegression) ? 'regression' : 'no_regression'
  const differ = metrics.some(({ difference }) => difference === 'better' || difference === 'worse')
  return differ ? 'differences' : 'no_differences'
}

export function isRegression({ limits }: MetricDiff): boolean {
  return limits.some(({ verdict }) => verdict === 'exceeded')
}

function metricDiff(metric: Metric, spread: Spread, limits: readonly Limit[]): MetricDiff {
  const { name, title, unit, higherIsBetter } = metric
  const { noise, base, now, change } = spread
  return {
    metric: name,
    title,
    unit,
    higherIsBetter,
    base,
    new: now.value,
    change: change.value,
    ...(base !== 0 && { changePct: (change.value / base) * 100 }),
    noise,
    ...(noise !== 'unknown' && {
      changeInterval: { low: change.low, high: change.high },
      newInterval: { low: now.low, high: now.high },
    }),
    difference: differenceOf(metric, spread),
    limits: limits.map((limit) => ({
      limit: limit.text,
      bound: boundOf(limit, base),
      verdict: judgeLimit(limit, spread),
    })),
  }
}

function diffRun(run: SideRun): DiffRun {
  const { id, startedAt, environment, target, verdict } = run.result
  return {
    path: run.path,
    id,
    startedAt,
    ...(environment.gitCommit !== undefined && { gitCommit: environment.gitCommit }),
    ...(target.version !== undefined && { targetVersion: target.version }),
    valid: verdict.valid,
    failedChecks: failedChecks(run),
  }
}
