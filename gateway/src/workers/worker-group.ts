import type { Socket } from 'node:net'

import { readProcess } from '../core/process-facts.ts'
import { EMPTY_SNAPSHOT, mergeSnapshots, resetStages, retire } from '../core/merge-snapshots.ts'
import type { GatewaySnapshot } from '../core/snapshot.ts'
import { EXIT, ProgramError } from '../program/exit-codes.ts'
import { say } from '../program/output.ts'
import { ConnectionDealer } from './connection-dealer.ts'
import type { WorkerOrders } from './protocol.ts'
import { RestartPause } from './restart-pause.ts'
import { type WorkerEvents, WorkerHandle } from './worker-handle.ts'

/** A worker that does not answer within this time is shown as it was last seen. */
const ANSWER_LIMIT_MS = 1_000
/** After its drain limit a worker still has to write its log. */
const AFTER_DRAIN_MS = 10_000

/** What all workers are told alike. */
export type GroupOrders = Omit<WorkerOrders, 'index'>

/** Keeps so many workers running, deals connections to them, and adds their counters up. */
export class WorkerGroup {
  private orders: GroupOrders
  private readonly dealer = new ConnectionDealer()
  private readonly running = new Set<WorkerHandle>()
  private readonly pauses: readonly RestartPause[]
  private readonly pausing = new Set<NodeJS.Timeout>()
  /** Counted by workers that are gone. */
  private ended: GatewaySnapshot = EMPTY_SNAPSHOT
  private phase: 'starting' | 'serving' | 'stopping' = 'starting'
  private restarts = 0
  private cut = 0
  /** Something changed that `start` or `drain` wait for. */
  private changed: () => void = () => undefined
  private startFailure: ProgramError | undefined

  constructor(orders: GroupOrders) {
    this.orders = orders
    this.pauses = Array.from({ length: orders.workers }, () => new RestartPause())
  }

  /**
   * Resolves when all of them are ready for connections.
   * @throws ProgramError when one of them cannot start
   */
  async start(): Promise<void> {
    for (let index = 0; index < this.orders.workers; index++) this.begin(index)
    await this.until(() => this.startFailure !== undefined || [...this.running].every(({ ready }) => ready))
    if (this.startFailure) throw this.startFailure
    this.phase = 'serving'
  }

  deal(socket: Socket): void {
    this.dealer.deal(socket)
  }

  /** Resolves when all of them have this configuration. */
  async reload(configText: string): Promise<void> {
    this.orders = { ...this.orders, configText }
    await Promise.all(this.readyWorkers().map((worker) => worker.reload(configText)))
  }

  /**
   * Every worker ends when its requests have, or at the limit.
   * @returns how many requests were cut
   */
  async drain(limitMs: number): Promise<number> {
    this.phase = 'stopping'
    for (const timer of this.pausing) clearTimeout(timer)
    this.dealer.close()
    for (const worker of this.running) {
      if (worker.ready) worker.drain(limitMs)
      else worker.kill()
    }
    const hanging = setTimeout(() => {
      for (const worker of this.running) worker.kill()
    }, limitMs + AFTER_DRAIN_MS)
    await this.until(() => this.running.size === 0)
    clearTimeout(hanging)
    return this.cut
  }

  private begin(index: number): void {
    const { debugPort, ...orders } = this.orders
    // Port 0 is any free one for each of them.
    const own = debugPort === undefined ? {} : { debugPort: debugPort === 0 ? 0 : debugPort + index }
    this.running.add(new WorkerHandle({ ...orders, ...own, index }, this.events))
  }

  private readonly events: WorkerEvents = {
    ready: (worker) => {
      // It may have started before a reload.
      if (worker.configText !== this.orders.configText) void worker.reload(this.orders.configText)
      if (this.phase === 'stopping') worker.kill()
      else this.dealer.join(worker)
      this.changed()
    },
    refused: (worker, exitCode, message) => {
      if (this.phase === 'starting') this.startFailure ??= new ProgramError(exitCode, message)
      else say(`${worker.name} cannot start: ${message}`)
    },
    settled: (worker, id, adopted) => {
      this.dealer.settle(worker, id, adopted)
    },
    collect: (worker, id) => {
      void this.collect().then((snapshot) => {
        worker.send({ kind: 'collected', id, snapshot })
      })
    },
    resetAll: (worker, id) => {
      void this.resetStages().then(() => {
        worker.send({ kind: 'allReset', id })
      })
    },
    lost: (worker) => {
      this.dealer.leave(worker)
    },
    gone: (worker, how) => {
      this.dealer.dealAgain(worker)
      this.running.delete(worker)
      if (worker.lastSnapshot) this.ended = retire(this.ended, worker.lastSnapshot)
      if (this.phase === 'starting') {
        this.startFailure ??= new ProgramError(EXIT.cut, `${worker.name} ended before it served (${how})`)
      } else if (this.phase === 'stopping') {
        this.cut += worker.cut ?? worker.lastSnapshot?.contexts.inUse ?? 0
      } else {
        this.replace(worker, how)
      }
      this.changed()
    },
  }

  private replace({ index, name, pid, startedAtMs }: WorkerHandle, how: string): void {
    this.restarts++
    const pauseMs = this.pauses[index]!.after(performance.now() - startedAtMs)
    const when = pauseMs === 0 ? 'now' : `in ${pauseMs / 1_000} s`
    say(`${name} (pid ${pid ?? '?'}) ended with its requests (${how}); another one starts ${when}`)
    const timer = setTimeout(() => {
      this.pausing.delete(timer)
      this.begin(index)
    }, pauseMs)
    this.pausing.add(timer)
  }

  private async collect(): Promise<GatewaySnapshot> {
    await Promise.all(this.readyWorkers().map((worker) => worker.takeSnapshot(ANSWER_LIMIT_MS)))
    // Those who are running now: whoever ended meanwhile is among the ended already.
    const snapshots = [...this.running].flatMap(({ lastSnapshot }) => lastSnapshot ?? [])
    const own = { ...EMPTY_SNAPSHOT, process: readProcess() }
    return { ...mergeSnapshots([this.ended, own, ...snapshots]), workerRestarts: this.restarts }
  }

  private async resetStages(): Promise<void> {
    await Promise.all(this.readyWorkers().map((worker) => worker.resetStages(ANSWER_LIMIT_MS)))
    this.ended = resetStages(this.ended)
    for (const worker of this.running) {
      if (worker.lastSnapshot) worker.lastSnapshot = resetStages(worker.lastSnapshot)
    }
  }

  private readyWorkers(): WorkerHandle[] {
    return [...this.running].filter(({ ready }) => ready)
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.changed = resolve
      })
    }
  }
}
