/** Wrong command line, configuration or machine set-up: found before any load is sent. Ends the command with code 2. */
export class UsageError extends Error {
  readonly code = 'USAGE'
  readonly exitCode = 2
  /** Each names what is wrong, the value that was given, and what would be right. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'UsageError'
    this.problems = problems
  }
}

/** A program could not be started, or a target could not be reached. Ends the command with code 3. */
export class TargetError extends Error {
  readonly code = 'TARGET'
  readonly exitCode = 3

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TargetError'
  }
}

/** The reason of an aborted signal: Ctrl-C or SIGTERM. Ends a command that had nothing to keep, with code 130. */
export class InterruptedError extends Error {
  readonly code = 'INTERRUPTED'
  readonly exitCode = 130

  constructor() {
    super('interrupted')
    this.name = 'InterruptedError'
  }
}
