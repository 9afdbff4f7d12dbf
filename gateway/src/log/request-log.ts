import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RequestLog } from '../core/request-log.ts'
import { BatchedLog } from './batched-log.ts'
import { parsePostgresUrl, PostgresStore } from './postgres-store.ts'
import { RequestLogError } from './request-log-error.ts'
import { SqliteStore } from './sqlite-store.ts'
import { SynchronousLog } from './synchronous-log.ts'

export type { RequestLog }
export { RequestLogError }

/** Where the log goes and how. */
export type RequestLogConfig = (SqliteLogConfig | PostgresLogConfig) & RequestLogSettings

export interface SqliteLogConfig {
  store: 'sqlite'
  /** The database file; made when it is missing, its folder is not. */
  path: string
}

export interface PostgresLogConfig {
  store: 'postgres'
  /** `postgres://user:password@host:5432/database`. */
  url: string
}

export interface RequestLogSettings {
  /**
   * `batched`: another thread writes, requests do not wait. `synchronous`: each row is written before its request is
   * answered, which is here only so that what it costs can be measured. @default 'batched'
   */
  mode?: 'batched' | 'synchronous'
  /** Rows that are written as soon as they are together, 1 to 10,000. @default 1_000 */
  batchSize?: number
  /** Longest wait for a batch to fill, ms, 1 to 60,000. @default 100 */
  batchIntervalMs?: number
  /** Most records that wait for the database; later ones are dropped and counted. At least `batchSize`. @default 100_000 */
  maxWaiting?: number
}

export const REQUEST_LOG_DEFAULTS = {
  mode: 'batched',
  batchSize: 1_000,
  batchIntervalMs: 100,
  maxWaiting: 100_000,
} as const satisfies Required<RequestLogSettings>

export interface RequestLogSurroundings {
  /** Hears that the database cannot be written to, and that it can again. By default a warning of the process. */
  warn: (message: string) => void
}

/** Connections, and so rows on their way at once, in synchronous mode. */
const SYNCHRONOUS_CONNECTIONS = 10

/**
 * Opens the log and makes the table `gateway_requests` if it is missing. A PostgreSQL server that is away is a warning,
 * and rows wait for it; a SQLite file that cannot be used is an error.
 *
 * @throws RequestLogError naming every wrong setting, or what is wrong with the file.
 *
 * @example
 * const log = await openRequestLog({ store: 'sqlite', path: 'requests.db' })
 * void log.add(record)
 * await log.close()
 */
export async function openRequestLog(
  config: RequestLogConfig,
  surroundings: Partial<RequestLogSurroundings> = {},
): Promise<RequestLog> {
  const warn = surroundings.warn ?? warnProcess
  const problems = await problemsOf(config)
  if (problems.length > 0) throw new RequestLogError(problems)
  const settings = { ...REQUEST_LOG_DEFAULTS, ...config }
  if (settings.mode === 'batched') return BatchedLog.open(config, settings, warn)
  const store =
    config.store === 'sqlite'
      ? new SqliteStore({ path: config.path, durability: 'full' })
      : new PostgresStore({ url: config.url, connections: SYNCHRONOUS_CONNECTIONS })
  return SynchronousLog.open(store, settings.maxWaiting, warn)
}

async function problemsOf(config: RequestLogConfig): Promise<string[]> {
  const { batchSize, batchIntervalMs, maxWaiting } = { ...REQUEST_LOG_DEFAULTS, ...config }
  const problems: string[] = []
  const wantWhole = (name: string, value: number, min: number, max: number): void => {
    if (Number.isInteger(value) && value >= min && value <= max) return
    problems.push(`${name}: must be a whole number from ${min} to ${max}, got ${value}`)
  }
  wantWhole('batchSize', batchSize, 1, 10_000)
  wantWhole('batchIntervalMs', batchIntervalMs, 1, 60_000)
  wantWhole('maxWaiting', maxWaiting, batchSize, 10_000_000)
  const place = await (config.store === 'sqlite' ? problemOfPath(config.path) : problemOfUrl(config.url))
  return place === undefined ? problems : [...problems, place]
}

async function problemOfPath(path: string): Promise<string | undefined> {
  // SQLite would take these for databases in memory or for URLs.
  if (path === '' || path.startsWith(':') || path.startsWith('file:')) {
    return `path: must be the path of a file, got "${path}"; write for example ./requests.db`
  }
  const folder = dirname(path)
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory() === true) return undefined
  return `path: the folder "${folder}" of "${path}" does not exist; make it, or name a file in one that does`
}

function problemOfUrl(url: string): string | undefined {
  try {
    parsePostgresUrl(url)
    return undefined
  } catch (error) {
    return `url: ${(error as Error).message}`
  }
}

function warnProcess(message: string): void {
  process.emitWarning(message, 'RequestLogWarning')
}
