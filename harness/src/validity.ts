import type { Check, Result } from './recording.ts'

/** What the verdict is drawn from; everything but `verdict` itself. */
export type Evidence = Pick<Result, 'plan' | 'requests' | 'rate' | 'driver' | 'mock' | 'resources'> &
  Partial<Pick<Result, 'latencyMs' | 'ledgerUs' | 'interrupted' | 'floor' | 'ping'>>

/** Bounds of the checks; each says what the measurement may suffer before it is no longer believed. */
const LIMITS = {
  achievedRateMin: 0.99,
  /** Lateness of the generator, as a share of the planned delay, and never under the pace that a timer keeps. */
  lagShareOfDelay: 0.01,
  lagMsMin: 1,
  driverBusyMax: 0.9,
  mockErrorShareOfDelay: 0.01,
  mockErrorMsMin: 5,
  openedInWindowShare: 0.01,
  droppedMax: 0,
  stealPctMax: 5,
  unattributedPctMax: 5,
  fasterThanMockMax: 0,
  probesLostMax: 0,
} as const

/**
 * May this run's numbers be believed? A gateway that fails requests or is slow makes a bad result, not an invalid run:
 * no check looks at success or latency for itself. A figure that could not be measured fails only where it must exist.
 */
export function judge(evidence: Evidence): Result['verdict'] {
  const checks = [
    achievedRate(evidence),
    scheduleLag(evidence),
    driverSaturation(evidence),
    mockDelayError(evidence),
    connectionsOpened(evidence),
    droppedRequests(evidence),
    hostSteal(evidence),
    ledgerClosure(evidence),
    freshAnswers(evidence),
    probeLosses(evidence),
  ].filter((check) => check !== undefined)
  return { valid: checks.every((check) => check.ok), checks }
}

function atMost(name: string, unit: string, value: number | undefined, limit: number, means: string): Check {
  return { name, ok: value !== undefined && value <= limit, ...(value !== undefined && { value }), limit, unit, means }
}

function achievedRate({ rate }: Evidence): Check {
  const value = rate.sentPerSec / rate.targetPerSec
  return {
    name: 'achieved_rate',
    ok: value >= LIMITS.achievedRateMin,
    value,
    limit: LIMITS.achievedRateMin,
    unit: 'ratio',
    means: 'The planned rate was really offered; below the limit the target saw less load than the report says.',
  }
}

/** The limit hangs on the plan alone: a slow target must not excuse a late generator. */
function scheduleLag({ plan, driver }: Evidence): Check {
  return atMost(
    'schedule_lag',
    'ms at p99',
    driver.scheduleLagMs?.p99,
    Math.max(LIMITS.lagMsMin, plan.mockLatencyMs * LIMITS.lagShareOfDelay),
    'Requests left when they were due; above the limit the generator itself is a visible part of the latency.',
  )
}

function driverSaturation({ driver }: Evidence): Check {
  return atMost(
    'driver_saturation',
    'busy ratio',
    driver.eventLoopUtilization,
    LIMITS.driverBusyMax,
    'The busiest driver thread had time to spare; above the limit it may have been the bottleneck (use --threads).',
  )
}

/** Absent for targets that strip the in-band truth: then nothing is known of the mock. */
function mockDelayError({ plan, mock }: Evidence): Check | undefined {
  if (!mock.delayErrorMs) return undefined
  return atMost(
    'mock_delay_error',
    'ms at p99',
    mock.delayErrorMs.p99,
    Math.max(LIMITS.mockErrorMsMin, plan.mockLatencyMs * LIMITS.mockErrorShareOfDelay),
    'The mock kept the delay that it was told to give; above the limit it was itself overloaded.',
  )
}

/** A failed request may take its connection with it: a gateway's failures are not held against the run. */
function connectionsOpened({ plan, driver, requests }: Evidence): Check {
  return atMost(
    'connections_opened_in_window',
    'connections',
    driver.connectionsOpenedInWindow,
    Math.floor(plan.connections * LIMITS.openedInWindowShare) + requests.failed,
    'Connections stood before the window; above the limit the latencies include opening them.',
  )
}

function droppedRequests({ requests }: Evidence): Check {
  return atMost(
    'dropped_requests',
    'requests',
    requests.dropped,
    LIMITS.droppedMax,
    'Every request that was due was sent; dropped ones met the bound on requests in flight (--connections) and have no latency.',
  )
}

/** Absent where the system does not tell. */
function hostSteal({ resources }: Evidence): Check | undefined {
  if (!resources.host) return undefined
  return atMost(
    'host_steal',
    '% of CPU time',
    resources.host.stealPct,
    LIMITS.stealPctMax,
    'The hypervisor left this machine its CPUs; above the limit other guests are part of every number.',
  )
}

/**
 * Absent for targets without an account of their own, and where no pings or no floor were measured. The rest is known
 * only as well as the mean ping: the limit is widened by that doubt, and printed so.
 */
function ledgerClosure({ ledgerUs }: Evidence): Check | undefined {
  if (ledgerUs?.unattributedPctOfAdded === undefined) return undefined
  const doubtPct = ((ledgerUs.unattributedErrorUs ?? 0) / (ledgerUs.addedUs ?? Infinity)) * 100
  return atMost(
    'ledger_closure',
    '% of added time',
    ledgerUs.unattributedPctOfAdded,
    LIMITS.unattributedPctMax + doubtPct,
    "The gateway's added time has owners; above the limit, which is 5% and the doubt of the mean ping, the rows do not explain what the caller waited.",
  )
}

/** Absent where no answer carried the mock's own account of its delay. */
function freshAnswers({ mock }: Evidence): Check | undefined {
  if (mock.fasterThanMock === undefined) return undefined
  return atMost(
    'fresh_answers',
    'requests',
    mock.fasterThanMock,
    LIMITS.fasterThanMockMax,
    'No answer came sooner than the delay that it says the mock gave it; above the limit answers are cached or made up.',
  )
}

/** Absent where no probes were sent. */
function probeLosses({ floor, ping }: Evidence): Check | undefined {
  const lines = [floor, ping].filter((line) => line !== undefined)
  if (lines.length === 0) return undefined
  return atMost(
    'probe_losses',
    'probes',
    lines.reduce((sum, line) => sum + line.lost, 0),
    LIMITS.probesLostMax,
    'Every probe was answered; above the limit floor and ping leave out their slowest, and are too small.',
  )
}
