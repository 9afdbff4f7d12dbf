import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RequestLogConfig } from '../config.ts'
import type { RequestLog } from '../core/request-log.ts'
import { BatchedLog } from './batched-log.ts'
import { PostgresStore } from './postgres-store.ts'
import { RequestLogError } from './request-log-error.ts'
import { SqliteStore } from './sqlite-store.ts'
import { SynchronousLog } from './synchronous-log.ts'

export type { RequestLog }
export { RequestLogError }

/** Connections, and so rows on their way at once, in synchronous mode. */
const SYNCHRONOUS_CONNECTIONS = 10

/**
 * Opens the log and makes the table `gateway_requests` if it is missing. A PostgreSQL server that is away is a warning,
 * and rows wait for it; a SQLite file that cannot be used is an error.
 *
 * @param config as `parseConfig` decides it
 * @param warn hears that the database cannot be written to, and that it can again
 * @throws RequestLogError saying what is wrong with the file
 *
 * @example
 * const log = await openRequestLog({ store: 'sqlite', path: 'requests.db', ...DEFAULTS.requestLog }, console.warn)
 * void log.add(record)
 * await log.close()
 */
export async function openRequestLog(config: RequestLogConfig, warn: (message: string) => void): Promise<RequestLog> {
  if (config.store === 'sqlite') await checkFolder(config.path)
  if (config.mode === 'batched') return BatchedLog.open(config, warn)
  const store =
    config.store === 'sqlite'
      ? new SqliteStore({ path: config.path, durability: 'full' })
      : new PostgresStore({ url: config.url, connections: SYNCHRONOUS_CONNECTIONS })
  return SynchronousLog.open(store, config.maxWaiting, warn)
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path)
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory() === true) return
  throw new RequestLogError(
    `path: the folder "${folder}" of "${path}" does not exist; make it, or name a file in one that does`,
  )
}
