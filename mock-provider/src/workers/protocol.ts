import type { WrittenConfig } from '../config.ts'

/** From the primary, once: what a worker is to be. */
export interface StartMessage {
  kind: 'start'
  written: WrittenConfig
  index: number
  count: number
  /** How long ago the scenario began, ms. */
  scenarioElapsedMs: number
}

/** From a worker, once: it listens, or cannot. */
export type StartedMessage =
  { kind: 'listening'; url: string } | { kind: 'failed'; code: string | undefined; message: string }

/** @param kinds of the messages meant */
export function isOfKind<T extends { kind: string }>(message: unknown, ...kinds: T['kind'][]): message is T {
  return (
    typeof message === 'object' && message !== null && 'kind' in message && kinds.includes(message.kind as T['kind'])
  )
}
