import type { RequestType } from './providers/provider.ts'

/** What the request log keeps of one finished request: plain data, one row. Numbers are whole. */
export interface RequestRecord {
  /** Unix time in ms. */
  finishedAtMs: number
  requestType: RequestType
  /** '' for a request that got no route. */
  provider: string
  /** '' for a request that got no route. */
  model: string
  /** The key's name, never its value; '' when none was picked. */
  keyName: string
  /** HTTP status of the answer; 499 for a caller who left. */
  status: number
  /** '' on success. */
  errorCode: string
  totalUs: number
  upstreamUs: number
  overheadUs: number
  queueWaitUs: number
  /** 0 when the answer was no stream. */
  firstTokenUs: number
  inputTokens: number
  outputTokens: number
  retries: number
  /** 0: the provider that was asked for; n: the n-th fallback. */
  fallbackIndex: number
  /** Custom labels as the text of a JSON object; '' when there are none. */
  labels: string
}

/** What became of the records since the start. Every record added is in `written`, `dropped` or `waiting`. */
export interface RequestLogCounters {
  written: number
  /** Given up: too many waited, the database refused them for good, or the log was closed before they were written. */
  dropped: number
  waiting: number
  /** Tries to write that failed; one batch may fail several times. */
  failures: number
  /** Transactions that wrote rows. */
  batches: number
}

/** One row in a database for each finished request. */
export interface RequestLog {
  /**
   * Takes a record; never blocks on the database, except in synchronous mode, and never throws. In synchronous mode
   * resolves when the row is on disk (or has been counted as dropped), else returns undefined.
   */
  add(record: RequestRecord): Promise<void> | undefined
  readonly counters: Readonly<RequestLogCounters>
  /** Writes what waits, within `limitMs`, then lets go of everything; what is left is counted as dropped. @default 5_000 */
  close(limitMs?: number): Promise<void>
}
