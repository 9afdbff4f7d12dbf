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
  /** When that process was started, ms since the epoch: what bench itself took before is in no cold start. */
  startedAtMs?: number
  /** Of the process that keeps it, where it is not ours: its use is nobody's. */
  guardPid?: number
  /** Options of node that it was started with. */
  nodeFlags?: readonly string[]
  /** Of the built-in gateway, whatever they came from. */
  settings?: GatewaySettings
  /** Headers that requests to it must carry, known only once it runs; those of the run come on top. */
  headers?: Readonly<Record<string, string>>
  /** Settles when a managed target has ended, wanted or not. */
  exited?: Promise<ProgramExit>
  /** Its last lines on stderr. */
  stderrTail?(): string
  stop(): Promise<void>
}

/** Whether a target can be started on this machine. */
export type Availability =
  | { installed: true; version?: string }
  /** `install`: what to do about it, as a command or a sentence. */
  | { installed: false; reason: string; install: string }

/** Where a gateway tells how long its own work took. */
export type SelfReportSource =
  /** A header of each answer. */
  | { kind: 'header'; header: string; unit: 'ms' | 'us' | 's'; claims: string }
  /** A Prometheus histogram or summary at `path`, read before and after the window. */
  | { kind: 'prometheus'; path: string; metric: string; unit: 'ms' | 'us' | 's'; claims: string }
  /** The built-in gateway's `Server-Timing`, which every request of a run asks for. */
  | { kind: 'server_timing'; claims: string }

/** One gateway that can be measured: how to recognise, install, start and address it. */
export interface Target {
  name: string
  /** What it is, in words. */
  title: string
  /** It sends to the mock that bench starts, where none is given. */
  needsMock: boolean
  /** Model that requests to it name. Absent: that of the run. */
  model?: string
  /** Name by which it asks the mock for that model. Absent: nothing is expected. */
  upstreamModel?: string
  /** Headers that requests to it carry, lower-case names; those of the run come on top. Absent: none. */
  headers?: Readonly<Record<string, string>>
  /** How it is set up, one setting each, in words, for tables. */
  settings: readonly string[]
  /** Commands that install it from its public package, each as argv; empty when there is nothing to install. */
  install: readonly (readonly string[])[]
  selfReports?: readonly SelfReportSource[]
  /** Looks whether it is installed; starts nothing that stays. */
  find(): Promise<Availability>
  /** @throws {TargetError} when it cannot be started or reached. */
  start(context: TargetContext): Promise<RunningTarget>
}
