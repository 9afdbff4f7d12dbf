import { setImmediate } from 'node:timers/promises'

import { Registry } from 'prom-client'

import { BOUNDS } from '../core/bucket-histogram.ts'
import type { RequestType } from '../core/providers/provider.ts'
import type { BucketCounts, GatewaySnapshot, ProviderSnapshot, RouteSnapshot, TypeSnapshot } from '../core/snapshot.ts'
import { STAGE_BOUNDS_NS } from '../core/stage-histograms.ts'
import { Family, type HistogramSample, type Sample } from './metric-family.ts'

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

const PATHS: Record<RequestType, string> = {
  chat_completion: '/v1/chat/completions',
  chat_completion_stream: '/v1/chat/completions',
  embedding: '/v1/embeddings',
}

/**
 * The text of GET /metrics. Counters count from the gateway's start, whatever is reset in between.
 *
 * With one label set this takes 1 ms; with 150 series of provider, model and labels 20 ms, at the limits in traffic.ts
 * 0.5 s and 17 MB. So it goes from family to family in turns of the event loop, and requests run in between.
 */
export async function renderMetrics(snapshot: GatewaySnapshot): Promise<string> {
  const registry = new Registry()
  const texts: string[] = []
  for (const family of [
    ...requestFamilies(snapshot.types),
    ...routeFamilies(snapshot.routes),
    ...providerFamilies(snapshot.providers),
    ...gatewayFamilies(snapshot),
    ...requestLogFamilies(snapshot),
    ...processFamilies(snapshot),
  ]) {
    registry.registerMetric(family)
    texts.push(await registry.getSingleMetricAsString(family.metricName))
    await setImmediate()
  }
  return `${texts.join('\n\n')}\n`
}

function requestFamilies(types: readonly TypeSnapshot[]): Family[] {
  const own = (type: RequestType) => ({ path: PATHS[type], method: 'POST', type })
  return [
    Family.counter('gateway_http_requests_total', 'Finished requests by status; 499 is a caller that went away', () =>
      types.flatMap(({ labels, type, byStatus }) =>
        Object.entries(byStatus).map(([status, value]): Sample => {
          return { labels: { ...own(type), status, ...labels }, value }
        }),
      ),
    ),
    Family.histogram(
      'gateway_http_request_duration_seconds',
      'Request headers seen to answer handed to the socket',
      BOUNDS.latencyS,
      () => types.map(({ labels, type, durationS }) => cumulative({ ...own(type), ...labels }, durationS)),
    ),
    Family.histogram(
      'gateway_overhead_latency_microseconds',
      'Time in the gateway without http_request',
      BOUNDS.overheadUs,
      () => types.map(({ labels, type, overheadUs }) => cumulative({ type, ...labels }, overheadUs)),
    ),
  ]
}

function routeFamilies(routes: readonly RouteSnapshot[]): Family[] {
  const own = ({ provider, model, labels }: RouteSnapshot) => ({ provider, model, ...labels })
  const counter = (name: string, help: string, value: (route: RouteSnapshot) => number): Family =>
    Family.counter(name, help, () => routes.map((route) => ({ labels: own(route), value: value(route) })))
  const streams = routes.filter(({ firstTokenS, betweenTokensS }) => firstTokenS.count + betweenTokensS.count > 0)
  return [
    counter(
      'gateway_upstream_requests_total',
      'Tries sent to a provider, retries included',
      ({ upstreamRequests }) => upstreamRequests,
    ),
    counter('gateway_success_requests_total', 'Requests answered with success', ({ successes }) => successes),
    Family.counter('gateway_error_requests_total', 'Requests that failed in the end, by status', () =>
      routes.flatMap(({ provider, model, labels, errorsByStatus }) =>
        Object.entries(errorsByStatus).map(([status, value]): Sample => {
          return { labels: { provider, model, status, ...labels }, value }
        }),
      ),
    ),
    Family.histogram(
      'gateway_upstream_latency_seconds',
      'First byte written to the provider to last byte read',
      BOUNDS.latencyS,
      () => routes.map((route) => cumulative(own(route), route.upstreamLatencyS)),
    ),
    Family.histogram(
      'gateway_stream_first_token_latency_seconds',
      'Request headers seen to the first event of a stream handed to the caller',
      BOUNDS.latencyS,
      () => streams.map((route) => cumulative(own(route), route.firstTokenS)),
    ),
    Family.histogram(
      'gateway_stream_inter_token_latency_seconds',
      'Events of a stream handed to the caller to the next ones handed over',
      BOUNDS.betweenTokensS,
      () => streams.map((route) => cumulative(own(route), route.betweenTokensS)),
    ),
    counter('gateway_input_tokens_total', 'Prompt tokens that providers reported', ({ inputTokens }) => inputTokens),
    counter(
      'gateway_output_tokens_total',
      'Completion tokens that providers reported',
      ({ outputTokens }) => outputTokens,
    ),
    Family.histogram('gateway_request_retries', 'Tries after the first, per request', BOUNDS.retries, () =>
      routes.map((route) => cumulative(own(route), route.retries)),
    ),
    Family.counter(
      'gateway_key_rotation_events_total',
      'Requests that went on with another key: this one was limited in rate, or refused',
      () =>
        routes.flatMap(({ provider, model, labels, rotations }) =>
          rotations.map(({ keyName, reason, count }): Sample => {
            return { labels: { provider, model, key_name: keyName, reason, ...labels }, value: count }
          }),
        ),
    ),
  ]
}

