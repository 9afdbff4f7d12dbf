/** What a peer sent is not an HTTP/1.1 response; the connection is of no more use. */
export class HttpSyntaxError extends Error {
  override readonly name = 'HttpSyntaxError'
}

export interface ResponseParserOptions {
  /** Lower-case names of the headers whose values are kept. @default [] */
  keepHeaders?: readonly string[]
  /** How much of the start of a body is kept as text when `keepBodyStartUnless` was not among the headers. @default 0 */
  bodyStartBytes?: number
  /** Index into `keepHeaders`: a response with that header has no need of its body's start. */
  keepBodyStartUnless?: number
  /** Sees every piece of the body, valid only during the call. */
  onBody?: (bytes: Buffer, start: number, end: number) => void
}

const State = {
  head: 0,
  sized: 1,
  chunkSize: 2,
  chunkExtension: 3,
  chunkData: 4,
  chunkEnd: 5,
  trailer: 6,
  untilClose: 7,
  complete: 8,
} as const
type State = (typeof State)[keyof typeof State]

/** Longest head, and longest trailer, that is read; servers and clients in use stop at 8 to 64 KiB. */
const HEAD_MAX_BYTES = 65_536

const CR = 13
const LF = 10
const SPACE = 32
const TAB = 9
const COLON = 58
const SEMICOLON = 59
const HTTP_SLASH_1_DOT = Buffer.from('HTTP/1.')
const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Incremental parser of HTTP/1.1 responses (RFC 9112), one at a time per connection: bodies by content-length, chunked,
 * or until the connection closes. It allocates nothing for a response that arrives in one read.
 */
export class ResponseParser {
  /** Status of the final response; 0 until its head has been read. */
  status = 0
  /** The connection may carry another request after this response. */
  keepAlive = false
  /** Body bytes so far, framing excluded. */
  bodyBytes = 0
  /** Start of the body as latin1 text, when it was to be kept. */
  bodyStart = ''
  /** Values of `keepHeaders`, same order; undefined where the response had none. */
  readonly headers: (string | undefined)[]

  readonly #keepHeaders: readonly string[]
  readonly #options: ResponseParserOptions
  #state: State = State.head
  #left = 0
  /** Bytes of the present chunk head or trailer, against endless lines. */
  #lineBytes = 0
  /** Hex digits of the present chunk size. */
  #digits = 0
  /** The last byte of the present line was a carriage return. */
  #afterCr = false
  /** Pieces of a head whose end has not come. */
  #carry: Buffer | undefined

  constructor(options: ResponseParserOptions = {}) {
    this.#options = options
    this.#keepHeaders = options.keepHeaders ?? []
    this.headers = this.#keepHeaders.map(() => undefined)
  }

  get complete(): boolean {
    return this.#state === State.complete
  }

  /** Ready for the next response on the same connection. */
  reset(): void {
    this.status = 0
    this.keepAlive = false
    this.bodyBytes = 0
    this.bodyStart = ''
    this.headers.fill(undefined)
    this.#state = State.head
    this.#left = 0
    this.#lineBytes = 0
    this.#digits = 0
    this.#afterCr = false
    this.#carry = undefined
  }

