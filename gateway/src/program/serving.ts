import { type Socket } from 'node:net'

import type { FastifyInstance } from 'fastify'
import { destination, pino } from 'pino'

import type { GatewayConfig } from '../config.ts'
import { type DebugServer, startDebugServer } from '../debug/debug-server.ts'
import { Secrets } from '../debug/secrets.ts'
import type { SnapshotSources } from '../http/operations-routes.ts'
import type { PipelineHost } from '../http/pipeline-host.ts'
import { createServer } from '../http/server.ts'
import { openRequestLog, type RequestLog, RequestLogError } from '../log/request-log.ts'
import { drained } from './drain.ts'
import { EXIT, ProgramError } from './exit-codes.ts'
import { OpenConnections } from './open-connections.ts'

export interface ServingOptions {
  config: GatewayConfig
  logLevel: string
  /** Absent: no profiling. */
  debugPort?: number
  /** Its number, from 1, where there are several. */
  worker?: number
  /** Whose counters `/metrics` shows. @default this process's own */
  snapshots?: SnapshotSources
  warn: (message: string) => void
  say: (message: string) => void
}

/** All that one serving process consists of, from its request log to its profiling port. */
export class Serving {
  readonly app: FastifyInstance
  readonly host: PipelineHost
  private readonly connections: OpenConnections
  private readonly requestLog: RequestLog | undefined
  private readonly secrets: Secrets
  private readonly options: ServingOptions
  private debugServer: DebugServer | undefined
  private reloading: Promise<unknown> = Promise.resolve()

  private constructor(options: ServingOptions, requestLog: RequestLog | undefined) {
    const { config, logLevel, worker, snapshots } = options
    const base = worker === undefined ? {} : { base: { ...pino().bindings(), worker } }
    const logger = pino({ level: logLevel, ...base }, destination(2))
    const { app, host } = createServer(config, {
      onFailure: (failure) => {
        logger.info(failure, 'request failed')
      },
      ...(requestLog && { requestLog }),
      logBeforeAnswer: config.requestLog?.mode === 'synchronous',
      ...(snapshots && { snapshots }),
    })
    this.options = options
    this.app = app
    this.host = host
    this.requestLog = requestLog
    this.secrets = new Secrets(config)
    this.connections = new OpenConnections(app.server)
  }

  /**
   * Everything but listening.
   * @throws ProgramError
   */
  static async start(options: ServingOptions): Promise<Serving> {
    const { config, debugPort, warn, say } = options
    const serving = new Serving(options, await openLog(config, warn))
    for (const warning of await serving.host.start()) warn(warning)
    if (debugPort !== undefined) {
      serving.debugServer = await startDebugServer({ port: debugPort, secrets: serving.secrets }).catch(
        (error: unknown) => {
          throw new ProgramError(
            EXIT.cannotListen,
            `cannot listen on debug port ${debugPort} of 127.0.0.1: ${String(error)}`,
          )
        },
      )
      say(
        `profiles of ${options.worker === undefined ? 'this process' : `worker ${options.worker}`}: ${serving.debugServer.url}`,
      )
    }
    return serving
  }

  /** Serves connections that come through `adopt`, not from a port of its own. */
  async serveAdopted(): Promise<void> {
    await this.app.ready()
    // Node looks for callers that send too slowly only once a server listens.
    this.app.server.emit('listening')
  }

  adopt(socket: Socket): void {
    this.app.server.emit('connection', socket)
  }

  /**
   * One after the other, in the order of the calls.
   * @returns false when the gateway is ending, and nothing has changed
   */
  reload(config: GatewayConfig): Promise<boolean> {
    const reloaded = this.reloading.then(async () => {
      // Strings of the old configuration stay in the heap: its keys stay secrets.
      this.secrets.add(config)
      const warnings = await this.host.reload(config)
      for (const warning of warnings ?? []) this.options.warn(warning)
      return warnings !== undefined
    })
    this.reloading = reloaded.catch(() => undefined)
    return reloaded
  }

  /**
   * Takes nothing new, waits for what runs, then closes everything.
   * @returns how many requests were cut at the limit
   */
  async drain(limitMs: number): Promise<number> {
    const { host, connections } = this
    host.draining = true
    // Resolves with the last connection, which is waited for below; a server that never listened has nothing to close.
    void this.app.close()
    const cut = await drained(
      {
        get requests() {
          return host.inUse
        },
        get connections() {
          return connections.size
        },
        get sending() {
          return connections.sending
        },
        closeIdle: () => {
          connections.closeIdle()
        },
        cutAll: () => connections.cutAll(),
      },
      limitMs,
    )
    await this.close()
    return cut
  }

  /** The log last: whatever was cut is in it. */
  async close(): Promise<void> {
    this.debugServer?.close()
    this.host.close()
    await this.requestLog?.close()
  }
}

async function openLog(config: GatewayConfig, warn: (message: string) => void): Promise<RequestLog | undefined> {
  if (config.requestLog === undefined) return undefined
  try {
    return await openRequestLog(config.requestLog, warn)
  } catch (error) {
    if (!(error instanceof RequestLogError)) throw error
    throw new ProgramError(EXIT.usage, error.message)
  }
}
