import { TIMING_REQUEST_HEADER } from '@gatebench/gateway/stages'
import type { RunConfig } from './config.ts'
import type { Plan, RequestTemplate } from './plan.ts'

export const PROBE_NAMES = ['floor', 'ping'] as const

/**
 * `floor`: the plan's own request, past the gateway, straight to the mock. `ping`: to the gateway's health route, which
 * it answers by itself: the way between driver and gateway under this very load, measured apart from the load's requests.
 */
export type ProbeName = (typeof PROBE_NAMES)[number]

/** A trickle of requests beside the load, at the plan's probe rate, on connections of its own. */
export interface ProbeLine {
  url: string
  request: RequestTemplate
  /** Opened ahead; the bound on its requests in flight. */
  connections: number
}

export type ProbeLines = Partial<Record<ProbeName, ProbeLine>>

/** Room for a probe that meets a stall of this many seconds. */
const STALL_ROOM_SEC = 1
const CONNECTIONS_MIN = 10

/** Connections that the probes of a run have at the most. */
export function probeConnections({
  probeRatePerSec,
  mockLatencyMs,
}: Pick<RunConfig, 'probeRatePerSec' | 'mockLatencyMs'>): Record<ProbeName, number> {
  if (probeRatePerSec === 0) return { floor: 0, ping: 0 }
  const lasting = (answerSec: number): number =>
    Math.ceil(probeRatePerSec * (answerSec + STALL_ROOM_SEC)) + CONNECTIONS_MIN
  return { floor: lasting(mockLatencyMs / 1e3), ping: lasting(0) }
}

/** The probes of a run. A url is absent where there is nothing to probe. */
export function planProbes(plan: Plan, urls: { mock?: string; gateway?: string }): ProbeLines {
  const connections = probeConnections(plan)
  if (plan.probeRatePerSec === 0) return {}
  return {
    ...(urls.mock !== undefined && {
      floor: { url: urls.mock, request: plan.request, connections: connections.floor },
    }),
    ...(urls.gateway !== undefined && {
      ping: {
        url: urls.gateway,
        request: { method: 'GET' as const, path: '/health', headers: { [TIMING_REQUEST_HEADER]: '1' }, body: '' },
        connections: connections.ping,
      },
    }),
  }
}
