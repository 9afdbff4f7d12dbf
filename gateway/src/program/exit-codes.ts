/** What the program's end says; shown in --help. */
export const EXIT = {
  drained: 0,
  /** Requests were cut at the drain limit, a second signal came, or the workers could not go on. */
  cut: 1,
  usage: 2,
  cannotListen: 3,
} as const

/** The gateway cannot start, or go on; `message` is for people. */
export class ProgramError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.name = 'ProgramError'
    this.exitCode = exitCode
  }
}
