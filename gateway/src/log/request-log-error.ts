/** The request log cannot be opened as it was configured. The message names the place and holds no password. */
export class RequestLogError extends Error {
  constructor(problem: string) {
    super(`request log: ${problem}`)
    this.name = 'RequestLogError'
  }
}
