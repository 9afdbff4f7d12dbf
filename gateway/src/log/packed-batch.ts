import { COLUMNS, type RequestRecord } from './request-record.ts'

/**
 * Rows on their way to the thread that writes them: numbers and text numbers in two buffers that change hands without a
 * copy, and every different text once. A thousand rows cost one message, and about 130 bytes a row while they wait.
 */
export interface PackedBatch {
  rows: number
  /** `rows` times one number per integer column. */
  integers: Float64Array<ArrayBuffer>
  /** `rows` times one index into `texts` per text column. */
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

/** Takes records, up to `capacity`, and gives them away packed. */
export class BatchPacker {
  readonly #integers: Float64Array
  readonly #textIndexes: Uint32Array
  #indexOfText = new Map<string, number>()
  #texts: string[] = []
  #rows = 0

  constructor(capacity: number) {
    this.#integers = new Float64Array(capacity * INTEGER_FIELDS.length)
    this.#textIndexes = new Uint32Array(capacity * TEXT_FIELDS.length)
  }

  get rows(): number {
    return this.#rows
  }

  add(record: RequestRecord): void {
    let at = this.#rows * INTEGER_FIELDS.length
    for (const field of INTEGER_FIELDS) this.#integers[at++] = wholeNumber(record[field] as number)
    at = this.#rows * TEXT_FIELDS.length
    for (const field of TEXT_FIELDS) this.#textIndexes[at++] = this.#indexOf(bounded(field, record[field] as string))
    this.#rows++
  }

  /** What was added since the last take. */
  take(): PackedBatch {
    const rows = this.#rows
    const batch = {
      rows,
      // Copies of what is used: thousands of batches of one row may wait for a database that is gone.
      integers: this.#integers.slice(0, rows * INTEGER_FIELDS.length),
      textIndexes: this.#textIndexes.slice(0, rows * TEXT_FIELDS.length),
      texts: this.#texts,
    }
    this.#rows = 0
    this.#texts = []
    this.#indexOfText = new Map()
    return batch
  }

  #indexOf(text: string): number {
    const known = this.#indexOfText.get(text)
    if (known !== undefined) return known
    const index = this.#texts.length
    this.#indexOfText.set(text, index)
    this.#texts.push(storable(text))
    return index
  }
}

/** One record as a batch of its own. */
export function packOne(record: RequestRecord): PackedBatch {
  const packer = new BatchPacker(1)
  packer.add(record)
  return packer.take()
}

/** Calls `visit` with the values of each row in the order of `COLUMNS`. The array is the same one each time. */
export function forEachRow(batch: PackedBatch, visit: (values: (number | string)[]) => void): void {
  const values = new Array<number | string>(COLUMNS.length)
  let integer = 0
  let text = 0
  for (let row = 0; row < batch.rows; row++) {
    for (let column = 0; column < COLUMNS.length; column++) {
      values[column] =
        COLUMNS[column]!.kind === 'integer' ? batch.integers[integer++]! : batch.texts[batch.textIndexes[text++]!]!
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
