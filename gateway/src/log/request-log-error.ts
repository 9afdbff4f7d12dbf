/** The request log cannot be opened as it was configured. */
export class RequestLogError extends Error {
  readonly code = 'REQUEST_LOG'
  /** Each names the setting, its value (never a password) and what would be right. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`request log: ${problems.join('; ')}`)
    this.name = 'RequestLogError'
    this.problems = problems
  }
}
