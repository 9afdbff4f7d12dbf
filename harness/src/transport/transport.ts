import type { Attempt } from '../outcome.ts'

/** Sends requests over connections that it keeps, and says of each what became of it. */
export interface Transport {
  /** Most requests that may be in flight at once; one more is refused. */
  readonly inFlightMax: number
  readonly inFlight: number
  /**
   * Sends one request now and calls `done` exactly once, later. The caller has checked that there is room.
   * Instants in the Attempt are on the transport's clock, ns, like `dueNs`.
   */
  send(index: number, dueNs: number, done: (attempt: Attempt) => void): void
}
