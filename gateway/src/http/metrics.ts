import { Counter, Gauge, Histogram, type HistogramConfiguration, Registry } from 'prom-client'

import type { Gateway } from '../core/gateway.ts'
import { STAGE_BOUNDS_NS } from '../core/stage-histograms.ts'
import { SEGMENTS } from '../core/stages.ts'
import type { BucketHistogram } from '../core/traffic.ts'
import type { HttpContext } from './http-context.ts'

/** One labelled series of a histogram: counts up to each bound, the last up to infinity. */
interface Series {
  labels: Record<string, string>
  cumulative: readonly number[]
  sum: number
  count: number
}

/**
 * A prom-client histogram that is filled when it is read. Its own `observe` looks up labels and allocates on every
 * request; the gateway counts in plain numbers and hands them over here.
 */
class FedHistogram extends Histogram {
  private readonly read: () => Series[]
  private readonly configuration: HistogramConfiguration<string>

  constructor(configuration: HistogramConfiguration<string>, read: () => Series[]) {
    super(configuration)
    this.configuration = configuration
    this.read = read
  }

  override get(): ReturnType<Histogram['get']> {
    const { name, help, buckets = [] } = this.configuration
    const values = this.read().flatMap(({ labels, cumulative, sum, count }) => [
      ...buckets.map((le, index) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le },
        value: cumulative[index]!,
      })),
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ])
    return Promise.resolve({
      name,
      help,
      type: 'histogram' as never,
      values,
      aggregator: 'sum',
      collect: () => undefined,
    })
  }

  /** The registry prefers this over `get`; the types of prom-client do not tell. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get()
  }
}

const STAGE_BOUNDS_S = STAGE_BOUNDS_NS.map((boundNs) => boundNs / 1e9)

/** GET /metrics. Everything counts from the gateway's start. */
export function metricsRegistry(gateway: Gateway<HttpContext>): Registry {
  const registers = [new Registry()] as const
  const { traffic, providers, contexts } = gateway
  const counter = (name: string, help: string, labelNames: string[], read: (set: SetValue) => void): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers: [...registers],
      collect() {
        this.reset()
        read((value, labels = {}) => {
          this.inc(labels, value)
        })
      },
    })
  }
  const histogram = (
    name: string,
    help: string,
    labelNames: string[],
    buckets: number[],
    read: () => Series[],
  ): void => {
    new FedHistogram({ name, help, labelNames, buckets, registers: [...registers] }, read)
  }
  const perProvider = (value: (provider: (typeof providers)[number]) => number) => (set: SetValue) => {
    for (const provider of providers) set(value(provider), { provider: provider.name })
  }

  counter('gateway_http_requests_total', 'Finished chat completions by status', ['status'], (set) => {
    for (const [status, count] of traffic.byStatus) set(count, { status: String(status) })
  })
  histogram(
    'gateway_http_request_duration_seconds',
    'Request headers seen to answer handed to the socket',
    [],
    [...traffic.durationS.bounds],
    () => [series({}, traffic.durationS)],
  )
  counter(
    'gateway_upstream_requests_total',
    'Requests handed to the connections of a provider',
    ['provider'],
    perProvider(({ traffic: { upstreamRequests } }) => upstreamRequests),
  )
  counter(
    'gateway_success_requests_total',
    'Requests answered with success',
    ['provider'],
    perProvider(({ traffic: { successes } }) => successes),
  )
  counter('gateway_error_requests_total', 'Requests that failed, by status', ['provider', 'status'], (set) => {
    for (const provider of providers) {
      for (const [status, count] of provider.traffic.errors) {
        set(count, { provider: provider.name, status: String(status) })
      }
    }
  })
  histogram(
    'gateway_upstream_latency_seconds',
    'First byte written to the provider to last byte read',
    ['provider'],
    [...(providers[0]?.traffic.upstreamLatencyS.bounds ?? [])],
    () => providers.map(({ name, traffic: { upstreamLatencyS } }) => series({ provider: name }, upstreamLatencyS)),
  )
  counter(
    'gateway_input_tokens_total',
    'Prompt tokens that providers reported',
    ['provider'],
    perProvider(({ traffic: { inputTokens } }) => inputTokens),
  )
  counter(
    'gateway_output_tokens_total',
    'Completion tokens that providers reported',
    ['provider'],
    perProvider(({ traffic: { outputTokens } }) => outputTokens),
  )
  histogram(
    'gateway_overhead_latency_microseconds',
    'Time in the gateway without http_request',
    [],
    [...traffic.overheadUs.bounds],
    () => [series({}, traffic.overheadUs)],
  )
  histogram('gateway_stage_seconds', 'Time per stage of the gateway', ['stage'], STAGE_BOUNDS_S, () =>
    SEGMENTS.map(({ name }, slot): Series => {
      const { atMost, sumNs, count } = gateway.histograms.totals(slot)
      return { labels: { stage: name }, cumulative: atMost, sum: sumNs / 1e9, count }
    }),
  )
  new Gauge({
    name: 'gateway_active_requests',
    help: 'Requests in the gateway now',
    registers: [...registers],
    collect() {
      this.set(contexts.inUse)
    },
  })
  new Gauge({
    name: 'gateway_upstream_connections',
    help: 'Connections to a provider now',
    labelNames: ['provider', 'state'],
    registers: [...registers],
    collect() {
      for (const { name, pool } of providers) {
        this.set({ provider: name, state: 'idle' }, pool.counters.idle)
        this.set({ provider: name, state: 'in_use' }, pool.counters.inUse)
      }
    },
  })
  return registers[0]
}

type SetValue = (value: number, labels?: Record<string, string>) => void

function series(labels: Record<string, string>, { counts, sum, count, bounds }: BucketHistogram): Series {
  let total = 0
  return { labels, cumulative: bounds.map((_bound, index) => (total += counts[index]!)), sum, count }
}
