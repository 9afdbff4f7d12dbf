/** How one planned request ended. Set-up failures are thrown; a request's failure is a value. */
export type Outcome =
  /** A 2xx answer, read to its end. */
  | { kind: 'ok'; status: number }
  /** Any other answer, read to its end. */
  | { kind: 'http_error'; status: number }
  /** A 2xx answer, read to its end, that is none to what was asked: an error, say, in the body of a 200. */
  | { kind: 'wrong_answer'; status: number }
  /** No complete answer within the plan's limit. */
  | { kind: 'timeout'; afterMs: number }
  /** The connection could not be opened, broke, or carried something that is not HTTP; `code` is stable. */
  | { kind: 'transport_error'; code: string }
  /** Due, but never sent, because the bound on requests in flight was reached. */
  | { kind: 'dropped'; reason: 'in_flight_bound' }

/** The delay of one answer as the mock itself knows it, in us. */
export interface MockTruth {
  plannedUs: number
  actualUs: number
}

/** One planned request and what became of it. All instants are ns from the start of the run. */
export interface Attempt {
  /** Position in the plan, from 0; warm-up requests have negative positions. */
  index: number
  dueNs: number
  outcome: Outcome
  /** Absent when the request was dropped. */
  sentNs?: number
  /** First byte of the answer; absent when none came. */
  firstByteNs?: number
  /** Last byte of the answer, or the instant of failure; absent when the request was dropped. */
  endNs?: number
  /** Absent when the answer carried none. */
  mock?: MockTruth
  /** The gateway's own account, from `Server-Timing`: ns per SEGMENTS slot, the total last. Absent without one. */
  timingNs?: Float64Array
  /** What the target says of its own time, ns. Absent when the answer carried none. */
  selfReportedNs?: number
  /** Whole answer body, bytes. */
  bodyBytes?: number
  /** True when a connection had to be opened for this request. */
  openedConnection?: boolean
}
