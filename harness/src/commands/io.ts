/** Where a command prints, and how it learns that it should end. */
export interface CommandIo {
  stdout: (text: string) => void
  stderr: (text: string) => void
  /** Colour is wanted: a terminal, and NO_COLOR is not set. */
  color: boolean
  /** stderr is a terminal: a progress line may rewrite itself. */
  isTTY: boolean
  /** Aborted by the first Ctrl-C or SIGTERM: end early, and keep what was measured. */
  signal: AbortSignal
  /** argv after `bench`. */
  command: string[]
}
