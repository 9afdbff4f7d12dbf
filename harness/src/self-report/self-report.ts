import type { SelfReport } from '../compare/record.ts'
import type { SelfReportSource } from '../targets/target.ts'
import { quantile, type MetricHistogram } from './prometheus.ts'
import { US_PER, type ReportUnit } from './units.ts'

/** What one source told over a window. */
export type SelfReportFigures = Pick<SelfReport, 'meanUs' | 'p50Us' | 'p99Us' | 'requests'>

/** Figures of a metric's growth over a window (`difference`); undefined when nothing was added to it. */
export function figuresOfMetric(grown: MetricHistogram, unit: ReportUnit): SelfReportFigures | undefined {
  if (grown.count === 0) return undefined
  const usOf = (value: number) => value * US_PER[unit]
  const [p50, p99] = [quantile(grown, 0.5), quantile(grown, 0.99)]
  return {
    meanUs: usOf(grown.sum / grown.count),
    ...(p50 !== undefined && { p50Us: usOf(p50) }),
    ...(p99 !== undefined && { p99Us: usOf(p99) }),
    requests: grown.count,
  }
}

/**
 * What a gateway says of itself beside what was measured.
 *
 * @param addedMeanUs Mean added latency that was measured; without it, or when it is not above 0, there is no ratio.
 */
export function selfReportOf(source: SelfReportSource, figures: SelfReportFigures, addedMeanUs?: number): SelfReport {
  const ratio = addedMeanUs !== undefined && addedMeanUs > 0 && { ratioToMeasured: figures.meanUs / addedMeanUs }
  return { source: nameOf(source), claims: source.claims, ...figures, ...ratio }
}

function nameOf(source: SelfReportSource): string {
  switch (source.kind) {
    case 'header':
      return source.header
    case 'prometheus':
      return source.metric
    case 'server_timing':
      return 'server-timing'
  }
}
