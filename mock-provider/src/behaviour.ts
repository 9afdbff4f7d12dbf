import type { Fault } from './fault-model.ts'
import type { RateLimits } from './rate-limits.ts'

/** What of a request its answer may depend on. */
export interface Arrival {
  promptTokens: number
  /** When the last byte of it was read. */
  receivedNs: number
}

/** How long a stream takes, chunk by chunk; the same intervals each time that it is asked. */
export type IntervalsOf = (sequence: number) => () => number

/** How the requests of one API key and model are answered: everything that is drawn or counted for them. */
export interface Behaviour {
  /** Delay of the next answer that is given whole, us. */
  nextDelayUs(arrival: Arrival): number
  /** Delay of the next stream's first content chunk, us. @param restUs time from that to its last chunk */
  nextFirstTokenUs(arrival: Arrival, restUs: () => number): number
  /** Of the next answer; undefined for as long as its tokens need. */
  nextResponseBytes(): number | undefined
  nextTokens(): number
  nextFault(): Fault | undefined
  readonly tokensPerChunk: number
  /** Time from a chunk of a stream to the next, ns. */
  readonly intervalsOf: IntervalsOf
  /** Undefined for none. */
  readonly limits: RateLimits | undefined
}
