import type { RequestRecord } from '../core/request-log.ts'
import { COLUMNS } from './table.ts'

/**
 * Rows on their way to the thread that writes them: numbers and text numbers in two buffers that change hands without a
 * copy, and every different text once. A thousand rows cost one message, and about 130 bytes a row while they wait.
 */
export interface PackedBatch {
  rows: number
  /** Column by column, as `integerColumn` reads them. */
  integers: Float64Array<ArrayBuffer>
  /** Indexes into `texts`, column by column, as `textColumn` reads them. */
  textIndexes: Uint32Array<ArrayBuffer>
  texts: string[]
}

/** A value longer than this many characters is cut: a caller chooses the model's name, and waiting rows hold memory. */
export const MAX_TEXT_CHARS = 256
/** JSON cannot be cut: longer labels are replaced by `TOO_LONG_LABELS`. */
export const MAX_LABELS_CHARS = 1_024
export const TOO_LONG_LABELS = '{"_error":"labels too long"}'

const INTEGER_FIELDS = COLUMNS.filter(({ kind }) => kind === 'integer').map(({ field }) => field)
const TEXT_FIELDS = COLUMNS.filter(({ kind }) => kind === 'text').map(({ field }) => field)
/** Of each of `COLUMNS`, which one of its kind it is. */
const PLACES = COLUMNS.map(({ field, kind }) => (kind === 'integer' ? INTEGER_FIELDS : TEXT_FIELDS).indexOf(field))

/** Takes records, up to `capacity`, and gives them away packed. */
export class BatchPacker {
  private readonly integers: readonly Float64Array[]
  private readonly textIndexes: readonly Uint32Array[]
  private indexOfText = new Map<string, number>()
  private texts: string[] = []
  private count = 0

  constructor(capacity: number) {
    this.integers = INTEGER_FIELDS.map(() => new Float64Array(capacity))
    this.textIndexes = TEXT_FIELDS.map(() => new Uint32Array(capacity))
  }

  get rows(): number {
    return this.count
  }

  add(record: RequestRecord): void {
    const row = this.count++
    for (let place = 0; place < INTEGER_FIELDS.length; place++) {
      this.integers[place]![row] = wholeNumber(record[INTEGER_FIELDS[place]!] as number)
    }
    for (let place = 0; place < TEXT_FIELDS.length; place++) {
      const field = TEXT_FIELDS[place]!
      this.textIndexes[place]![row] = this.indexOf(bounded(field, record[field] as string))
    }
  }

  /** What was added since the last take. */
  take(): PackedBatch {
    const rows = this.count
    // Copies of what is used: thousands of batches of one row may wait for a database that is gone.
    const integers = new Float64Array(rows * INTEGER_FIELDS.length)
    const textIndexes = new Uint32Array(rows * TEXT_FIELDS.length)
    this.integers.forEach((column, place) => {
      integers.set(column.subarray(0, rows), place * rows)
    })
    this.textIndexes.forEach((column, place) => {
      textIndexes.set(column.subarray(0, rows), place * rows)
    })
    const batch = { rows, integers, textIndexes, texts: this.texts }
    this.count = 0
    this.texts = []
    this.indexOfText = new Map()
    return batch
  }

  private indexOf(text: string): number {
    const known = this.indexOfText.get(text)
    if (known !== undefined) return known
    const index = this.texts.length
    this.indexOfText.set(text, index)
    this.texts.push(storable(text))
    return index
  }
}

/** One record as a batch of its own. */
export function packOne(record: RequestRecord): PackedBatch {
  const packer = new BatchPacker(1)
  packer.add(record)
  return packer.take()
}

/** The values of the integer column at `column` in `COLUMNS`, one per row. */
export function integerColumn({ rows, integers }: PackedBatch, column: number): Float64Array {
  return integers.subarray(PLACES[column]! * rows, (PLACES[column]! + 1) * rows)
}

/** Of the text column at `column` in `COLUMNS`, the index into `texts` of each row. */
export function textColumn({ rows, textIndexes }: PackedBatch, column: number): Uint32Array {
  return textIndexes.subarray(PLACES[column]! * rows, (PLACES[column]! + 1) * rows)
}

/** Calls `visit` with the values of each row in the order of `COLUMNS`. The array is the same one each time. */
export function forEachRow(batch: PackedBatch, visit: (values: (number | string)[]) => void): void {
  const values = new Array<number | string>(COLUMNS.length)
  for (let row = 0; row < batch.rows; row++) {
    for (let column = 0; column < COLUMNS.length; column++) {
      const at = PLACES[column]! * batch.rows + row
      values[column] = COLUMNS[column]!.kind === 'integer' ? batch.integers[at]! : batch.texts[batch.textIndexes[at]!]!
    }
    visit(values)
  }
}

// One number that a database refuses would cost the whole batch.
function wholeNumber(value: number): number {
  const whole = Math.round(value)
  return Number.isSafeInteger(whole) ? whole : 0
}

function bounded(field: keyof RequestRecord, text: string): string {
  if (field === 'labels') return text.length <= MAX_LABELS_CHARS ? text : TOO_LONG_LABELS
  // Through bytes, because a slice keeps all of the long text alive.
  return text.length <= MAX_TEXT_CHARS ? text : Buffer.from(text.slice(0, MAX_TEXT_CHARS)).toString()
}

// PostgreSQL has no NUL in text, and neither database has half a surrogate pair.
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}
