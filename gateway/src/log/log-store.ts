import type { PackedBatch } from './packed-batch.ts'

/** A database that takes rows. After a failure the next call starts afresh: it connects and looks for the table again. */
export interface LogStore {
  /** What it is called in messages; holds no password. */
  readonly name: string
  /** Connects and makes the table if it is missing. @throws StoreError */
  open(): Promise<void> | void
  /** Writes all rows or none. @throws StoreError */
  write(batch: PackedBatch): Promise<void> | void
  /** Lets go of the database once what it does is done. */
  close(): Promise<void> | void
  /** Lets go of it now. */
  destroy(): void
}

/** Why rows were not written. The message holds no password. */
export class StoreError extends Error {
  /** The database is away, busy or full: the same rows may go through later. Else the rows or the table are wrong. */
  readonly passing: boolean

  constructor(message: string, passing: boolean) {
    super(message)
    this.name = 'StoreError'
    this.passing = passing
  }
}
