import type { RunConfig } from '../config.ts'
import type { ProgramExit } from '../processes.ts'

/** What a target needs to know in order to stand between driver and mock. */
export interface TargetContext {
  config: Readonly<RunConfig>
  /** Base URL of the mock that the gateway must send to; empty when the target's mock is its owner's business. */
  mockUrl: string
  /** Connections that the driver will open: as many as the gateway will need to the mock. */
  connections: number
  signal?: AbortSignal
}

/** What the built-in gateway was told, all in all. */
export interface GatewaySettings {
  concurrency: number
  bufferSize: number
  initialPoolSize: number
}

/** Whatever stands where the gateway stands, ready for load. */
export interface RunningTarget {
  name: string
  /** Base URL, without a trailing slash. */
  url: string
  version?: string
  /** Started by bench, and stopped by it. */
  managed: boolean
  /** Of the process that bench started; absent when it started none. */
  pid?: number
  /** Options of node that it was started with. */
  nodeFlags?: readonly string[]
  /** Of the built-in gateway, whatever they came from. */
  settings?: GatewaySettings
  /** Settles when a managed target has ended, wanted or not. */
  exited?: Promise<ProgramExit>
  /** Its last lines on stderr. */
  stderrTail?(): string
  stop(): Promise<void>
}

/** One gateway that can be measured: how to start and address it. */
export interface Target {
  name: string
  /** It sends to the mock that bench starts, where none is given. */
  needsMock: boolean
  /** @throws {TargetError} when it cannot be started or reached. */
  start(context: TargetContext): Promise<RunningTarget>
}
