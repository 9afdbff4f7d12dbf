import { SEGMENTS } from '@gatebench/gateway/stages'
import { OVERHEADS } from '../overheads.ts'
import type { Result } from '../recording.ts'

export type MetricUnit = 'ms' | 'us' | 'ratio' | 'MiB' | 'perSec'

/** Figures that a run's histogram log of latencies from due can be asked for second by second, with their percentiles. */
export const LOG_PERCENTILES = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const
export type LogFigure = 'mean' | keyof typeof LOG_PERCENTILES

/** One figure of a run that can be held against that of another. */
export interface Metric {
  /** As `--max` takes it. */
  name: string
  title: string
  unit: MetricUnit
  higherIsBetter: boolean
  /** Undefined where the run did not measure it. */
  read: (result: Result) => number | undefined
  /** Present where latency.hlog tells how the figure varies inside a run. */
  ofLog?: LogFigure
}

type Reader = Metric['read']

const lower = (name: string, title: string, unit: MetricUnit, read: Reader): Metric => ({
  name,
  title,
  unit,
  higherIsBetter: false,
  read,
})
const higher = (name: string, title: string, unit: MetricUnit, read: Reader): Metric => ({
  ...lower(name, title, unit, read),
  higherIsBetter: true,
})
const latency = (name: LogFigure, title: string): Metric => ({
  ...lower(name, title, 'ms', ({ latencyMs }) => latencyMs?.fromDue[name]),
  ofLog: name,
})

export const METRICS: readonly Metric[] = [
  latency('mean', 'mean latency, from due'),
  latency('p50', 'median latency, from due'),
  latency('p90', 'p90 latency, from due'),
  latency('p95', 'p95 latency, from due'),
  latency('p99', 'p99 latency, from due'),
  latency('p999', 'p99.9 latency, from due'),
  lower('max', 'largest latency, from due', 'ms', ({ latencyMs }) => latencyMs?.fromDue.max),
  lower('service_mean', 'mean service time, from sent', 'ms', ({ latencyMs }) => latencyMs?.fromSent.mean),
  lower('service_p99', 'p99 service time, from sent', 'ms', ({ latencyMs }) => latencyMs?.fromSent.p99),
  higher('success', 'success rate', 'ratio', ({ requests }) => requests.successRate),
  higher('throughput', 'completed requests', 'perSec', ({ rate }) => rate.completedPerSec),
  lower('cpu', 'CPU per request, gateway', 'us', ({ resources }) => resources.gateway?.cpuUsPerRequest),
  lower('memory_peak', 'peak memory, gateway', 'MiB', ({ resources }) => resources.gateway?.rssPeakMiB),
  lower('memory_mean', 'mean memory, gateway', 'MiB', ({ resources }) => resources.gateway?.rssMeanMiB),
  ...OVERHEADS.map(({ name, title }) =>
    lower(`overhead_${name}`, `mean ${title.toLowerCase()}`, 'us', ({ overheadUs }) => overheadUs?.[name]?.mean),
  ),
  ...SEGMENTS.map(({ name, title }) =>
    lower(`stage.${name}`, `mean ${title}`, 'us', ({ stagesUs }) => {
      const stage = stagesUs?.[name]
      // Single readings of a stage that is shorter than a clock call measure the clock.
      return stage?.belowClock ? undefined : stage?.mean
    }),
  ),
]

export function metricNamed(name: string): Metric | undefined {
  return METRICS.find((metric) => metric.name === name)
}
