import { TIMING_REQUEST_HEADER } from '@gatebench/gateway/stages'
import { constantArrivals, type ArrivalSchedule } from './arrivals.ts'
import type { RunConfig } from './config.ts'
import { requestBody } from './request-body.ts'
import type { ReportUnit } from './self-report/units.ts'

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
  mockJitterMs: number
}

/** The request that is sent: one payload, the same for every target. */
export interface RequestTemplate {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string
  /** A 2xx answer whose body does not hold this is no answer to it. Absent: any body will do. */
  answerHolds?: string
  /** Header of the answers by which the target tells its own time. */
  selfReport?: { header: string; unit: ReportUnit }
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
      body: requestBody(config.model, config.requestBytes, config.body),
      answerHolds: COMPLETION_MARK,
    },
    // Straight to the mock there is no gateway to go past.
    probeRatePerSec: config.target === 'direct' ? 0 : config.probeRatePerSec,
    mockLatencyMs: config.mockLatencyMs,
    mockJitterMs: config.mockJitterMs,
  }
}

/** Every chat completion has it, no error body does. */
const COMPLETION_MARK = '"choices"'

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
