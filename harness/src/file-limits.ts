import { UsageError } from './errors.ts'
import type { ProbeName } from './probes.ts'

/** What a process has open beside the connections of the load: libraries, epoll, pipes, listeners, probes, report. */
const DRIVER_SLACK = 100
const DRIVER_SLACK_PER_THREAD = 20
const MOCK_SLACK = 200
/** The gateway's slack is larger: callers that reconnect while their old sockets are not yet reaped. */
const GATEWAY_SLACK = 300
/** A gateway has a caller's socket and an upstream socket per request in flight. */
const GATEWAY_FILES_PER_CONNECTION = 2

/** Rate x latency is a mean; late answers and the ramp-up need room above it. */
const HEADROOM_SHARE = 0.2
const HEADROOM_CONNECTIONS = 600
/** Fewer connections than this times Little's law and requests would be dropped for want of one. */
const LEAST_HEADROOM = 1.02

export interface FilesQuery {
  connections: number
  threads: number
  /** As in a run's configuration: who stands between driver and mock, and whether we start it. */
  target: string
  /** Connections of the probes, beside those of the load. @default none */
  probes?: Record<ProbeName, number>
}

const NO_PROBES: Record<ProbeName, number> = { floor: 0, ping: 0 }

/** File descriptors that each program we start needs at once. */
export interface FilesNeeded {
  driver: number
  mock: number
  /** Only where bench starts the gateway. */
  gateway?: number
}

export function filesNeeded({ connections, threads, target, probes = NO_PROBES }: FilesQuery): FilesNeeded {
  return {
    driver: connections + probes.floor + probes.ping + DRIVER_SLACK + DRIVER_SLACK_PER_THREAD * threads,
    mock: connections + probes.floor + MOCK_SLACK,
    ...(target !== 'direct' &&
      !target.includes('://') && {
        gateway: GATEWAY_FILES_PER_CONNECTION * connections + probes.ping + GATEWAY_SLACK,
      }),
  }
}

export interface ConnectionsQuery extends Omit<FilesQuery, 'connections'> {
  ratePerSec: number
  /** Expected time that one request is in flight, ms: the mock's delay. */
  latencyMs: number
  /** File descriptors that one process may open. */
  limit: number
}

/** Requests in flight at a steady rate. Little's law: L = lambda x W. */
export function requestsInFlight(ratePerSec: number, latencyMs: number): number {
  return (ratePerSec * latencyMs) / 1000
}

/**
 * Connections to open before the warm-up, which is also the bound on requests in flight: Little's law x 1.2 and at least 600 more,
 * less where the file limit allows less, never under Little's law x 1.02. That least may be more than the limit
 * allows: `checkFileLimits` then refuses the run.
 */
export function planConnections(query: ConnectionsQuery): number {
  const inFlight = requestsInFlight(query.ratePerSec, query.latencyMs)
  const wanted = wholeUp(inFlight + Math.max(inFlight * HEADROOM_SHARE, HEADROOM_CONNECTIONS))
  const least = wholeUp(inFlight * LEAST_HEADROOM)
  return Math.max(1, least, Math.min(wanted, connectionsAllowed(query)))
}

/** Rounds up, but not for the last bits of a product: 12,000 x 1.1 is 13,200, not 13,200.000000000002. */
function wholeUp(value: number): number {
  return Math.ceil(value - 1e-6)
}

/** The most connections whose files fit into the limit in every program. */
export function connectionsAllowed({ limit, ...query }: Omit<ConnectionsQuery, 'ratePerSec' | 'latencyMs'>): number {
  const none = filesNeeded({ ...query, connections: 0 })
  return Math.min(
    limit - none.driver,
    limit - none.mock,
    none.gateway === undefined ? Infinity : Math.floor((limit - none.gateway) / GATEWAY_FILES_PER_CONNECTION),
  )
}

/**
 * Refuses a run that would run out of file descriptors halfway, before anything is started.
 *
 * @throws {UsageError} naming the programs, what they need, what there is, and how to get more.
 */
export function checkFileLimits(query: FilesQuery & { limit: number }): void {
  const { limit, connections } = query
  const needed = filesNeeded(query)
  const short = Object.entries<number>({ ...needed }).filter(([, files]) => files > limit)
  if (short.length === 0) return
  const most = Math.max(...short.map(([, files]) => files))
  const who = short.map(([program, files]) => `the ${program} needs ${files}`).join(', ')
  throw new UsageError([
    `file descriptors: ${connections} connections are too many for this limit: ${who}, one process may open ${limit}. ` +
      `Raise it with "ulimit -n ${most}" (as root, or to the hard limit), or for good with "* hard nofile ${most}" ` +
      'in /etc/security/limits.conf and a new login; or lower --rate, --latency or --connections',
  ])
}
