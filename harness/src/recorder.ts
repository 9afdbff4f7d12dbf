import { OUTSIDE_PUBLISHED_OVERHEAD, SEGMENTS, STAGES, type SegmentName } from '@gatebench/gateway/stages'
import { DURATION_NS, Histogram, LATENCY_US, type HistogramData, type HistogramShape } from './histogram.ts'
import type { Attempt, MockTruth } from './outcome.ts'
import { TOTAL_SLOT } from './transport/server-timing.ts'

/** Every distribution that a run records, by name; the name carries the unit. */
const DISTRIBUTIONS = {
  /** end - due */
  latencyUs: LATENCY_US,
  /** end - sent */
  serviceUs: LATENCY_US,
  /** sent - due */
  scheduleLagUs: LATENCY_US,
  /** The mock's actual - planned delay. */
  mockDelayErrorUs: LATENCY_US,
  /** service time - the mock's actual delay */
  aboveMockNs: DURATION_NS,
  /** service time - the gateway's own total: the way between driver and gateway, both ways */
  outsideGatewayNs: DURATION_NS,
  publishedOverheadNs: DURATION_NS,
  inProcessOverheadNs: DURATION_NS,
  /** what a target other than ours says of its own time */
  selfReportedNs: DURATION_NS,
} satisfies Record<string, HistogramShape>

type DistributionName = keyof typeof DISTRIBUTIONS

const HTTP_REQUEST_SLOT = SEGMENTS.findIndex(({ name }) => name === 'http_request')
const PUBLISHED_SLOTS = slotsOf((name) => !OUTSIDE_PUBLISHED_OVERHEAD.some((outside) => outside === name))

/** Sums, in ns, over the requests whose whole account is known; what a ledger is drawn up from. */
export interface AccountSums {
  requests: number
  serviceNs: number
  scheduleLagNs: number
  mockDelayNs: number
  /** Per slot of SEGMENTS, the gateway's total last; all zero for targets that give no account. */
  timingNs: Float64Array
}

export interface Counts {
  sent: number
  ok: number
  failed: number
  dropped: number
  openedConnections: number
  /** Answers that came sooner than the mock's delay that they carry. */
  fasterThanMock: number
  byStatus: Record<string, number>
  byError: Record<string, number>
}

/** A recorder's content as plain data, for the way between threads. */
export interface RecorderData {
  counts: Counts
  distributions: Record<DistributionName, HistogramData>
  segmentsNs: HistogramData[]
  withTiming: AccountSums
  withMockOnly: AccountSums
  span: Span
}

/** Instants at the edges of what was recorded, ns from the opening of the window. */
export interface Span {
  /** The last request left. */
  lastSentNs: number
  /** The first and the last ok answer were complete. */
  firstOkNs: number
  lastOkNs: number
}

/**
 * Attempts into distributions, counts and sums. Only attempts inside the window count (index >= 0); times are recorded
 * of answers that were ok, so that a fast error does not make a gateway look fast.
 */
export class Recorder {
  readonly distributions = Object.fromEntries(
    Object.entries(DISTRIBUTIONS).map(([name, shape]) => [name, new Histogram(shape)]),
  ) as Record<DistributionName, Histogram>
  /** The gateway's own times, one per slot of SEGMENTS, ns. */
  readonly segmentsNs: readonly Histogram[] = SEGMENTS.map(() => new Histogram(DURATION_NS))
  readonly counts: Counts = {
    sent: 0,
    ok: 0,
    failed: 0,
    dropped: 0,
    openedConnections: 0,
    fasterThanMock: 0,
    byStatus: {},
    byError: {},
  }
  /** Requests that carried the gateway's account and the mock's. */
  readonly withTiming = emptySums()
  /** Requests that carried the mock's account only. */
  readonly withMockOnly = emptySums()
  readonly span: Span = { lastSentNs: 0, firstOkNs: Infinity, lastOkNs: 0 }

  add(attempt: Attempt): void {
    if (attempt.index < 0) return
    const { counts } = this
    const { outcome, sentNs, endNs, dueNs } = attempt
    if (outcome.kind === 'dropped') {
      counts.dropped++
      return
    }
    counts.sent++
    if (attempt.openedConnection === true) counts.openedConnections++
    if ('status' in outcome) increment(counts.byStatus, String(outcome.status))
    if (outcome.kind === 'timeout' || outcome.kind === 'wrong_answer') increment(counts.byError, outcome.kind)
    else if (outcome.kind === 'transport_error') increment(counts.byError, outcome.code)
    if (sentNs !== undefined) {
      this.distributions.scheduleLagUs.record((sentNs - dueNs) / 1e3)
      this.span.lastSentNs = Math.max(this.span.lastSentNs, sentNs)
    }
    if (outcome.kind !== 'ok' || sentNs === undefined || endNs === undefined) {
      counts.failed++
      return
    }
    counts.ok++
    this.span.firstOkNs = Math.min(this.span.firstOkNs, endNs)
    this.span.lastOkNs = Math.max(this.span.lastOkNs, endNs)
    this.distributions.latencyUs.record((endNs - dueNs) / 1e3)
    this.distributions.serviceUs.record((endNs - sentNs) / 1e3)
    if (attempt.selfReportedNs !== undefined) this.distributions.selfReportedNs.record(attempt.selfReportedNs)
    if (attempt.timingNs) this.#addTiming(endNs - sentNs, attempt.timingNs)
    if (attempt.mock) this.#addAccount(endNs - sentNs, sentNs - dueNs, attempt.mock, attempt.timingNs)
  }

