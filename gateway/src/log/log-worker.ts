import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { BatchWriter, type BatchOutcome } from './batch-writer.ts'
import type { LogStore } from './log-store.ts'
import type { PackedBatch } from './packed-batch.ts'
import { PostgresStore } from './postgres-store.ts'
import { SqliteStore } from './sqlite-store.ts'

/** Body of the thread that writes the log, so that neither SQL nor a slow disk is on the path of a request. */

export type LogWorkerData = { store: 'sqlite'; path: string } | { store: 'postgres'; url: string }

export type ToLogWorker =
  | { kind: 'batch'; batch: PackedBatch }
  /** Write what waits, close the database, end. */
  | { kind: 'close' }

export type FromLogWorker =
  | { kind: 'opened' }
  /** The database cannot be used as it was configured; the thread ends. */
  | { kind: 'refused'; message: string }
  | ({ kind: 'outcome' } & BatchOutcome)
  | { kind: 'failure' }
  | { kind: 'warning'; message: string }

const config = workerData as LogWorkerData
const port = parentPort!

if (config.store === 'sqlite') serveSqlite(config.path)
else await servePostgres(config.url)

function serveSqlite(path: string): void {
  const store = new SqliteStore({ path, durability: 'normal' })
  try {
    store.open()
  } catch (error) {
    say({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
    return
  }
  say({ kind: 'opened' })
  serve(store, writerOf(store))
}

async function servePostgres(url: string): Promise<void> {
  const store = new PostgresStore({ url, connections: 1 })
  const writer = writerOf(store)
  // Before it is: the gateway starts, and serves, while its log database is down.
  say({ kind: 'opened' })
  await writer.open()
  serve(store, writer)
}

function writerOf(store: LogStore): BatchWriter {
  return new BatchWriter({
    store,
    wait,
    onOutcome: (outcome) => {
      say({ kind: 'outcome', ...outcome })
    },
    onFailure: () => {
      say({ kind: 'failure' })
    },
    onWarning: (message) => {
      say({ kind: 'warning', message })
    },
  })
}

function serve(store: LogStore, writer: BatchWriter): void {
  port.on('message', (message: ToLogWorker) => {
    if (message.kind === 'batch') writer.add(message.batch)
    else void end()
  })

  async function end(): Promise<void> {
    await writer.idle()
    await store.close()
    // With nobody listening the thread ends by itself.
    port.close()
  }
}

function say(message: FromLogWorker): void {
  port.postMessage(message)
}
