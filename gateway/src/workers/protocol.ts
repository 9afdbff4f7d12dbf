import type { GatewaySnapshot } from '../core/snapshot.ts'
import type { ConfigOverrides } from '../program/flags.ts'

/** What a worker needs to become one; the first message to it. */
export interface WorkerOrders {
  /** From 0. */
  index: number
  /** How many share the limits. */
  workers: number
  /** Text of the configuration file. */
  configText: string
  overrides: ConfigOverrides
  logLevel: string
  /** Its own: the first worker's plus its index. */
  debugPort?: number
}

/** From the primary. Questions and answers have the same `id`. */
export type ToWorker =
  | { kind: 'start'; orders: WorkerOrders }
  /** With a socket, unless its caller has gone on the way. */
  | { kind: 'connection'; id: number }
  | { kind: 'reload'; id: number; configText: string }
  | { kind: 'snapshot'; id: number }
  | { kind: 'reset'; id: number }
  | { kind: 'drain'; limitMs: number }
  /** Answer to `collect`: all workers together. */
  | { kind: 'collected'; id: number; snapshot: GatewaySnapshot }
  /** Answer to `resetAll`. */
  | { kind: 'allReset'; id: number }

/** From a worker. */
export type ToPrimary =
  /** Connections may come. */
  | { kind: 'ready' }
  /** It cannot start, and ends. */
  | { kind: 'refused'; exitCode: number; message: string }
  | { kind: 'connection'; id: number; adopted: boolean }
  | { kind: 'reloaded'; id: number }
  /** Sent unasked now and then, with id 0: what is left of a worker that dies. */
  | { kind: 'snapshot'; id: number; snapshot: GatewaySnapshot }
  | { kind: 'wasReset'; id: number }
  | { kind: 'collect'; id: number }
  | { kind: 'resetAll'; id: number }
  | { kind: 'drained'; cut: number }
