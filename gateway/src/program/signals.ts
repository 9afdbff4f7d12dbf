import { EXIT } from './exit-codes.ts'
import { say } from './output.ts'

export interface SignalActions {
  /** SIGTERM or SIGINT. */
  stop: () => Promise<void>
  /** SIGHUP. */
  reload: () => Promise<void>
}

/** The process listens to signals from now on; a second one to stop ends it at once. */
export function onSignals({ stop, reload }: SignalActions): void {
  let stopping = false
  const onStop = (): void => {
    if (stopping) process.exit(EXIT.cut)
    stopping = true
    stop().catch(failed)
  }
  process.on('SIGTERM', onStop)
  process.on('SIGINT', onStop)
  process.on('SIGHUP', () => {
    if (!stopping) reload().catch(failed)
  })
}

function failed(error: unknown): void {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(EXIT.cut)
}
