import type { Socket } from 'node:net'

import { ConfigError, divideLimits, type GatewayConfig } from '../config.ts'
import type { GatewaySnapshot } from '../core/snapshot.ts'
import { readConfig } from '../program/config-source.ts'
import { EXIT, ProgramError } from '../program/exit-codes.ts'
import { say, warn } from '../program/output.ts'
import { Serving } from '../program/serving.ts'
import type { ToPrimary, ToWorker, WorkerOrders } from './protocol.ts'
import { Questions } from './questions.ts'

/** Between two unasked snapshots; a worker that dies takes no more than this with it. */
const SNAPSHOT_EVERY_MS = 1_000
/** Taking them may cost 1% of the time at most, however many labels there are. */
const SNAPSHOT_REST = 100

/** One of several processes that serve together; everything that it does, its primary tells it. */
class WorkerProcess {
  private readonly collecting = new Questions<GatewaySnapshot>()
  private readonly resetting = new Questions<true>()
  private orders: WorkerOrders | undefined
  private serving: Serving | undefined
  private draining = false

  run(): void {
    process.on('message', (message: ToWorker, socket: Socket | undefined) => {
      this.take(message, socket).catch((error: unknown) => {
        this.refuse(error)
      })
    })
    // However the primary ended, nobody would find this process any more.
    process.on('disconnect', () => process.exit(EXIT.cut))
    // A terminal sends these to all processes at once; here they come from the primary, as messages.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)
  }

  private async take(message: ToWorker, socket: Socket | undefined): Promise<void> {
    switch (message.kind) {
      case 'start':
        await this.start(message.orders)
        break
      case 'connection':
        this.connected(message.id, socket)
        break
      case 'reload':
        await this.serving!.reload(this.share(message.configText))
        send({ kind: 'reloaded', id: message.id })
        break
      case 'snapshot':
        send({ kind: 'snapshot', id: message.id, snapshot: this.snapshot() })
        break
      case 'reset':
        this.serving!.host.current.histograms.reset()
        send({ kind: 'wasReset', id: message.id })
        break
      case 'collected':
        this.collecting.answered(message.id, message.snapshot)
        break
      case 'allReset':
        this.resetting.answered(message.id, true)
        break
      case 'drain':
        await this.drain(message.limitMs)
        break
    }
  }

  private async start(orders: WorkerOrders): Promise<void> {
    this.orders = orders
    const { logLevel, debugPort, index } = orders
    const worker = index + 1
    this.serving = await Serving.start({
      config: this.share(orders.configText),
      logLevel,
      worker,
      ...(debugPort !== undefined && { debugPort }),
      snapshots: {
        collect: async () =>
          (await this.collecting.ask((id) => {
            send({ kind: 'collect', id })
          })) ?? this.snapshot(),
        resetStages: async () => {
          await this.resetting.ask((id) => {
            send({ kind: 'resetAll', id })
          })
        },
      },
      warn: (message) => {
        warn(`worker ${worker}: ${message}`)
      },
      say,
    })
    await this.serving.serveAdopted()
    send({ kind: 'ready' })
    this.sendSnapshots()
  }

  private share(configText: string): GatewayConfig {
    const { overrides, workers, index } = this.orders!
    return divideLimits(readConfig(configText, overrides).config, workers, index)
  }

  private connected(id: number, socket: Socket | undefined): void {
    const adopted = !this.draining
    // Before a byte is read: what has not been read can still go to another worker.
    send({ kind: 'connection', id, adopted })
    if (socket === undefined) return
    if (adopted) this.serving!.adopt(socket)
    else socket.destroy()
  }

  private snapshot(): GatewaySnapshot {
    return this.serving!.host.snapshot()
  }

  private sendSnapshots(): void {
    const beganMs = performance.now()
    send({ kind: 'snapshot', id: 0, snapshot: this.snapshot() })
    const tookMs = performance.now() - beganMs
    setTimeout(
      () => {
        this.sendSnapshots()
      },
      Math.max(SNAPSHOT_EVERY_MS, tookMs * SNAPSHOT_REST),
    ).unref()
  }

  private async drain(limitMs: number): Promise<void> {
    this.draining = true
    const cut = await this.serving!.drain(limitMs)
    process.removeAllListeners('disconnect')
    send({ kind: 'drained', cut }, () => {
      process.exit(cut > 0 ? EXIT.cut : EXIT.drained)
    })
  }

  private refuse(error: unknown): void {
    const message =
      error instanceof ProgramError || error instanceof ConfigError
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error)
    const exitCode =
      error instanceof ProgramError ? error.exitCode : error instanceof ConfigError ? EXIT.usage : EXIT.cut
    send({ kind: 'refused', exitCode, message }, () => process.exit(exitCode))
  }
}

function send(message: ToPrimary, sent: () => void = () => undefined): void {
  // The callback takes the error of a channel that has closed: 'disconnect' tells that.
  process.send?.(message, undefined, undefined, sent)
}

new WorkerProcess().run()
