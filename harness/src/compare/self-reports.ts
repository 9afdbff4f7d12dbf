import { DURATION_NS, Histogram } from '../histogram.ts'
import { difference, readHistogram, type MetricHistogram } from '../self-report/prometheus.ts'
import { figuresOfMetric, selfReportOf, type SelfReportFigures } from '../self-report/self-report.ts'
import type { SelfReportSource } from '../targets/target.ts'
import type { SelfReport } from './record.ts'

/** What one source told in one turn. */
export type TurnReport =
  | { source: SelfReportSource; /** Of the shape DURATION_NS. */ ns: Histogram }
  | { source: Extract<SelfReportSource, { kind: 'prometheus' }>; grown: MetricHistogram }

const ANSWER_TIMEOUT_MS = 5_000

type MetricSource = Extract<SelfReportSource, { kind: 'prometheus' }>
export type MetricReadings = ReadonlyMap<MetricSource, MetricHistogram | undefined>

/** The metrics by which a target tells its own time, as they stand now. One that cannot be read is undefined. */
export async function readMetrics(url: string, sources: readonly SelfReportSource[]): Promise<MetricReadings> {
  const metrics = sources.filter((source) => source.kind === 'prometheus')
  return new Map(
    await Promise.all(
      metrics.map(async (source) => [source, readHistogram(await textAt(url + source.path), source.metric)] as const),
    ),
  )
}

async function textAt(url: string): Promise<string> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })).text()
  } catch {
    return ''
  }
}

export function grownMetrics(before: MetricReadings, after: MetricReadings): TurnReport[] {
  return [...after].flatMap(([source, now]) => {
    const grown = now && difference(before.get(source), now)
    return grown ? [{ source, grown }] : []
  })
}

/** All turns of a target as one report a source. */
export function selfReports(turns: readonly (readonly TurnReport[])[], addedMeanUs: number | undefined): SelfReport[] {
  const bySource = Map.groupBy(turns.flat(), ({ source }) => source)
  return [...bySource].flatMap(([source, reports]) => {
    const figures = figuresOf(source, reports)
    return figures ? [selfReportOf(source, figures, addedMeanUs)] : []
  })
}

function figuresOf(source: SelfReportSource, reports: readonly TurnReport[]): SelfReportFigures | undefined {
  if (source.kind === 'prometheus') {
    const grown = reports.flatMap((report) => ('grown' in report ? [report.grown] : []))
    return figuresOfMetric(sumOf(grown), source.unit)
  }
  const all = reports.flatMap((report) => ('ns' in report ? [report.ns] : []))
  const total = new Histogram(DURATION_NS)
  for (const each of all) total.add(each)
  if (total.count === 0) return undefined
  return {
    meanUs: total.mean / 1e3,
    p50Us: total.percentile(50) / 1e3,
    p99Us: total.percentile(99) / 1e3,
    requests: total.count,
  }
}

function sumOf(histograms: readonly MetricHistogram[]): MetricHistogram {
  const byLe = new Map<number, number>()
  for (const { buckets } of histograms) for (const { le, count } of buckets) byLe.set(le, (byLe.get(le) ?? 0) + count)
  return {
    count: histograms.reduce((sum, { count }) => sum + count, 0),
    sum: histograms.reduce((total, { sum }) => total + sum, 0),
    buckets: [...byLe].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le),
  }
}