  /**
   * Takes the bytes `[start, end)`; they may be overwritten afterwards. Returns the position after the last byte that
   * belongs to this response: less than `end` only when the response is complete and something follows it.
   *
   * @throws HttpSyntaxError
   */
  execute(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      switch (this.#state) {
        case State.head:
          at = this.#readHead(bytes, at, end)
          break
        case State.sized:
        case State.chunkData: {
          const take = Math.min(this.#left, end - at)
          this.#body(bytes, at, at + take)
          at += take
          this.#left -= take
          if (this.#left === 0) this.#state = this.#state === State.sized ? State.complete : State.chunkEnd
          break
        }
        case State.chunkSize:
        case State.chunkExtension:
          this.#readChunkHead(bytes[at++]!)
          break
        case State.chunkEnd:
          this.#readChunkEnd(bytes[at++]!)
          break
        case State.trailer:
          this.#readTrailer(bytes[at++]!)
          break
        case State.untilClose:
          this.#body(bytes, at, end)
          at = end
          break
        case State.complete:
          return at
      }
    }
    return at
  }

  /** The peer has closed: true when that completes the response. */
  finish(): boolean {
    if (this.#state === State.untilClose) this.#state = State.complete
    return this.#state === State.complete
  }

  #body(bytes: Buffer, start: number, end: number): void {
    this.bodyBytes += end - start
    const { bodyStartBytes = 0, keepBodyStartUnless, onBody } = this.#options
    const room = bodyStartBytes - this.bodyStart.length
    if (room > 0 && (keepBodyStartUnless === undefined || this.headers[keepBodyStartUnless] === undefined)) {
      this.bodyStart += bytes.toString('latin1', start, Math.min(end, start + room))
    }
    onBody?.(bytes, start, end)
  }

  /** Reads up to the end of the head, which may have come in pieces; returns the position after what it took. */
  #readHead(bytes: Buffer, start: number, end: number): number {
    if (!this.#carry) {
      const headEnd = findHeadEnd(bytes, start, end)
      if (headEnd >= 0) {
        this.#parseHead(bytes, start)
        return headEnd
      }
      this.#carry = Buffer.from(bytes.subarray(start, end))
      this.#checkHeadBytes(this.#carry.length)
      return end
    }
    const carried = this.#carry.length
    const whole = Buffer.concat([this.#carry, bytes.subarray(start, end)])
    const headEnd = findHeadEnd(whole, 0, whole.length)
    if (headEnd < 0) {
      this.#carry = whole
      this.#checkHeadBytes(whole.length)
      return end
    }
    this.#carry = undefined
    this.#parseHead(whole, 0)
    return start + headEnd - carried
  }

  #checkHeadBytes(headBytes: number): void {
    if (headBytes > HEAD_MAX_BYTES) throw new HttpSyntaxError(`response head exceeds ${HEAD_MAX_BYTES} bytes`)
  }

  /** At `start` begins one whole head with its closing empty line. */
  #parseHead(bytes: Buffer, start: number): void {
    if (HTTP_SLASH_1_DOT.compare(bytes, start, start + 7) !== 0) throw new HttpSyntaxError('not an HTTP/1 status line')
    const minor = bytes[start + 7]! - 48
    const status = digit(bytes[start + 9]!) * 100 + digit(bytes[start + 10]!) * 10 + digit(bytes[start + 11]!)
    const after = bytes[start + 12]!
    if (
      (minor !== 0 && minor !== 1) ||
      bytes[start + 8] !== SPACE ||
      (after !== SPACE && after !== CR) ||
      status < 100
    ) {
      throw new HttpSyntaxError('malformed status line')
    }
    let at = start + 12
    while (bytes[at] !== CR) at++
    at = this.#expectLineFeed(bytes, at)

    let contentLength = -1
    let chunked = false
    let encoded = false
    let keepAlive = minor === 1
    while (bytes[at] !== CR) {
      const nameStart = at
      for (let byte = bytes[at]!; byte !== COLON; byte = bytes[++at]!) {
        if (byte <= SPACE) throw new HttpSyntaxError('malformed header name')
      }
      const nameEnd = at++
      if (nameEnd === nameStart) throw new HttpSyntaxError('empty header name')
      while (bytes[at] === SPACE || bytes[at] === TAB) at++
      const valueStart = at
      while (bytes[at] !== CR) {
        if (bytes[at] === LF) throw new HttpSyntaxError('bare line feed in a header')
        at++
      }
      let valueEnd = at
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--
      at = this.#expectLineFeed(bytes, at)

      if (isName(bytes, nameStart, nameEnd, 'content-length')) {
        const value = parseContentLength(bytes, valueStart, valueEnd)
        if (contentLength >= 0 && contentLength !== value)
          throw new HttpSyntaxError('conflicting content-length headers')
        contentLength = value
      } else if (isName(bytes, nameStart, nameEnd, 'transfer-encoding')) {
        encoded = true
        chunked = /(?:^|,)[ \t]*chunked$/i.test(bytes.toString('latin1', valueStart, valueEnd))
      } else if (isName(bytes, nameStart, nameEnd, 'connection')) {
        const value = bytes.toString('latin1', valueStart, valueEnd).toLowerCase()
        if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/.test(value)) keepAlive = false
        else if (minor === 0 && /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/.test(value)) keepAlive = true
      }
      for (let slot = 0; slot < this.#keepHeaders.length; slot++) {
        if (isName(bytes, nameStart, nameEnd, this.#keepHeaders[slot]!))
          this.headers[slot] = bytes.toString('latin1', valueStart, valueEnd)
      }
    }
    this.#frameBody(status, contentLength, encoded, chunked, keepAlive)
  }

  /** Which framing holds, in the order of RFC 9112, section 6.3. */
  #frameBody(status: number, contentLength: number, encoded: boolean, chunked: boolean, keepAlive: boolean): void {
    if (status < 200) {
      if (status === 101) throw new HttpSyntaxError('unexpected protocol switch')
      // An interim response; the final one follows.
      this.headers.fill(undefined)
      return
    }
    this.status = status
    this.keepAlive = keepAlive
    if (status === 204 || status === 304) this.#state = State.complete
    else if (chunked) this.#startLine(State.chunkSize)
    else if (encoded || contentLength < 0) {
      this.keepAlive = false
      this.#state = State.untilClose
    } else {
      this.#left = contentLength
      this.#state = contentLength === 0 ? State.complete : State.sized
    }
  }

