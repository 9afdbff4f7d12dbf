import { HttpSyntaxError, ResponseHead } from './response-head.ts'

export { HttpSyntaxError }

export interface ResponseParserOptions {
  /** Lower-case names of the headers whose values are kept. @default [] */
  keepHeaders?: readonly string[]
  /** How much of the start of a body is kept as text when `keepBodyStartUnless` was not among the headers. @default 0 */
  bodyStartBytes?: number
  /** Index into `keepHeaders`: a response with that header has no need of its body's start. */
  keepBodyStartUnless?: number
  /** A start without these bytes is not worth keeping, and may be left out. */
  keepBodyStartWith?: Buffer
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
const SEMICOLON = 59
/** 12 hex digits stay an exact integer; no answer of a model is longer. */
const CHUNK_MAX_BYTES = 16 ** 12 - 1

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

  readonly #head: ResponseHead
  readonly #options: ResponseParserOptions
  #state: State = State.head
  #left = 0
  /** Bytes of the present chunk head or trailer, against endless lines. */
  #lineBytes = 0
  /** Hex digits of the present chunk size. */
  #digits = 0
  /** A blank has come after them. */
  #padded = false
  /** The last byte of the present line was a carriage return. */
  #afterCr = false
  /** Pieces of a head whose end has not come. */
  #carry: Buffer | undefined

  constructor(options: ResponseParserOptions = {}) {
    this.#options = options
    this.#head = new ResponseHead(options.keepHeaders ?? [])
    this.headers = this.#head.values
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
    this.#head.reset()
    this.#state = State.head
    this.#left = 0
    this.#lineBytes = 0
    this.#digits = 0
    this.#padded = false
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
      this.#keepStart(bytes, start, Math.min(end, start + room))
    }
    onBody?.(bytes, start, end)
  }

  #keepStart(bytes: Buffer, start: number, end: number): void {
    const { keepBodyStartWith } = this.#options
    // Most often the whole body is here, and bytes are cheaper to search than a text is to make.
    const whole = this.#state === State.sized && this.bodyBytes === this.#left
    if (whole && keepBodyStartWith && !bytes.subarray(start, end).includes(keepBodyStartWith)) return
    this.bodyStart += bytes.toString('latin1', start, end)
  }

  /** Reads up to the end of the head, which may have come in pieces; returns the position after what it took. */
  #readHead(bytes: Buffer, start: number, end: number): number {
    const carried = this.#carry?.length ?? 0
    const whole = this.#carry ? Buffer.concat([this.#carry, bytes.subarray(start, end)]) : bytes
    const headStart = this.#carry ? 0 : start
    const wholeEnd = this.#carry ? whole.length : end
    const headEnd = this.#head.read(whole, headStart, wholeEnd)
    if ((headEnd < 0 ? wholeEnd : headEnd) - headStart > HEAD_MAX_BYTES) {
      throw new HttpSyntaxError(`response head exceeds ${HEAD_MAX_BYTES} bytes`)
    }
    if (headEnd < 0) {
      this.#carry = this.#carry ? whole : Buffer.from(bytes.subarray(start, end))
      return end
    }
    this.#carry = undefined
    this.#frameBody()
    return start + headEnd - headStart - carried
  }

  /** Which framing holds, in the order of RFC 9112, section 6.3. */
  #frameBody(): void {
    const { status, contentLength, encoded, chunked, keepAlive } = this.#head
    if (status < 200) {
      // An interim response; the final one follows. Nobody asked for a switch of protocols.
      if (status === 101) throw new HttpSyntaxError('unexpected protocol switch')
      this.#head.reset()
      return
    }
    this.status = status
    this.keepAlive = keepAlive
    if (status === 204 || status === 304) this.#state = State.complete
    else if (encoded && contentLength >= 0) throw new HttpSyntaxError('both transfer-encoding and content-length')
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
      this.#padded = false
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
    if (this.#digits > 0) {
      if (byte === SEMICOLON) {
        this.#state = State.chunkExtension
        return
      }
      // Some servers pad the size with blanks; what comes after them can only be an extension or the line's end.
      if (byte === SPACE || byte === TAB) {
        this.#padded = true
        return
      }
    }
    const value = hexDigit(byte)
    this.#left = this.#left * 16 + value
    this.#digits++
    if (value < 0 || this.#padded || this.#left > CHUNK_MAX_BYTES) throw new HttpSyntaxError('malformed chunk size')
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
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
