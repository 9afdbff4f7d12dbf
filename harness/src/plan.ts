import { TIMING_REQUEST_HEADER } from '@gatebench/gateway/stages'
import { constantArrivals, type ArrivalSchedule } from './arrivals.ts'
import type { RunConfig } from './config.ts'

/** All that a run will do, decided before it starts. Plain data, so that it can be handed to a thread. */
export interface Plan {
  ratePerSec: number
  durationMs: number
  warmupMs: number
  /** Requests due inside the window. */
  requests: number
  /** Connections over all threads, opened before the warm-up; also the bound on requests in flight. */
  connections: number
  timeoutMs: number
  threads: number
  seed: number
  request: RequestTemplate
  /** Probes beside the load, per second and line; 0 for none. */
  probeRatePerSec: number
  mockLatencyMs: number
}

/** The request that is sent: one payload, the same for every target. */
export interface RequestTemplate {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string
}

/** Pure: the same config and number of connections give the same plan. */
export function planRun(config: RunConfig, connections: number): Plan {
  return {
    ratePerSec: config.ratePerSec,
    durationMs: config.durationMs,
    warmupMs: config.warmupMs,
    requests: constantArrivals(config).count,
    connections,
    timeoutMs: config.timeoutMs,
    threads: config.threads,
    seed: config.seed,
    request: {
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', [TIMING_REQUEST_HEADER]: '1', ...config.headers },
      body: requestBody(config.model, config.requestBytes),
    },
    // Straight to the mock there is no gateway to go past.
    probeRatePerSec: config.target === 'direct' ? 0 : config.probeRatePerSec,
    mockLatencyMs: config.mockLatencyMs,
  }
}

/** Smallest body that can be asked for with this model, bytes: an empty message. */
export function requestBytesMin(model: string): number {
  return Buffer.byteLength(chatBody(model, ''))
}

const SENTENCE = 'Measure from the moment a request was due, and let every microsecond have an owner. '

/** A chat completion of exactly `sizeBytes` bytes. */
function requestBody(model: string, sizeBytes: number): string {
  const fillBytes = sizeBytes - requestBytesMin(model)
  if (fillBytes < 0) throw new RangeError(`a request body for ${model} takes at least ${requestBytesMin(model)} bytes`)
  return chatBody(model, SENTENCE.repeat(Math.ceil(fillBytes / SENTENCE.length)).slice(0, fillBytes))
}

function chatBody(model: string, content: string): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content }] })
}

/** The share of one thread: every `threads`-th request, so that each thread is paced evenly. */
export interface ThreadShare {
  schedule: ArrivalSchedule
  /** First position that this thread sends; the next are `step` apart. */
  first: number
  step: number
  connections: number
}

/** Shares that together send every position of the plan exactly once and use exactly its connections. */
export function shareOf(plan: Plan, thread: number): ThreadShare {
  const schedule = constantArrivals(plan)
  return {
    schedule,
    first: -schedule.warmupCount + thread,
    step: plan.threads,
    connections: Math.floor(plan.connections / plan.threads) + (thread < plan.connections % plan.threads ? 1 : 0),
  }
}