  #startLine(state: State): void {
    this.#state = state
    this.#left = 0
    this.#lineBytes = 0
  }

  /** `<hex size>[;extension]CRLF`, byte by byte: a read may end anywhere. */
  #readChunkHead(byte: number): void {
    if (++this.#lineBytes > HEAD_MAX_BYTES) throw new HttpSyntaxError('chunk head too long')
    if (byte === LF) {
      if (!this.#afterCr || this.#digits === 0) throw new HttpSyntaxError('malformed chunk size')
      this.#afterCr = false
      this.#digits = 0
      if (this.#left > 0) this.#state = State.chunkData
      else this.#startLine(State.trailer)
      return
    }
    if (this.#afterCr) throw new HttpSyntaxError('malformed chunk size')
    if (byte === CR) {
      this.#afterCr = true
      return
    }
    if (this.#state === State.chunkExtension) return
    if (byte === SEMICOLON || byte === SPACE || byte === TAB) {
      this.#state = State.chunkExtension
      return
    }
    const value = hexDigit(byte)
    // 12 hex digits stay an exact integer; no answer of a model is longer.
    if (value < 0 || ++this.#digits > 12) throw new HttpSyntaxError('malformed chunk size')
    this.#left = this.#left * 16 + value
  }

  #readChunkEnd(byte: number): void {
    if (byte === CR && !this.#afterCr) {
      this.#afterCr = true
      return
    }
    if (byte !== LF || !this.#afterCr) throw new HttpSyntaxError('chunk data is longer than its size')
    this.#afterCr = false
    this.#startLine(State.chunkSize)
  }

  /** Trailer fields are skipped; an empty line ends them. `#left` counts the bytes of the present line. */
  #readTrailer(byte: number): void {
    if (++this.#lineBytes > HEAD_MAX_BYTES) throw new HttpSyntaxError('trailer too long')
    if (byte === LF) {
      if (!this.#afterCr) throw new HttpSyntaxError('bare line feed in a trailer')
      this.#afterCr = false
      if (this.#left === 0) this.#state = State.complete
      this.#left = 0
    } else if (this.#afterCr) {
      throw new HttpSyntaxError('bare carriage return in a trailer')
    } else if (byte === CR) {
      this.#afterCr = true
    } else {
      this.#left++
    }
  }

  #expectLineFeed(bytes: Buffer, at: number): number {
    if (bytes[at + 1] !== LF) throw new HttpSyntaxError('bare carriage return in the head')
    return at + 2
  }
}

/** Position after the empty line that ends a head; -1 when it is not there. */
function findHeadEnd(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(HEAD_END, start)
  return at >= 0 && at + 4 <= end ? at + 4 : -1
}

function isName(bytes: Buffer, start: number, end: number, lowerCaseName: string): boolean {
  if (end - start !== lowerCaseName.length) return false
  for (let i = 0; i < lowerCaseName.length; i++) {
    const byte = bytes[start + i]!
    const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte
    if (lower !== lowerCaseName.charCodeAt(i)) return false
  }
  return true
}

function parseContentLength(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > 15) throw new HttpSyntaxError('malformed content-length')
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + digit(bytes[at]!)
  return value
}

function digit(byte: number): number {
  if (byte < 48 || byte > 57) throw new HttpSyntaxError('a digit was expected')
  return byte - 48
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
