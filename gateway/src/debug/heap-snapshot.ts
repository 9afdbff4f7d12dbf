import { Transform } from 'node:stream'

import type { Secrets } from './secrets.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Passes a heap snapshot on with the secrets in its strings made unreadable. It stays the same JSON but for those: the
 * strings stand in its last member, `strings`, and only from there on anything is replaced, because what comes before
 * are numbers and the names of their columns.
 *
 * Each string is judged whole, decoded, however the chunks are cut.
 */
export class HeapSnapshotFilter extends Transform {
  private readonly secrets: Secrets
  /** The beginning of a string whose end has not come. */
  private begun: Buffer[] = []
  private inString = false
  /** The next byte belongs to a backslash. */
  private escaped = false
  private amongStrings = false

  constructor(secrets: Secrets) {
    super()
    this.secrets = secrets
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    // One push for all of it: a snapshot has hundreds of thousands of strings.
    const out: Buffer[] = []
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.escaped) this.escaped = false
      else if (byte === BACKSLASH) this.escaped = this.inString
      else if (byte === QUOTE) {
        if (this.inString) {
          const end = at + 1
          this.begun.push(chunk.subarray(from, end))
          out.push(this.judged(Buffer.concat(this.begun)))
          this.begun = []
          from = end
        } else {
          out.push(chunk.subarray(from, at))
          from = at
        }
        this.inString = !this.inString
      }
    }
    const rest = chunk.subarray(from)
    if (this.inString) this.begun.push(rest)
    else out.push(rest)
    this.push(Buffer.concat(out))
    done()
  }

  override _flush(done: () => void): void {
    // A snapshot that breaks off within a string: what there is of it cannot be judged.
    this.begun = []
    done()
  }

  /** @param json of one string, with its quotes */
  private judged(json: Buffer): Buffer {
    if (!this.amongStrings) {
      this.amongStrings = json.equals(STRINGS)
      return json
    }
    const text = JSON.parse(json.toString('utf8')) as string
    const redacted = this.secrets.redact(text)
    return redacted === text ? json : Buffer.from(JSON.stringify(redacted))
  }
}

const STRINGS = Buffer.from('"strings"')
