import { STAGES, type StageName } from '@gatebench/gateway/stages'
import type { Interval } from '../compare/record.ts'
import { titleOf } from '../facts.ts'
import { OVERHEADS } from '../overheads.ts'

/** What a claim can be about, in which units, and where the measured figure of the same name comes from. */

/** One run of the claimed load, by every definition that it gave; what was not measured has no key. */
export interface Measured {
  /** The verdict of bench on its own measurement, and the names of the checks that failed. */
  valid: boolean
  failedChecks: readonly string[]
  /** Means by the account that the target gives of its own time. */
  publishedUs?: number
  inProcessUs?: number
  stagesUs?: Partial<Record<StageName, number>>
  /** What the caller waits above mock and floor. */
  clientMeanUs?: Interval
  clientP99Us?: Interval
  /** From due to end. */
  latencyMeanMs?: number
  latencyP50Ms?: number
  latencyP90Ms?: number
  latencyP95Ms?: number
  latencyP99Ms?: number
  /** Ok answers per second under the claimed rate. */
  completedPerSec?: number
  /** ok / planned. */
  successRate?: number
  /** Of the target and its children. */
  peakMemoryMiB?: number
  /** Largest rate that the target carried; absent too when mock or driver were at their own limit. */
  maxPerSec?: number
  /** What the target says of its own overhead in a header or a metric. */
  selfReportedP50Us?: number
  selfReportedP99Us?: number
}

export type Dimension = 'time' | 'memory' | 'share' | 'rate'

/** A unit in those that judgements are made in: us, MiB, a ratio, requests per second. */
interface Unit {
  dimension: Dimension
  /** What one of it is at least and at most. */
  least: number
  most: number
}

const exactly = (dimension: Dimension, size: number): Unit => ({ dimension, least: size, most: size })

export const UNITS = {
  us: exactly('time', 1),
  ms: exactly('time', 1_000),
  s: exactly('time', 1_000_000),
  MiB: exactly('memory', 1),
  // 10^6 or 2^20 bytes: those who publish MB seldom say which.
  MB: { dimension: 'memory', least: 1e6 / 2 ** 20, most: 1 },
  '%': exactly('share', 0.01),
  per_s: exactly('rate', 1),
} satisfies Record<string, Unit>

export type UnitName = keyof typeof UNITS

interface Metric {
  title: string
  dimension: Dimension
  /** Comes from the target's own account of its time, which few targets give. */
  ownAccount?: boolean
  /** Says how much of the load was carried, so that it means something when not all of it was. */
  ofLoad?: boolean
  /** In us, MiB, a ratio or per second. */
  read(measured: Measured): number | Interval | undefined
}

const latency = (title: string, read: (measured: Measured) => number | undefined): Metric => ({
  title,
  dimension: 'time',
  read: (measured) => {
    const ms = read(measured)
    return ms === undefined ? undefined : ms * 1_000
  },
})

const FIXED = {
  published_overhead: {
    title: OVERHEADS[0].title,
    dimension: 'time',
    ownAccount: true,
    read: (m) => m.publishedUs,
  },
  in_process_overhead: {
    title: OVERHEADS[1].title,
    dimension: 'time',
    ownAccount: true,
    read: (m) => m.inProcessUs,
  },
  client_overhead_mean: {
    title: `${OVERHEADS[2].title}, mean`,
    dimension: 'time',
    read: (m) => m.clientMeanUs,
  },
  client_overhead_p99: {
    title: `${OVERHEADS[2].title}, p99`,
    dimension: 'time',
    read: (m) => m.clientP99Us,
  },
  self_reported_overhead_p50: {
    title: 'Overhead, self-reported, p50',
    dimension: 'time',
    ownAccount: true,
    read: (m) => m.selfReportedP50Us,
  },
  self_reported_overhead_p99: {
    title: 'Overhead, self-reported, p99',
    dimension: 'time',
    ownAccount: true,
    read: (m) => m.selfReportedP99Us,
  },
  latency_mean: latency('Latency, mean', (m) => m.latencyMeanMs),
  latency_p50: latency('Latency, p50', (m) => m.latencyP50Ms),
  latency_p90: latency('Latency, p90', (m) => m.latencyP90Ms),
  latency_p95: latency('Latency, p95', (m) => m.latencyP95Ms),
  latency_p99: latency('Latency, p99', (m) => m.latencyP99Ms),
  throughput: { title: 'Answers per second', dimension: 'rate', ofLoad: true, read: (m) => m.completedPerSec },
  success_rate: { title: 'Success rate', dimension: 'share', ofLoad: true, read: (m) => m.successRate },
  max_rate: { title: 'Largest rate', dimension: 'rate', read: (m) => m.maxPerSec },
  peak_memory: { title: 'Peak memory', dimension: 'memory', read: (m) => m.peakMemoryMiB },
} satisfies Record<string, Metric>

export type MetricName = keyof typeof FIXED | `stage.${StageName}`

const stageMetrics = STAGES.map(({ name }): [MetricName, Metric] => [
  `stage.${name}`,
  { title: `Stage, ${titleOf(name)}`, dimension: 'time', ownAccount: true, read: (m) => m.stagesUs?.[name] },
])

const METRICS = new Map<string, Metric>([...Object.entries(FIXED), ...stageMetrics])

export const METRIC_NAMES = [...METRICS.keys()] as MetricName[]

export function metricOf(name: MetricName): Metric {
  return METRICS.get(name)!
}

/** The measured figure with its interval, in us, MiB, a ratio or per second; one without an interval is its own. */
export function measuredInterval(name: MetricName, measured: Measured): Interval | undefined {
  const figure = metricOf(name).read(measured)
  return typeof figure === 'number' ? { value: figure, low: figure, high: figure } : figure
}