function providerFamilies(providers: readonly ProviderSnapshot[]): Family[] {
  const samples = (value: (provider: ProviderSnapshot) => number) => (): Sample[] =>
    providers.map((provider) => ({ labels: { provider: provider.name }, value: value(provider) }))
  return [
    Family.gauge(
      'gateway_queue_active_workers',
      "Requests that a provider's workers are busy with now",
      samples(({ queue }) => queue.active),
    ),
    Family.gauge(
      'gateway_queue_buffered',
      "Requests waiting in a provider's buffer now",
      samples(({ queue }) => queue.buffered),
    ),
    Family.gauge(
      'gateway_queue_waiting_for_room',
      "Requests waiting for room in a provider's full buffer now",
      samples(({ queue }) => queue.waitingForRoom),
    ),
    Family.gauge('gateway_upstream_connections', 'Connections to a provider now', () =>
      providers.flatMap(({ name, connections }): Sample[] => [
        { labels: { provider: name, state: 'idle' }, value: connections.idle },
        { labels: { provider: name, state: 'in_use' }, value: connections.inUse },
      ]),
    ),
    Family.gauge(
      'gateway_upstream_connection_waiters',
      'Requests waiting for a connection to a provider now',
      samples(({ connections }) => connections.waiting),
    ),
    Family.counter(
      'gateway_upstream_connections_opened_total',
      'Connections to a provider that were begun',
      samples(({ connections }) => connections.openedTotal),
    ),
    Family.gauge(
      'gateway_deadlines_pending',
      'Requests with a provider whose time is running now',
      samples(({ deadlinesPending }) => deadlinesPending),
    ),
  ]
}

function gatewayFamilies({ stages, contexts, waitingBodyBytes, workers, workerRestarts }: GatewaySnapshot): Family[] {
  return [
    Family.histogram(
      'gateway_stage_seconds',
      'Time per stage of the gateway',
      STAGE_BOUNDS_NS.map((boundNs) => boundNs / 1e9),
      () =>
        stages.map(({ name, total: { atMost, sumNs, count } }) => {
          return { labels: { stage: name }, atMost, sum: sumNs / 1e9, count }
        }),
    ),
    Family.gauge('gateway_active_requests', 'Requests in the gateway now', only(contexts.inUse)),
    Family.gauge('gateway_request_contexts', 'Request contexts allocated, in use or not', only(contexts.total)),
    Family.gauge(
      'gateway_waiting_body_bytes',
      'Bodies of requests that have not gone upstream yet, together',
      only(waitingBodyBytes),
    ),
    Family.gauge('gateway_workers', 'Processes that these figures are of', only(workers)),
    ...(workerRestarts === undefined
      ? []
      : [
          Family.counter(
            'gateway_worker_restarts_total',
            'Processes that were started in place of one that had died',
            only(workerRestarts),
          ),
        ]),
  ]
}

function requestLogFamilies({ requestLog }: GatewaySnapshot): Family[] {
  if (requestLog === undefined) return []
  const { written, dropped, waiting, failures, batches } = requestLog
  return [
    Family.counter('gateway_request_log_rows_total', 'Rows of the request log that came to their end', () => [
      { labels: { outcome: 'written' }, value: written },
      { labels: { outcome: 'dropped' }, value: dropped },
    ]),
    Family.gauge('gateway_request_log_waiting', 'Rows waiting for the database now', only(waiting)),
    Family.counter('gateway_request_log_batches_total', 'Batches of rows that were written', only(batches)),
    Family.counter('gateway_request_log_failures_total', 'Attempts at writing that failed', only(failures)),
  ]
}

/** Under the names that every Prometheus client gives them. */
function processFamilies({ process }: GatewaySnapshot): Family[] {
  return [
    Family.counter('process_cpu_seconds_total', 'User and system time of all workers', only(process.cpuS)),
    Family.gauge('process_resident_memory_bytes', 'Resident memory of all workers', only(process.residentBytes)),
    Family.gauge('process_open_fds', 'Open file descriptors of all workers', only(process.openFds)),
    Family.counter(
      'gateway_event_loop_seconds_total',
      'What event loops spent at work and waiting for something to do; a rate of active near 1 a worker is saturation',
      () => [
        { labels: { state: 'active' }, value: process.eventLoopActiveS },
        { labels: { state: 'idle' }, value: process.eventLoopIdleS },
      ],
    ),
  ]
}

function only(value: number): () => Sample[] {
  return () => [{ labels: {}, value }]
}

function cumulative(labels: Record<string, string>, { counts, sum, count }: BucketCounts): HistogramSample {
  let total = 0
  return { labels, atMost: counts.map((inBucket) => (total += inBucket)), sum, count }
}
