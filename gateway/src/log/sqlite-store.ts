import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type LogStore, StoreError } from './log-store.ts'
import { forEachRow, type PackedBatch } from './packed-batch.ts'
import { COLUMN_NAMES, columnDefinitions, COLUMNS, TABLE } from './table.ts'

export interface SqliteStoreOptions {
  path: string
  /** `full`: every transaction is on disk when it ends; `normal`: a power cut may take the last ones (not a crash). */
  durability: 'normal' | 'full'
}

/** Another process may hold the file's one write lock for this long before a write counts as failed. */
const LOCK_WAIT_MS = 1_000

const CREATE = [
  `CREATE TABLE IF NOT EXISTS ${TABLE} (${columnDefinitions('INTEGER', ' NOT NULL')}) STRICT`,
  `CREATE INDEX IF NOT EXISTS ${TABLE}_finished_at_ms ON ${TABLE} (finished_at_ms)`,
].join('; ')
const INSERT = `INSERT INTO ${TABLE} (${COLUMN_NAMES}) VALUES (${COLUMNS.map(() => '?').join(', ')})`

/** SQLite's primary result codes for busy, locked, out of memory, read or write error, disk full, cannot open. */
const PASSING_CODES = new Set([5, 6, 7, 10, 13, 14])

/** Rows into a SQLite file. Blocks the thread that it runs on while it writes. */
export class SqliteStore implements LogStore {
  readonly name: string
  private readonly options: SqliteStoreOptions
  private opened: { database: DatabaseSync; insert: StatementSync } | undefined

  constructor(options: SqliteStoreOptions) {
    this.options = options
    this.name = `SQLite file ${options.path}`
  }

  open(): void {
    this.attempt(() => this.ensureOpen())
  }

  write(batch: PackedBatch): void {
    this.attempt(() => {
      const { database, insert } = this.ensureOpen()
      // Immediate: a transaction that turns into a writer half-way can fail without having waited for the lock.
      database.exec('BEGIN IMMEDIATE')
      forEachRow(batch, (values) => insert.run(...values))
      database.exec('COMMIT')
    })
  }

  close(): void {
    const database = this.opened?.database
    this.opened = undefined
    // Rolls back what was not committed.
    database?.close()
  }

  destroy(): void {
    this.close()
  }

  private ensureOpen(): { database: DatabaseSync; insert: StatementSync } {
    if (this.opened) return this.opened
    const database = new DatabaseSync(this.options.path, { timeout: LOCK_WAIT_MS })
    try {
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${this.options.durability}`)
      database.exec(CREATE)
      this.opened = { database, insert: database.prepare(INSERT) }
    } catch (error) {
      database.close()
      throw error
    }
    return this.opened
  }

  private attempt(action: () => unknown): void {
    try {
      action()
    } catch (error) {
      try {
        this.close()
      } catch {
        // The first error tells more.
      }
      throw storeErrorOf(error)
    }
  }
}

function storeErrorOf(error: unknown): StoreError {
  const { errcode, message } = error as { errcode?: number; message: string }
  // The low byte is the primary code, the rest its variant.
  return new StoreError(message, errcode !== undefined && PASSING_CODES.has(errcode & 0xff))
}
