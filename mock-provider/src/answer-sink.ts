import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Where an answer is written: node's own response, or one with a fault. */
export interface AnswerSink {
  readonly destroyed: boolean
  /** @param head pairs of name and value, one after the other */
  writeHead(status: number, head: string[]): unknown
  write(text: string, encoding: 'latin1'): boolean
  end(text: string, encoding: 'latin1'): unknown
  once(event: 'drain', listener: () => void): unknown
}

/**
 * A stream of many small chunks. Node writes each as three pieces (length, text, end of line), a vectored write; framed
 * here, a chunk is one string and one plain write, at two thirds of the cost.
 */
export class ChunkSink implements AnswerSink {
  readonly #response: ServerResponse
  #began = false

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get destroyed(): boolean {
    return this.#response.destroyed
  }

  writeHead(status: number, head: string[]): void {
    this.#response.writeHead(status, head)
  }

  write(text: string): boolean {
    const { socket, chunkedEncoding } = this.#response
    // Node writes the head, with the first chunk; and all of it while the answer waits behind another one.
    if (!this.#began || !socket || !chunkedEncoding) {
      this.#began = true
      return this.#response.write(text, 'latin1')
    }
    return socket.write(`${text.length.toString(16)}\r\n${text}\r\n`, 'latin1')
  }

  end(text: string): void {
    this.#response.end(text, 'latin1')
  }

  once(event: 'drain', listener: () => void): void {
    const { socket } = this.#response
    ;(socket?.writableNeedDrain ? socket : this.#response).once(event, listener)
  }
}

const HEAD_PIECES = 8

/**
 * An answer whose head comes piece by piece. Written past node, which would write a head at once; the connection ends
 * with it, so that its body needs no other end.
 */
export class SlowHeadSink implements AnswerSink {
  readonly #response: ServerResponse
  readonly #forMs: number
  readonly #onEnd: () => void
  readonly #onHeld: () => void
  #head = ''
  /** What is written once the head is out. */
  #body = ''
  #headIsOut = false
  #ended = false
  #pieceTimer: NodeJS.Timeout | undefined
  #drainListener: (() => void) | undefined

  /**
   * @param onEnd called once, when everything is written or the caller is gone
   * @param onHeld called before that, when all of the answer is given and waits for its head
   */
  constructor(response: ServerResponse, forMs: number, onEnd: () => void, onHeld: () => void = () => undefined) {
    this.#response = response
    this.#forMs = forMs
    this.#onEnd = onEnd
    this.#onHeld = onHeld
  }

  get destroyed(): boolean {
    return this.#response.destroyed
  }

  writeHead(status: number, head: string[]): void {
    const isKept = (name: string) => name !== 'keep-alive'
    const lines = head.flatMap((name, at) => (at % 2 === 0 && isKept(name) ? [`${name}: ${head[at + 1] ?? ''}`] : []))
    this.#head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, 'connection: close', '', ''].join(
      '\r\n',
    )
    // Pipelined behind an answer that has not been given, it has no socket yet.
    if (this.#response.socket) this.#writePiece(this.#response.socket, 0)
    else
      this.#response.once('socket', (socket: Socket) => {
        this.#writePiece(socket, 0)
      })
    this.#response.once('close', () => {
      clearTimeout(this.#pieceTimer)
      this.#onEnd()
    })
  }

  write(text: string): boolean {
    if (this.#headIsOut) return this.#response.req.socket.write(text, 'latin1')
    this.#body += text
    return false
  }

  end(text: string): void {
    this.write(text)
    this.#ended = true
    if (this.#headIsOut) this.#response.req.socket.destroySoon()
    else this.#onHeld()
  }

  once(_event: 'drain', listener: () => void): void {
    if (this.#headIsOut) this.#response.req.socket.once('drain', listener)
    else this.#drainListener = listener
  }

  #writePiece(socket: Socket, index: number): void {
    if (socket.destroyed) return
    const at = (piece: number) => Math.round((piece * this.#head.length) / HEAD_PIECES)
    socket.write(this.#head.slice(at(index), at(index + 1)), 'latin1')
    if (index + 1 < HEAD_PIECES) {
      this.#pieceTimer = setTimeout(
        () => {
          this.#writePiece(socket, index + 1)
        },
        this.#forMs / (HEAD_PIECES - 1),
      )
      return
    }
    this.#headIsOut = true
    socket.write(this.#body, 'latin1')
    if (this.#ended) socket.destroySoon()
    else this.#drainListener?.()
  }
}
