import type { WrittenConfig } from '../config.ts'
import type { WorkerPlace } from '../server.ts'

/** From the primary, once: what a worker is to be. */
export interface StartMessage {
  kind: 'start'
  written: WrittenConfig
  /** Where it listens, whatever port is written. */
  port: number
  worker: WorkerPlace
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
