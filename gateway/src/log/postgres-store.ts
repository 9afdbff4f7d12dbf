import { Socket } from 'node:net'
import pg from 'pg'
import { type LogStore, StoreError } from './log-store.ts'
import { integerColumn, type PackedBatch, textColumn } from './packed-batch.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import { COLUMN_NAMES, columnDefinitions, COLUMNS, TABLE } from './table.ts'

export interface PostgresStoreOptions {
  /** As `parsePostgresUrl` accepts it. */
  url: string
  /** Most connections, and so most writes, at once. */
  connections: number
}

/** A server that does not answer for this long counts as gone; its connection is given up. */
const CONNECT_LIMIT_MS = 5_000
const WRITE_LIMIT_MS = 10_000

const CREATE = `CREATE TABLE IF NOT EXISTS ${TABLE} (${columnDefinitions('BIGINT', ' NOT NULL')})`
const CREATE_INDEX = `CREATE INDEX IF NOT EXISTS ${TABLE}_finished_at_ms ON ${TABLE} (finished_at_ms)`
// One array per column: of this, one JSON text and one VALUES list, it takes the least CPU in this process.
const ARRAYS = COLUMNS.map(({ kind }, column) => `$${column + 1}::${kind === 'integer' ? 'BIGINT' : 'TEXT'}[]`)
const INSERT = `INSERT INTO ${TABLE} (${COLUMN_NAMES}) SELECT * FROM unnest(${ARRAYS.join(', ')})`

/** SQLSTATE classes of connection, rollback by conflict, missing resources, operator's intervention, system error. */
const PASSING_CLASSES = new Set(['08', '40', '53', '57', '58'])
/** read_only_sql_transaction: for a while the address leads to a standby. */
const READ_ONLY = '25006'

/** Rows into a PostgreSQL table. A connection that breaks between commit and answer makes that batch be written twice. */
export class PostgresStore implements LogStore {
  readonly name: string
  private readonly pool: pg.Pool
  private readonly sockets = new Set<Socket>()
  private readonly secrets: readonly string[]
  private hasTable = false

  constructor({ url, connections }: PostgresStoreOptions) {
    const { label, secrets } = parsePostgresUrl(url)
    this.name = label
    this.secrets = secrets
    this.pool = new pg.Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: WRITE_LIMIT_MS,
      idleTimeoutMillis: 0,
      keepAlive: true,
      application_name: 'gatebench request log',
      stream: () => this.socket(),
    })
    // A resting connection that breaks is replaced at the next write, which tells if there is no server either.
    this.pool.on('error', () => undefined)
  }

  async open(): Promise<void> {
    try {
      // Asked first, because CREATE wants the right to create even where the table exists.
      const found = await this.pool.query<{ found: boolean }>(`SELECT to_regclass('${TABLE}') IS NOT NULL AS found`)
      if (found.rows[0]?.found !== true) {
        await this.pool.query(CREATE)
        await this.pool.query(CREATE_INDEX)
      }
      this.hasTable = true
    } catch (error) {
      // Whatever keeps us out now (start-up, rights, a missing database), somebody may put right on the server.
      throw new StoreError(this.messageOf(error), true)
    }
  }

  async write(batch: PackedBatch): Promise<void> {
    if (!this.hasTable) await this.open()
    try {
      await this.pool.query(INSERT, arrayLiterals(batch))
    } catch (error) {
      this.hasTable = false
      throw new StoreError(this.messageOf(error), isPassing(error))
    }
  }

  async close(): Promise<void> {
    await this.pool.end()
  }

  destroy(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private socket(): Socket {
    const socket = new Socket()
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    return socket
  }

  private messageOf(error: unknown): string {
    // Node's error for several refused addresses has an empty message.
    const { message, code } = error as { message?: string; code?: string }
    const text = (message ?? '') === '' ? (code ?? 'unknown error') : message!
    return this.secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
  }
}

function isPassing(error: unknown): boolean {
  // Only the server itself can have found fault with the rows; the rest (a reset, a time limit) is the way to it.
  if (!(error instanceof pg.DatabaseError)) return true
  const sqlState = error.code ?? ''
  return PASSING_CLASSES.has(sqlState.slice(0, 2)) || sqlState === READ_ONLY
}

/**
 * PostgreSQL's text form of each column as an array, in the order of `COLUMNS`.
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
function arrayLiterals(batch: PackedBatch): string[] {
  // Each different text is quoted once; the driver's own way, which quotes each value, costs twice as much.
  const quoted = batch.texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`)
  return COLUMNS.map(({ kind }, column) => {
    const values =
      kind === 'integer'
        ? integerColumn(batch, column)
        : Array.from(textColumn(batch, column), (index) => quoted[index])
    return `{${values.join()}}`
  })
}
