import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import { CHAT, COMPLETION, type RunningGateway } from './test-support.ts'

/** Options of a suite: a hang is a failure. */
export const BOUNDED = { timeout: 60_000 }

/** One answer as it stood on the wire. */
export interface WireAnswer {
  status: number
  head: string
  /** As latin1 text, chunks joined. */
  body: string
}

/** A request as the provider read it: the head matched byte by byte. */
export interface UpstreamRequest {
  path: string
  body: string
  socket: Socket
}

export interface StrictProvider {
  url: string
  requests: UpstreamRequest[]
  /** Bytes that are not one of the gateway's own requests, from its first byte to its last. */
  violations: string[]
  sockets: Set<Socket>
}

/** The only head that the gateway may send in these tests: nothing in it but the path can come from a caller. */
const UPSTREAM_HEAD = new RegExp(
  [
    "^POST ([A-Za-z0-9/?=&%.!~*'()_-]+) HTTP/1\\.1",
    'host: 127\\.0\\.0\\.1:\\d+',
    'content-type: application/json',
    '(?:authorization: Bearer|api-key:|x-api-key:) sk-secret',
    '(?:anthropic-version: [\\d-]+\\r\\n)?content-length: (\\d+)\\r\\n\\r\\n',
  ].join('\\r\\n'),
)

export function wireAnswer(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
}

const COMPLETED = wireAnswer(JSON.stringify(COMPLETION))

/** A provider over bare sockets that takes nothing but whole requests of the gateway's own form. */
export async function strictProvider(
  t: TestContext,
  answer: (request: UpstreamRequest, socket: Socket) => void = (_request, socket) => socket.write(COMPLETED),
  onConnection: (socket: Socket) => void = () => undefined,
): Promise<StrictProvider> {
  const requests: UpstreamRequest[] = []
  const violations: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    onConnection(socket)
    let received = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      while (received.includes('\r\n\r\n')) {
        const [head, path, length] = UPSTREAM_HEAD.exec(received) ?? []
        if (head === undefined) {
          violations.push(received)
          socket.destroy()
          return
        }
        const end = head.length + Number(length)
        if (received.length < end) return
        const body = Buffer.from(received.slice(head.length, end), 'latin1').toString()
        received = received.slice(end)
        const request = { path: path!, body, socket }
        requests.push(request)
        answer(request, socket)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, violations, sockets }
}

/** A chat request; `headers` are whole lines. */
export function post(body: string = JSON.stringify(CHAT), headers: readonly string[] = []): string {
  const lines = [
    'POST /v1/chat/completions HTTP/1.1',
    'host: x',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/**
 * Sends bytes over a connection of their own, waits until the gateway has read them all and has nothing more to do
 * for them, ends the connection, and returns all that came back.
 *
 * @throws Error when what came back is not a sequence of whole answers
 */
export async function talk(gateway: RunningGateway, bytes: string | Buffer): Promise<WireAnswer[]> {
  const accepted = once(gateway.app.server, 'connection') as Promise<[Socket]>
  const caller = new RawCaller(gateway)
  const [peer] = await accepted
  const sent = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  caller.socket.write(sent)
  await untilRead(gateway, peer, sent.length)
  caller.socket.end()
  await caller.closed
  return caller.answers()
}

/** Requests whose body has not come whole are not work: they wait for their caller. */
async function untilRead(gateway: RunningGateway, peer: Socket, sizeBytes: number): Promise<void> {
  const TURNS = 4
  const giveUpAt = performance.now() + 5_000
  for (let quiet = 0; quiet < TURNS && !peer.destroyed;) {
    await turn()
    const working = gateway.gateway.providers.some(({ queue, deadlines }) => queue.active + deadlines.pending > 0)
    quiet = working || (peer.bytesRead < sizeBytes && peer.readable) ? 0 : quiet + 1
    if (performance.now() > giveUpAt) throw new Error(`after 5 s ${peer.bytesRead} of ${sizeBytes} bytes are read`)
  }
}

/** A connection to the gateway on which a test decides every byte. */
export class RawCaller {
  readonly socket: Socket
  readonly closed: Promise<void>
  received = ''
  private readonly waiting = new Set<() => void>()

  constructor({ port }: Pick<RunningGateway, 'port'>) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text
      for (const wake of this.waiting) wake()
    })
    // A reset is a way to close.
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        resolve()
        for (const wake of this.waiting) wake()
      })
    })
  }

  /** Resolves when so many answers are there, or the connection is closed. */
  async answered(count: number): Promise<WireAnswer[]> {
    for (;;) {
      const { answers } = readAnswers(this.received)
      if (answers.length >= count || this.socket.destroyed) return answers
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.waiting.delete(wake)
          resolve()
        }
        this.waiting.add(wake)
      })
    }
  }

  /** All that came, which must be whole answers and nothing else. */
  answers(): WireAnswer[] {
    const { answers, rest } = readAnswers(this.received)
    if (rest !== '') throw new Error(`not a whole answer: ${JSON.stringify(rest.slice(0, 400))}`)
    return answers
  }
}

/** Reads answers as strictly as the gateway should write them; `rest` is the beginning of one that is not whole. */
export function readAnswers(text: string): { answers: WireAnswer[]; rest: string } {
  const answers: WireAnswer[] = []
  let rest = text
  for (;;) {
    const [head, status] = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*\r\n(?:[\w-]+: [\x20-\xff]*\r\n)*\r\n/.exec(rest) ?? []
    if (head === undefined) {
      if (rest.includes('\r\n\r\n')) throw new Error(`not an answer: ${JSON.stringify(rest.slice(0, 400))}`)
      return { answers, rest }
    }
    const body = readBody(head, rest.slice(head.length))
    if (body === undefined) return { answers, rest }
    answers.push({ status: Number(status), head, body: body.text })
    rest = rest.slice(head.length + body.length)
  }
}

function readBody(head: string, rest: string): { text: string; length: number } | undefined {
  if (/^HTTP\/1\.1 (?:1\d\d|204|304)/.test(head)) return { text: '', length: 0 }
  const size = /^content-length: (\d+)\r$/im.exec(head)?.[1]
  if (size !== undefined) {
    return rest.length < Number(size) ? undefined : { text: rest.slice(0, Number(size)), length: Number(size) }
  }
  if (!/^transfer-encoding: chunked\r$/im.test(head)) {
    // Node's own refusals (417) have no body at all, and their connection ends.
    return { text: rest, length: rest.length }
  }
  let text = ''
  let at = 0
  for (;;) {
    const [line, digits] = /^([0-9a-f]+)\r\n/.exec(rest.slice(at, at + 20)) ?? []
    if (line === undefined) return undefined
    const length = parseInt(digits!, 16)
    at += line.length
    if (length === 0) {
      const [trailer] = /^(?:[\w-]+: [\x20-\x7e]*\r\n)*\r\n/.exec(rest.slice(at)) ?? []
      return trailer === undefined ? undefined : { text, length: at + trailer.length }
    }
    if (rest.length < at + length + 2) return undefined
    if (rest.slice(at + length, at + length + 2) !== '\r\n') throw new Error('a chunk is longer than its size')
    text += rest.slice(at, at + length)
    at += length + 2
  }
}
