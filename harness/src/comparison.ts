import { STAGES } from '@gatebench/gateway/stages'
import { findDifferences, type Difference } from './differences.ts'
import type { PublishedFigures } from './published.ts'
import type { Result } from './recording.ts'
import { OVERHEADS } from './overheads.ts'

export type Unit = 'ratio' | 'ms' | 'us' | 'MiB' | 'MB'

/** One figure; without a value it was not measured, or not published. */
export interface Cell {
  unit: Unit
  value?: number
  /** Present when one clock reading cannot resolve the stage; the value is then the batch's, or absent. */
  belowClockUs?: number
}

/** From the first run to the second. */
export interface Improvement {
  /** (second - first) / first in %; for ratios second - first in percentage points. */
  change: number
  in: 'percent' | 'points'
  /** Undefined when nothing changed. */
  better?: boolean
}

export interface ComparisonRow {
  metric: string
  unit: Unit
  /** One a run, in their order. */
  cells: Cell[]
  /** One a published column, in their order. */
  published: Cell[]
  /** Present for two runs that both measured it in the same way. */
  improvement?: Improvement
}

export interface ComparedRun {
  /** A, B, ... as in the column heads. */
  letter: string
  result: Result
  failedChecks: string[]
}

export interface Comparison {
  runs: ComparedRun[]
  published: PublishedFigures[]
  rows: ComparisonRow[]
  incomparable: Difference[]
  /** Nothing that blocks differs, and every run is valid: the improvements mean what they say. */
  sound: boolean
}

interface Metric {
  metric: string
  unit: Unit
  higherIsBetter?: boolean
  ofRun: (result: Result) => Omit<Cell, 'unit'> | number | undefined
  ofPublished?: (figures: PublishedFigures) => number
  /** Where others publish in another unit than ours and no conversion is certain. */
  publishedUnit?: Unit
}

const PERCENTILES = [
  { key: 'p50', title: 'p50' },
  { key: 'p90', title: 'p90' },
  { key: 'p95', title: 'p95' },
  { key: 'p99', title: 'p99' },
  { key: 'p999', title: 'p99.9' },
  { key: 'max', title: 'Max' },
] as const

function stageFigure(result: Result, name: string): Omit<Cell, 'unit'> | undefined {
  const stage = result.stagesUs?.[name]
  if (!stage) return undefined
  if (!stage.belowClock) return { value: stage.mean }
  const { clockUs, batchMeanUs } = stage.belowClock
  return batchMeanUs === undefined ? { belowClockUs: clockUs } : { belowClockUs: clockUs, value: batchMeanUs }
}

const METRICS: readonly Metric[] = [
  {
    metric: 'Success Rate',
    unit: 'ratio',
    higherIsBetter: true,
    ofRun: ({ requests }) => requests.successRate,
    ofPublished: ({ successRatePct }) => successRatePct / 100,
  },
  {
    metric: 'Average Latency (from due)',
    unit: 'ms',
    ofRun: ({ latencyMs }) => latencyMs?.fromDue.mean,
    ofPublished: ({ averageLatencyMs }) => averageLatencyMs,
  },
  { metric: 'Average Service Time (from sent)', unit: 'ms', ofRun: ({ latencyMs }) => latencyMs?.fromSent.mean },
  ...PERCENTILES.map(({ key, title }): Metric => ({
    metric: `${title} Latency (from due)`,
    unit: 'ms',
    ofRun: ({ latencyMs }) => latencyMs?.fromDue[key],
  })),
  {
    metric: 'Peak Memory (gateway)',
    unit: 'MiB',
    ofRun: ({ resources }) => resources.gateway?.rssPeakMiB,
    ofPublished: ({ peakMemoryMB }) => peakMemoryMB,
    publishedUnit: 'MB',
  },
  { metric: 'Mean Memory (gateway)', unit: 'MiB', ofRun: ({ resources }) => resources.gateway?.rssMeanMiB },
  { metric: 'CPU per Request (gateway)', unit: 'us', ofRun: ({ resources }) => resources.gateway?.cpuUsPerRequest },
  ...STAGES.map(({ name, title }): Metric => ({
    metric: title,
    unit: 'us',
    ofRun: (result) => stageFigure(result, name),
    ofPublished: ({ stagesUs }) => stagesUs[name],
  })),
  ...OVERHEADS.map(({ name, title }): Metric => {
    const metric: Metric = { metric: title, unit: 'us', ofRun: ({ overheadUs }) => overheadUs?.[name]?.mean }
    return name === 'published' ? { ...metric, ofPublished: ({ overheadUs }) => overheadUs } : metric
  }),
]

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

function cellOf(unit: Unit, figure: Omit<Cell, 'unit'> | number | undefined): Cell {
  if (figure === undefined) return { unit }
  return typeof figure === 'number' ? { unit, value: figure } : { unit, ...figure }
}

/**
 * The change from the first figure to the second; undefined where there is none to speak of: a figure is missing, the
 * first is 0, or one was timed singly and the other in a batch.
 */
export function improvementOf(first: Cell, second: Cell, higherIsBetter = false): Improvement | undefined {
  if (first.value === undefined || second.value === undefined) return undefined
  if ((first.belowClockUs === undefined) !== (second.belowClockUs === undefined)) return undefined
  const difference = second.value - first.value
  const inPoints = first.unit === 'ratio'
  if (!inPoints && first.value === 0) return undefined
  const change = inPoints ? difference * 100 : (difference / first.value) * 100
  const improvement: Improvement = { change, in: inPoints ? 'points' : 'percent' }
  return difference === 0 ? improvement : { ...improvement, better: difference > 0 === higherIsBetter }
}

/** Runs side by side, in the shape of the published table; published figures stand beside them, never among them. */
export function compareRuns(
  results: readonly Result[],
  { published = [] }: { published?: readonly PublishedFigures[] } = {},
): Comparison {
  const runs = results.map((result, index) => ({
    letter: LETTERS[index] ?? `R${index + 1}`,
    result,
    failedChecks: result.verdict.checks.filter((check) => !check.ok).map((check) => check.name),
  }))
  const rows = METRICS.map(({ metric, unit, higherIsBetter, ofRun, ofPublished, publishedUnit }): ComparisonRow => {
    const cells = results.map((result) => cellOf(unit, ofRun(result)))
    const row: ComparisonRow = {
      metric,
      unit,
      cells,
      published: published.map((figures) => cellOf(publishedUnit ?? unit, ofPublished?.(figures))),
    }
    const improvement = cells.length === 2 ? improvementOf(cells[0]!, cells[1]!, higherIsBetter) : undefined
    return improvement === undefined ? row : { ...row, improvement }
  })
  const incomparable = findDifferences(results)
  const blocked = incomparable.some(({ severity }) => severity === 'blocks')
  return {
    runs,
    published: [...published],
    rows,
    incomparable,
    sound: !blocked && results.every(({ verdict }) => verdict.valid),
  }
}
