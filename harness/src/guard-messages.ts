/** What a guard process tells bench on its file descriptor 3, one JSON line each. */
export type GuardMessage =
  /** The command runs as the head of a process group of its own. `atMs`: since the epoch. */
  | { event: 'started'; pid: number; atMs: number }
  /** It could not be started; `code` of the system, such as ENOENT. */
  | { event: 'failed'; code: string }
  | { event: 'ended'; code: number | null; signal: string | null }

/** Signals that a guard passes on to its command. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

export type StopSignal = (typeof STOP_SIGNALS)[number]
