import { badRequest } from './provider-error.ts'
import type { Random } from './random.ts'
import { parseInteger } from './units.ts'

/** What happens to a request in place of its answer, at the time at which that would have been given. */
export type Fault =
  | { kind: 'error'; status: number; retryAfterSec?: number }
  /** The connection is reset. */
  | { kind: 'reset' }
  /** No answer, until the caller leaves or the mock drains. */
  | { kind: 'hang' }
  /** Half of the answer, or of the chunks of a stream, then the end of the connection. */
  | { kind: 'cut' }

/** Decides the fault of each request, in the order in which requests arrive. */
export interface FaultModel {
  /** The next request's fault; undefined for most. */
  next(): Fault | undefined
}

/** Shares of requests, together at most 1. */
export interface FaultRates {
  errorRate: number
  errorStatus: number
  resetRate: number
  hangRate: number
  cutRate: number
}

/** One draw decides each request. Without rates nothing is drawn. */
export function randomFaults(rates: FaultRates, random: Random): FaultModel {
  const shares: [number, Fault][] = [
    [rates.errorRate, { kind: 'error', status: rates.errorStatus }],
    [rates.resetRate, { kind: 'reset' }],
    [rates.hangRate, { kind: 'hang' }],
    [rates.cutRate, { kind: 'cut' }],
  ]
  const sum = shares.reduce((total, [share]) => total + share, 0)
  if (sum === 0) return { next: () => undefined }
  return {
    next() {
      let rest = random()
      for (const [share, fault] of shares) {
        if (rest < share) return fault
        rest -= share
      }
      return undefined
    },
  }
}

/** Header by which a request asks for a fault; it wins over the rates. */
export const MOCK_FAULT_HEADER = 'x-mock-fault'

const ERROR_FAULT = /^error=(\d+)(?:;retry-after=(\d+))?$/

/**
 * @example parseFault('error=429;retry-after=2') // { kind: 'error', status: 429, retryAfterSec: 2 }
 * @throws {ProviderError} 400 when the text names no fault
 */
export function parseFault(text: string): Fault {
  if (text === 'reset' || text === 'hang' || text === 'cut') return { kind: text }
  const match = ERROR_FAULT.exec(text.replaceAll(' ', ''))
  const status = parseInteger(match?.[1] ?? '')
  if (!status.ok || status.value < 400 || status.value > 599) {
    throw badRequest(
      `${MOCK_FAULT_HEADER}: "${text}" is not a fault; write error=<400 to 599>, error=429;retry-after=<seconds>, reset, hang or cut`,
    )
  }
  const seconds = match?.[2]
  return { kind: 'error', status: status.value, ...(seconds === undefined ? {} : { retryAfterSec: Number(seconds) }) }
}
