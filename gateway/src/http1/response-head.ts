/** What a peer sent is not an HTTP/1.1 response; the connection is of no more use. */
export class HttpSyntaxError extends Error {
  override readonly name = 'HttpSyntaxError'
}

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const DEL = 127

/** Bytes that a header name may hold (RFC 9110, section 5.6.2), by byte. */
const TOKEN = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[char.charCodeAt(0)] = 1
}

const VERSION = Array.from('HTTP/1.', (char) => char.charCodeAt(0))
/** Up to the status: `HTTP/1.1 200`. */
const STATUS_END = 12

/**
 * Head of a response: status line and headers, read in one pass over the bytes. Reading allocates nothing but the kept
 * values.
 */
export class ResponseHead {
  status = 0
  /** -1 when there is none. */
  contentLength = -1
  /** There is a transfer-encoding, and chunked is its last coding. */
  chunked = false
  /** There is a transfer-encoding. */
  encoded = false
  /** The connection persists, as far as the head can say. */
  keepAlive = false
  /** Values of the kept headers; undefined where the response has none. */
  readonly values: (string | undefined)[]

  readonly #keep: readonly string[]
  #close = false
  /** Up to the end of the last whole line: a head that comes in tiny pieces is not read anew for each of them. */
  #readBytes = 0

  /** @param keep Lower-case names of the headers whose values are kept. */
  constructor(keep: readonly string[]) {
    this.#keep = keep
    this.values = keep.map(() => undefined)
  }

  reset(): void {
    this.status = 0
    this.contentLength = -1
    this.chunked = false
    this.encoded = false
    this.keepAlive = false
    this.#close = false
    this.#readBytes = 0
    for (let slot = 0; slot < this.values.length; slot++) this.values[slot] = undefined
  }

  /**
   * Reads the head that begins at `start`, `reset` having been called before. Returns the position after its closing
   * empty line, or -1 when that has not come before `end`: call again, with the same bytes and those that follow.
   *
   * @throws HttpSyntaxError
   */
  read(bytes: Buffer, start: number, end: number): number {
    let at = start + this.#readBytes
    if (this.#readBytes === 0) {
      if (start + STATUS_END >= end) return -1
      this.#statusLine(bytes, start)
      const statusEnd = lineEnd(bytes, start + STATUS_END, end)
      if (statusEnd < 0) return -1
      at = statusEnd + 2
    }
    for (;;) {
      this.#readBytes = at - start
      if (at + 1 >= end) return -1
      if (bytes[at] === CR) {
        if (bytes[at + 1] !== LF) throw new HttpSyntaxError('bare carriage return in the head')
        if (this.#close) this.keepAlive = false
        return at + 2
      }
      const colon = nameEnd(bytes, at, end)
      if (colon < 0) return -1
      const fieldEnd = lineEnd(bytes, colon + 1, end)
      if (fieldEnd < 0) return -1
      this.#field(bytes, at, colon, fieldEnd)
      at = fieldEnd + 2
    }
  }

  #statusLine(bytes: Buffer, start: number): void {
    for (let i = 0; i < VERSION.length; i++) {
      if (bytes[start + i] !== VERSION[i]) throw new HttpSyntaxError('not an HTTP/1 status line')
    }
    const minor = digit(bytes[start + 7]!)
    const after = bytes[start + STATUS_END]
    if (minor > 1 || bytes[start + 8] !== SPACE || (after !== SPACE && after !== CR)) {
      throw new HttpSyntaxError('malformed status line')
    }
    this.status = digit(bytes[start + 9]!) * 100 + digit(bytes[start + 10]!) * 10 + digit(bytes[start + 11]!)
    if (this.status < 100) throw new HttpSyntaxError('malformed status line')
    this.keepAlive = minor === 1
  }

  /** One header: name from `start` to `colon`, value from there to `end`. */
  #field(bytes: Buffer, start: number, colon: number, end: number): void {
    let from = colon + 1
    let to = end
    while (from < to && isBlank(bytes[from]!)) from++
    while (to > from && isBlank(bytes[to - 1]!)) to--

    if (isText(bytes, start, colon, 'content-length')) this.#contentLength(bytes, from, to)
    else if (isText(bytes, start, colon, 'transfer-encoding')) {
      this.encoded = true
      this.chunked = /(?:^|,)[ \t]*chunked$/i.test(bytes.toString('latin1', from, to))
    } else if (isText(bytes, start, colon, 'connection')) this.#connection(bytes, from, to)

    for (let slot = 0; slot < this.#keep.length; slot++) {
      if (isText(bytes, start, colon, this.#keep[slot]!)) this.values[slot] = bytes.toString('latin1', from, to)
    }
  }

  #contentLength(bytes: Buffer, from: number, to: number): void {
    if (to === from || to - from > 15) throw new HttpSyntaxError('malformed content-length')
    let value = 0
    for (let at = from; at < to; at++) value = value * 10 + digit(bytes[at]!)
    if (this.contentLength >= 0 && this.contentLength !== value) {
      throw new HttpSyntaxError('conflicting content-length headers')
    }
    this.contentLength = value
  }

  /** `close` wins over `keep-alive`, wherever the two stand. */
  #connection(bytes: Buffer, from: number, to: number): void {
    // The two values that servers really send, without a string made of them.
    if (isText(bytes, from, to, 'keep-alive')) this.keepAlive = true
    else if (isText(bytes, from, to, 'close')) this.#close = true
    else {
      for (const option of bytes.toString('latin1', from, to).toLowerCase().split(',')) {
        if (option.trim() === 'close') this.#close = true
        else if (option.trim() === 'keep-alive') this.keepAlive = true
      }
    }
  }
}

/** Position of the colon after a name that begins at `at`; -1 when it has not come. */
function nameEnd(bytes: Buffer, at: number, end: number): number {
  const start = at
  while (at < end && TOKEN[bytes[at]!] === 1) at++
  if (at === end) return -1
  if (bytes[at] !== COLON || at === start) throw new HttpSyntaxError('malformed header name')
  return at
}

/** Position of the CRLF that ends the line; -1 when it has not come. */
function lineEnd(bytes: Buffer, at: number, end: number): number {
  for (; at < end; at++) {
    const byte = bytes[at]!
    if (byte > CR && byte !== DEL) continue
    if (byte === CR) {
      if (at + 1 === end) return -1
      if (bytes[at + 1] !== LF) throw new HttpSyntaxError('bare carriage return in the head')
      return at
    }
    if (byte !== TAB) throw new HttpSyntaxError('control character in the head')
  }
  return -1
}

/** The bytes are `lowerCaseText`, in any case. */
function isText(bytes: Buffer, start: number, end: number, lowerCaseText: string): boolean {
  if (end - start !== lowerCaseText.length) return false
  for (let i = 0; i < lowerCaseText.length; i++) {
    const byte = bytes[start + i]!
    const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte
    if (lower !== lowerCaseText.charCodeAt(i)) return false
  }
  return true
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

function digit(byte: number): number {
  if (byte < 48 || byte > 57) throw new HttpSyntaxError('a digit was expected')
  return byte - 48
}
