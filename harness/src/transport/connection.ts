import { connect, type Socket } from 'node:net'
import { delayFromText, MOCK_DELAY_HEADER, parseDelayHeader } from '@gatebench/mock-provider/truth'
import type { Clock } from '../clock.ts'
import type { Attempt, Outcome } from '../outcome.ts'
import type { RequestTemplate } from '../plan.ts'
import { HttpSyntaxError, ResponseParser } from '@gatebench/gateway/http1'
import { parseHeaderValue } from '../self-report/header-value.ts'
import { parseServerTiming } from './server-timing.ts'

const KEEP_HEADERS = [MOCK_DELAY_HEADER, 'server-timing']
const SELF_REPORT_SLOT = KEEP_HEADERS.length
const MOCK_DELAY_SLOT = 0
const SERVER_TIMING_SLOT = 1

/** A completion's id stands near the start of its body, wherever a gateway put it among the fields. */
const BODY_START_BYTES = 4_096
const COMPLETION_ID_START = Buffer.from('chatcmpl-')

/** What answers are looked at for. */
export type AnswerExpectation = Pick<RequestTemplate, 'answerHolds' | 'selfReport'>

/** What a connection tells the transport that owns it. */
export interface ConnectionOwner {
  readonly clock: Clock
  /** One buffer that every connection of a thread reads into: reads are handled one at a time, before the next. */
  readonly readBuffer: Buffer
  readonly expects: AnswerExpectation
  /** A request has ended; its `done` follows at once. The connection is free for another one when `reusable`. */
  ended(connection: Connection, reusable: boolean): void
  /** The connection is gone, whether in use or not; follows the last `done`. */
  closed(connection: Connection): void
}

/** One connection, one request at a time on it. */
export class Connection {
  readonly #owner: ConnectionOwner
  readonly #socket: Socket
  readonly #parser: ResponseParser
  #index = 0
  #dueNs = 0
  #sentNs = 0
  #firstByteNs = 0
  #openedForThis = false
  #done: ((attempt: Attempt) => void) | undefined
  #failure: string | undefined
  #gone = false

  /** Opens at once. `onOpen` is called once: when the connection stands, or with the reason why it does not. */
  constructor(owner: ConnectionOwner, address: { host: string; port: number }, onOpen?: (failure?: string) => void) {
    this.#owner = owner
    const { answerHolds, selfReport } = owner.expects
    this.#parser = new ResponseParser({
      keepHeaders: selfReport ? [...KEEP_HEADERS, selfReport.header] : KEEP_HEADERS,
      bodyStartBytes: BODY_START_BYTES,
      keepBodyStartUnless: MOCK_DELAY_SLOT,
      ...(answerHolds === undefined && { keepBodyStartWith: COMPLETION_ID_START }),
    })
    this.#socket = connect({
      ...address,
      noDelay: true,
      onread: {
        buffer: owner.readBuffer,
        callback: (byteCount, bytes) => {
          this.#read(bytes as Buffer, byteCount)
          return true
        },
      },
    })
    let opening = onOpen
    this.#socket.once('connect', () => {
      opening?.()
      opening = undefined
    })
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code ?? error.message
    })
    this.#socket.on('end', () => {
      this.#gone = true
      if (this.#done && this.#parser.finish()) this.#finish(owner.clock.nowNs())
    })
    this.#socket.on('close', () => {
      opening?.(this.#failure ?? 'CONNECTION_CLOSED')
      this.#close()
    })
  }

  /** Closed, or about to be: of no use for another request. */
  get gone(): boolean {
    return this.#gone
  }

  /** A request is under way and was sent before `instantNs`. */
  overdue(instantNs: number): boolean {
    return this.#done !== undefined && this.#sentNs < instantNs
  }

  send(request: Buffer, index: number, dueNs: number, openedForThis: boolean, done: (attempt: Attempt) => void): void {
    this.#index = index
    this.#dueNs = dueNs
    this.#openedForThis = openedForThis
    this.#firstByteNs = 0
    this.#done = done
    this.#sentNs = this.#owner.clock.nowNs()
    this.#socket.write(request)
  }

  /** Ends the request under way, if any, and the connection with it: what comes after cannot be told apart. */
  abort(outcome: Outcome): void {
    this.#destroy()
    if (this.#done) this.#fail(outcome)
  }

  #read(bytes: Buffer, byteCount: number): void {
    if (!this.#done) {
      // Nobody asked: the peer is out of step, and the next answer would be taken for another request's.
      this.#destroy()
      return
    }
    const readNs = this.#owner.clock.nowNs()
    if (this.#firstByteNs === 0) this.#firstByteNs = readNs
    let consumed: number
    try {
      consumed = this.#parser.execute(bytes, 0, byteCount)
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error
      this.abort({ kind: 'transport_error', code: 'HTTP_SYNTAX' })
      return
    }
    if (!this.#parser.complete) return
    if (consumed < byteCount) this.#parser.keepAlive = false
    this.#finish(readNs)
  }

  /** The answer was complete at `endNs`: when its last bytes were read, before the time that it took to parse them. */
  #finish(endNs: number): void {
    const { status, keepAlive } = this.#parser
    const reusable = keepAlive && !this.#gone
    if (!reusable) this.#destroy()
    const success = status >= 200 && status < 300
    const kind = !success ? 'http_error' : this.#isAnswer() ? 'ok' : 'wrong_answer'
    this.#report({ kind, status }, endNs, reusable)
  }

  /** What carries the mock's account came from the mock; of the rest the body tells. */
  #isAnswer(): boolean {
    const { answerHolds } = this.#owner.expects
    const { headers, bodyStart } = this.#parser
    return answerHolds === undefined || headers[MOCK_DELAY_SLOT] !== undefined || bodyStart.includes(answerHolds)
  }

  #fail(outcome: Outcome): void {
    this.#report(outcome, this.#owner.clock.nowNs(), false)
  }

  #report(outcome: Outcome, endNs: number, reusable: boolean): void {
    const done = this.#done!
    this.#done = undefined
    const { headers, bodyStart, bodyBytes } = this.#parser
    const attempt: Attempt = {
      index: this.#index,
      dueNs: this.#dueNs,
      outcome,
      sentNs: this.#sentNs,
      endNs,
      bodyBytes,
      openedConnection: this.#openedForThis,
    }
    if (this.#firstByteNs > 0) attempt.firstByteNs = this.#firstByteNs
    const delayHeader = headers[MOCK_DELAY_SLOT]
    const mock = delayHeader === undefined ? delayFromText(bodyStart) : parseDelayHeader(delayHeader)
    if (mock) attempt.mock = mock
    const serverTiming = headers[SERVER_TIMING_SLOT]
    const timingNs = serverTiming === undefined ? undefined : parseServerTiming(serverTiming)
    if (timingNs) attempt.timingNs = timingNs
    const { selfReport } = this.#owner.expects
    const selfReportedUs = selfReport && parseHeaderValue(headers[SELF_REPORT_SLOT] ?? '', selfReport.unit)
    if (selfReportedUs !== undefined) attempt.selfReportedNs = selfReportedUs * 1e3
    this.#parser.reset()
    // Before `done`, which may send the next request: it is to find this connection free.
    this.#owner.ended(this, reusable)
    done(attempt)
  }

  /** Gone at once, not when the socket says so: a request sent in between would be lost. */
  #destroy(): void {
    this.#gone = true
    this.#socket.destroy()
  }

  #close(): void {
    this.#gone = true
    if (this.#done) this.#fail({ kind: 'transport_error', code: this.#failure ?? 'CONNECTION_CLOSED' })
    this.#owner.closed(this)
  }
}