  /** Takes over what another recorder holds; the order of merging does not matter. */
  merge(data: RecorderData): void {
    for (const name of Object.keys(DISTRIBUTIONS) as DistributionName[]) {
      this.distributions[name].add(Histogram.fromData(data.distributions[name]))
    }
    data.segmentsNs.forEach((segment, slot) => {
      this.segmentsNs[slot]!.add(Histogram.fromData(segment))
    })
    addCounts(this.counts, data.counts)
    addSums(this.withTiming, data.withTiming)
    addSums(this.withMockOnly, data.withMockOnly)
    this.span.lastSentNs = Math.max(this.span.lastSentNs, data.span.lastSentNs)
    this.span.firstOkNs = Math.min(this.span.firstOkNs, data.span.firstOkNs)
    this.span.lastOkNs = Math.max(this.span.lastOkNs, data.span.lastOkNs)
  }

  toData(): RecorderData {
    return {
      counts: this.counts,
      distributions: Object.fromEntries(
        Object.entries(this.distributions).map(([name, histogram]) => [name, histogram.toData()]),
      ) as Record<DistributionName, HistogramData>,
      segmentsNs: this.segmentsNs.map((segment) => segment.toData()),
      withTiming: this.withTiming,
      withMockOnly: this.withMockOnly,
      span: this.span,
    }
  }

  #addTiming(serviceNs: number, timingNs: Float64Array): void {
    this.distributions.outsideGatewayNs.record(serviceNs - timingNs[TOTAL_SLOT]!)
    for (let slot = 0; slot < TOTAL_SLOT; slot++) this.segmentsNs[slot]!.record(timingNs[slot]!)
    this.distributions.publishedOverheadNs.record(sumOf(timingNs, PUBLISHED_SLOTS))
    // The total is the gateway's own span of the request, so that time no stage owns is in this overhead too.
    this.distributions.inProcessOverheadNs.record(timingNs[TOTAL_SLOT]! - timingNs[HTTP_REQUEST_SLOT]!)
  }

  #addAccount(serviceNs: number, scheduleLagNs: number, mock: MockTruth, timingNs: Float64Array | undefined): void {
    const mockDelayNs = mock.actualUs * 1e3
    if (serviceNs < mockDelayNs) this.counts.fasterThanMock++
    this.distributions.mockDelayErrorUs.record(mock.actualUs - mock.plannedUs)
    this.distributions.aboveMockNs.record(serviceNs - mockDelayNs)
    const sums = timingNs ? this.withTiming : this.withMockOnly
    sums.requests++
    sums.serviceNs += serviceNs
    sums.scheduleLagNs += scheduleLagNs
    sums.mockDelayNs += mockDelayNs
    if (timingNs) for (let slot = 0; slot <= TOTAL_SLOT; slot++) sums.timingNs[slot]! += timingNs[slot]!
  }
}

function slotsOf(belongs: (name: SegmentName) => boolean): readonly number[] {
  return STAGES.flatMap(({ name }, slot) => (belongs(name) ? [slot] : []))
}

function sumOf(values: Float64Array, slots: readonly number[]): number {
  let sum = 0
  for (const slot of slots) sum += values[slot]!
  return sum
}

function emptySums(): AccountSums {
  return { requests: 0, serviceNs: 0, scheduleLagNs: 0, mockDelayNs: 0, timingNs: new Float64Array(TOTAL_SLOT + 1) }
}

function addSums(to: AccountSums, from: AccountSums): void {
  to.requests += from.requests
  to.serviceNs += from.serviceNs
  to.scheduleLagNs += from.scheduleLagNs
  to.mockDelayNs += from.mockDelayNs
  from.timingNs.forEach((sum, slot) => {
    to.timingNs[slot]! += sum
  })
}

function addCounts(to: Counts, from: Counts): void {
  to.sent += from.sent
  to.ok += from.ok
  to.failed += from.failed
  to.dropped += from.dropped
  to.openedConnections += from.openedConnections
  to.fasterThanMock += from.fasterThanMock
  for (const [status, count] of Object.entries(from.byStatus)) increment(to.byStatus, status, count)
  for (const [error, count] of Object.entries(from.byError)) increment(to.byError, error, count)
}

function increment(counts: Record<string, number>, key: string, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by
}
