import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'

import type { GatewaySnapshot } from '../core/snapshot.ts'
import type { Seat } from './connection-dealer.ts'
import type { ToPrimary, ToWorker, WorkerOrders } from './protocol.ts'
import { Questions } from './questions.ts'

/** What the primary hears of a worker. */
export interface WorkerEvents {
  ready(worker: WorkerHandle): void
  /** It ends by itself, because it cannot start. */
  refused(worker: WorkerHandle, exitCode: number, message: string): void
  /** What it says of a connection that it was given. */
  settled(worker: WorkerHandle, id: number, adopted: boolean): void
  /** It wants the counters of all. */
  collect(worker: WorkerHandle, id: number): void
  /** It wants the stages of all reset. */
  resetAll(worker: WorkerHandle, id: number): void
  /** Nothing reaches it any more; something of it may still come. */
  lost(worker: WorkerHandle): void
  /** It has ended, and nothing will come. */
  gone(worker: WorkerHandle, how: string): void
}

/** One worker as the primary sees it. */
export class WorkerHandle implements Seat {
  /** From 0. */
  readonly index: number
  readonly startedAtMs = performance.now()
  /** Text of the configuration that it has. */
  configText: string
  ready = false
  lastSnapshot: GatewaySnapshot | undefined
  /** Requests that it cut at the end of its drain; absent until it has drained. */
  cut: number | undefined
  private readonly child: ChildProcess
  private readonly events: WorkerEvents
  private readonly snapshots = new Questions<GatewaySnapshot>()
  private readonly resets = new Questions<true>()
  private readonly reloads = new Questions<true>()
  /** How it ended. */
  private end: string | undefined

  constructor(orders: WorkerOrders, events: WorkerEvents) {
    this.index = orders.index
    this.configText = orders.configText
    this.events = events
    // Its stdout goes to stderr: stdout is for the primary's one line.
    this.child = fork(new URL('./worker-process.ts', import.meta.url), [], { stdio: ['ignore', 2, 2, 'ipc'] })
    this.child.on('message', (message: ToPrimary) => {
      this.take(message)
    })
    this.child.once('disconnect', () => {
      this.lose()
    })
    this.child.once('exit', (code, signal) => {
      this.end = signal ?? `exit code ${code ?? '?'}`
      this.lose()
    })
    this.child.on('error', (error) => {
      this.end ??= error.message
    })
    // The channel is read to its end. 'disconnect' does not tell that: it does not come at all when the worker died with a
    // connection on its way to it.
    this.child.once('close', () => {
      this.lose()
      for (const questions of [this.snapshots, this.resets, this.reloads]) questions.close()
      this.events.gone(this, this.end ?? 'it is not known how')
    })
    this.send({ kind: 'start', orders })
  }

  /** How people know it. */
  get name(): string {
    return `worker ${this.index + 1}`
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  hand(id: number, socket: Socket): void {
    // Kept open here: until the worker has said that it has it, it is not the worker's.
    this.child.send({ kind: 'connection', id } satisfies ToWorker, socket, { keepOpen: true }, ignored)
  }

  /** Its counters, or undefined when it does not say within the limit. */
  takeSnapshot(limitMs: number): Promise<GatewaySnapshot | undefined> {
    return this.snapshots.ask((id) => {
      this.send({ kind: 'snapshot', id })
    }, limitMs)
  }

  async resetStages(limitMs: number): Promise<void> {
    await this.resets.ask((id) => {
      this.send({ kind: 'reset', id })
    }, limitMs)
  }

  /** Resolves when it works by this text, or is gone. */
  async reload(configText: string): Promise<void> {
    this.configText = configText
    await this.reloads.ask((id) => {
      this.send({ kind: 'reload', id, configText })
    })
  }

  drain(limitMs: number): void {
    this.send({ kind: 'drain', limitMs })
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }

  send(message: ToWorker): void {
    this.child.send(message, ignored)
  }

  private take(message: ToPrimary): void {
    switch (message.kind) {
      case 'ready':
        this.ready = true
        this.events.ready(this)
        break
      case 'refused':
        this.events.refused(this, message.exitCode, message.message)
        break
      case 'connection':
        this.events.settled(this, message.id, message.adopted)
        break
      case 'reloaded':
        this.reloads.answered(message.id, true)
        break
      case 'snapshot':
        this.lastSnapshot = message.snapshot
        this.snapshots.answered(message.id, message.snapshot)
        break
      case 'wasReset':
        this.resets.answered(message.id, true)
        break
      case 'collect':
        this.events.collect(this, message.id)
        break
      case 'resetAll':
        this.events.resetAll(this, message.id)
        break
      case 'drained':
        this.cut = message.cut
        break
    }
  }

  private lose(): void {
    this.ready = false
    this.events.lost(this)
  }
}

/** The error of a channel that has closed: `lost` tells that. */
function ignored(): void {
  // Nothing.
}
