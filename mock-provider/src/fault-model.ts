import { badRequest } from './provider-error.ts'
import type { Random } from './random.ts'
import { parseDurationMs, parseInteger, within } from './units.ts'

/** What happens to a request in place of its answer, or to that, at the time at which it would have been given. */
export type Fault =
  | { kind: 'error'; status: number; retryAfterSec?: number | undefined }
  /** The connection is reset. */
  | { kind: 'reset' }
  /** No answer, until the caller leaves or the mock drains. */
  | { kind: 'hang' }
  /** Half of the answer, or of the chunks of a stream, then the end of the connection. */
  | { kind: 'cut' }
  /** Half of the answer, or of the chunks of a stream, then nothing for so long, then the rest. */
  | { kind: 'stall'; forMs: number }
  /** The head comes piece by piece, over so long. */
  | { kind: 'slow-headers'; forMs: number }
  /** Whole by HTTP, but half of the JSON, or of the chunks of a stream without its end. */
  | { kind: 'truncate' }
  /** JSON that does not parse: of the answer, or of one chunk in the middle of a stream. */
  | { kind: 'garble' }
  /** A good answer; then the connection closes, without having said so. */
  | { kind: 'close' }

/** Decides the fault of the next request, in the order in which requests arrive; undefined for most. */
export type FaultModel = () => Fault | undefined

/** What share of the requests a fault comes to. */
export interface FaultShare {
  share: number
  fault: Fault
}

/** One draw decides each request. Without shares nothing is drawn. @param shares together at most 1 */
export function randomFaults(shares: readonly FaultShare[], random: Random): FaultModel {
  const given = shares.filter(({ share }) => share > 0)
  if (given.length === 0) return () => undefined
  return () => {
    let rest = random()
    for (const { share, fault } of given) {
      if (rest < share) return fault
      rest -= share
    }
    return undefined
  }
}

/** Header by which a request asks for a fault; it wins over the rates. */
export const MOCK_FAULT_HEADER = 'x-mock-fault'

const ERROR_FAULT = /^error=(\d+)(?:;retry-after=(\d+))?$/
const PLAIN_FAULTS = ['reset', 'hang', 'cut', 'truncate', 'garble', 'close'] as const
const LASTING_FAULTS = ['stall', 'slow-headers'] as const
/** As the settings have it; timers know nothing above 25 days. */
const parseForMs = within({ minimum: 0, maximum: 3_600_000 }, ' ms', parseDurationMs)

/**
 * @example parseFault('error=429;retry-after=2') // { kind: 'error', status: 429, retryAfterSec: 2 }
 * @example parseFault('stall=2s') // { kind: 'stall', forMs: 2000 }
 * @throws {ProviderError} 400 when the text names no fault
 */
export function parseFault(text: string): Fault {
  const written = text.replaceAll(' ', '')
  const plain = PLAIN_FAULTS.find((kind) => kind === written)
  if (plain !== undefined) return { kind: plain }
  const lasting = LASTING_FAULTS.find((kind) => written.startsWith(`${kind}=`))
  if (lasting !== undefined) {
    const forMs = parseForMs(written.slice(lasting.length + 1))
    if (forMs.ok) return { kind: lasting, forMs: forMs.value }
    throw badRequest(`${MOCK_FAULT_HEADER}: ${lasting}: ${forMs.problem}`)
  }
  const match = ERROR_FAULT.exec(written)
  const status = parseInteger(match?.[1] ?? '')
  if (!status.ok || status.value < 400 || status.value > 599) {
    throw badRequest(
      `${MOCK_FAULT_HEADER}: "${text}" is not a fault; write error=<400 to 599>, error=429;retry-after=<seconds>, ${PLAIN_FAULTS.join(', ')}, stall=<duration> or slow-headers=<duration>`,
    )
  }
  const seconds = match?.[2]
  return { kind: 'error', status: status.value, ...(seconds === undefined ? {} : { retryAfterSec: Number(seconds) }) }
}
