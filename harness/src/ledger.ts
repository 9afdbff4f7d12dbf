import { SEGMENTS } from '@gatebench/gateway/stages'
import type { AccountSums } from './recorder.ts'
import type { Result } from './recording.ts'
import { TOTAL_SLOT } from './transport/server-timing.ts'

export type Ledger = NonNullable<Result['ledgerUs']>

const HTTP_REQUEST_SLOT = SEGMENTS.findIndex(({ name }) => name === 'http_request')
const RESPONSE_PARSING_SLOT = SEGMENTS.findIndex(({ name }) => name === 'response_parsing')
const RESPONSE_SENDING_SLOT = SEGMENTS.findIndex(({ name }) => name === 'response_sending')
const REQUEST_READING_SLOT = SEGMENTS.findIndex(({ name }) => name === 'request_reading')

/**
 * The mean request's service time, owner by owner, in the order in which the time passes.
 *
 * Only durations are used, each taken on one clock: driver (service time), gateway (segments and total) and mock (delay).
 * A way between two programs holds the kernel, the wire and the wait for either program's event loop. That between gateway
 * and mock is what the gateway waited less the mock's delay. That between client and gateway is measured apart, by pings
 * that the gateway answers by itself: only so can the sum of the rows miss the service time, and the unattributed rest
 * tell it. Without pings it is what is left of the service time, and the rest is no more than the gateway's own gaps.
 */
export function drawUpLedger(
  withTiming: AccountSums,
  withMockOnly: AccountSums,
  target: string,
  probes: ProbeMeans = {},
): Ledger | undefined {
  if (withTiming.requests > 0) return gatewayLedger(withTiming, probes)
  if (withMockOnly.requests > 0) return coarseLedger(withMockOnly, target, probes.floorUs)
  return undefined
}

/** Means of what the probes saw, us; absent where none were sent. */
export interface ProbeMeans {
  /** Service time above the mock's delay, past the gateway. */
  floorUs?: number
  /** Service time of a request that the gateway answers by itself. */
  pingUs?: number
  /** Half the width of its 95% confidence interval. */
  pingErrorUs?: number
}

function gatewayLedger(sums: AccountSums, { floorUs, pingUs, pingErrorUs }: ProbeMeans): Ledger {
  const meanUs = (sumNs: number): number => sumNs / sums.requests / 1e3
  const segment = (slot: number): Ledger['rows'][number] => ({
    name: SEGMENTS[slot]!.name,
    mean: meanUs(sums.timingNs[slot]!),
    covers: SEGMENTS[slot]!.covers,
  })
  const total = meanUs(sums.serviceNs)
  const mockDelay = meanUs(sums.mockDelayNs)
  const gatewayTotal = meanUs(sums.timingNs[TOTAL_SLOT]!)
  const rows: Ledger['rows'] = [
    {
      name: 'client_gateway_transport',
      mean: pingUs ?? total - gatewayTotal,
      covers: `${pingUs === undefined ? "service time less the gateway's total" : 'measured by pings'}: kernel, wire, and the wait for either event loop, both ways`,
    },
    segment(REQUEST_READING_SLOT),
    ...range(0, HTTP_REQUEST_SLOT).map(segment),
    {
      name: 'gateway_mock_transport',
      mean: meanUs(sums.timingNs[HTTP_REQUEST_SLOT]!) - mockDelay,
      covers:
        "the gateway's HTTP request less the mock's delay: kernel, wire, and the wait for either event loop, both ways",
    },
    { name: 'mock_delay', mean: mockDelay, covers: 'request read to answer written, on the clock of the mock' },
    ...range(RESPONSE_PARSING_SLOT, SEGMENTS.length)
      .filter((slot) => slot !== REQUEST_READING_SLOT && slot !== RESPONSE_SENDING_SLOT)
      .map(segment),
    segment(RESPONSE_SENDING_SLOT),
  ]
  const unattributed = total - rows.reduce((sum, row) => sum + row.mean, 0)
  const error = pingErrorUs === undefined ? {} : { unattributedErrorUs: pingErrorUs }
  return withAdded({ requests: sums.requests, rows, total, unattributed, ...error }, sums, floorUs)
}

/** Where the gateway gives no account of its own, what is not the mock's cannot be told apart further. */
function coarseLedger(sums: AccountSums, target: string, floorUs: number | undefined): Ledger {
  const total = sums.serviceNs / sums.requests / 1e3
  const mockDelay = sums.mockDelayNs / sums.requests / 1e3
  const beyond: Ledger['rows'][number] =
    target === 'direct'
      ? {
          name: 'client_mock_transport',
          mean: total - mockDelay,
          covers: 'kernel, wire, and the wait for either event loop, both ways',
        }
      : {
          name: 'gateway_and_transport',
          mean: total - mockDelay,
          covers: 'the gateway and every way; it gives no account of its own',
        }
  const rows = [
    beyond,
    { name: 'mock_delay', mean: mockDelay, covers: 'request read to answer written, on the clock of the mock' },
  ]
  return withAdded({ requests: sums.requests, rows, total, unattributed: 0 }, sums, floorUs)
}

function withAdded(
  ledger: Pick<Ledger, 'requests' | 'rows' | 'total' | 'unattributed' | 'unattributedErrorUs'>,
  sums: AccountSums,
  floorUs: number | undefined,
): Ledger {
  const generatorLagUs = sums.scheduleLagNs / sums.requests / 1e3
  if (floorUs === undefined) return { ...ledger, generatorLagUs }
  const addedUs = (sums.serviceNs - sums.mockDelayNs) / sums.requests / 1e3 - floorUs
  // Without pings the rows add up by construction: a percentage would look like a test that was passed.
  const tested = ledger.unattributedErrorUs !== undefined && addedUs > 0
  return {
    ...ledger,
    generatorLagUs,
    addedUs,
    ...(tested && { unattributedPctOfAdded: (Math.abs(ledger.unattributed) / addedUs) * 100 }),
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
