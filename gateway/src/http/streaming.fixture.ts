import assert from 'node:assert/strict'
import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

import { CHAT, type FakeProvider, startProvider } from './test-support.ts'

/** What the tests of streams share: a provider that sends only what the test tells it to, and callers that see each event. */

export const STREAM = { ...CHAT, stream: true }
export const DONE = 'data: [DONE]\n\n'

/** A chunk of OpenAI's, as an event. */
export function chunk(content: string, more: object = {}): string {
  return event({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more })
}

export function event(members: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-1-2-3', object: 'chat.completion.chunk', created: 1, model: 'm', ...members })}\n\n`
}

/** What to wait for before anything else is done: values that come one by one. */
class Arrivals<T> {
  private readonly values: T[] = []
  private readonly waiting: ((value: T) => void)[] = []

  add(value: T): void {
    const next = this.waiting.shift()
    if (next === undefined) this.values.push(value)
    else next(value)
  }

  next(): Promise<T> {
    const value = this.values.shift()
    return value === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(value)
  }
}

/** One request at the provider, in the test's hands. */
export interface Exchange {
  body: Record<string, unknown>
  headers: IncomingHttpHeaders
  response: ServerResponse
  socket: Socket
  /** Settles when the connection is gone. */
  closed: Promise<void>
  /** Status line and headers of a stream. */
  begin: (headers?: Record<string, string>) => void
  /** Writes text of the stream, after its head. */
  send: (text: string | Buffer) => void
  /** The last event, and the end of the answer. */
  finish: () => void
}

export interface StreamProvider extends FakeProvider {
  /** The next request to arrive. */
  next(): Promise<Exchange>
  /** Connections that it has accepted so far. */
  readonly accepted: number
}

export async function startStreamProvider(t: TestContext): Promise<StreamProvider> {
  const arrivals = new Arrivals<Exchange>()
  const provider = await startProvider(t, ({ headers, socket }, response) => {
    response.on('error', () => undefined)
    const begin: Exchange['begin'] = (more = {}) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...more })
      response.flushHeaders()
    }
    const send: Exchange['send'] = (text) => {
      if (!response.headersSent) begin()
      response.write(text)
    }
    arrivals.add({
      body: JSON.parse(provider.requests.at(-1)!.body) as Record<string, unknown>,
      headers,
      response,
      socket,
      closed: new Promise((resolve) => socket.once('close', resolve)),
      begin,
      send,
      finish: () => {
        send(DONE)
        response.end()
      },
    })
  })
  let accepted = 0
  provider.server.on('connection', () => accepted++)
  return {
    ...provider,
    next: () => arrivals.next(),
    get accepted() {
      return accepted
    },
  }
}

/** An answer that is being read event by event. */
export interface EventReader {
  status: number
  headers: IncomingHttpHeaders
  message: IncomingMessage
  /** The next event with the blank line at its end; undefined at the end of the answer. Throws when that was cut off. */
  next(): Promise<string | undefined>
  /** All that still comes. */
  rest(): Promise<string>
  /** Goes away. */
  leave(): void
}

/** How far a provider has got that sends `count` times the same as fast as it is taken. */
export interface Pumping {
  sent: number
  all: Promise<void>
}

export function pump({ begin, response }: Exchange, text: string, count: number): Pumping {
  const pumping: Pumping = { sent: 0, all: Promise.resolve() }
  begin()
  pumping.all = new Promise((resolve) => {
    const more = (): void => {
      while (pumping.sent < count) {
        pumping.sent++
        if (!response.write(text)) {
          response.once('drain', more)
          return
        }
      }
      resolve()
    }
    more()
  })
  return pumping
}

/** Resolves when the provider has not got rid of anything for a while. */
export async function stalled(pumping: Pumping): Promise<void> {
  for (let before = -1, quiet = 0; quiet < 10; quiet++) {
    if (pumping.sent !== before) quiet = 0
    before = pumping.sent
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface StreamCall {
  body?: unknown
  headers?: Record<string, string>
}

/** Resolves when the answer's head is there. */
export async function openStream(url: string, call: StreamCall = {}): Promise<EventReader> {
  return readEvents(await openAnswer(url, call))
}

/** The same, with nothing of the body read yet. */
export function openAnswer(url: string, { body = STREAM, headers = {} }: StreamCall = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent: false, headers } as const
    const request = httpRequest(`${url}/v1/chat/completions`, options, resolve)
    request.on('error', reject)
    request.end(JSON.stringify(body))
  })
}

function readEvents(message: IncomingMessage): EventReader {
  const arrivals = new Arrivals<{ event?: string; error?: Error }>()
  let text = ''
  message.setEncoding('utf8')
  message.on('data', (more: string) => {
    text += more
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      arrivals.add({ event: text.slice(0, end + 2) })
      text = text.slice(end + 2)
    }
  })
  message.on('error', (error: Error) => {
    arrivals.add({ error })
  })
  message.on('end', () => {
    arrivals.add(text === '' ? {} : { event: text })
    arrivals.add({})
  })
  const next = async (): Promise<string | undefined> => {
    const { event: arrived, error } = await arrivals.next()
    if (error) throw error
    return arrived
  }
  return {
    status: message.statusCode!,
    headers: message.headers,
    message,
    next,
    rest: async () => {
      let all = ''
      for (let more = await next(); more !== undefined; more = await next()) all += more
      return all
    },
    leave: () => message.destroy(),
  }
}

/** The gateway's error in an event. */
export function errorIn(text: string | undefined): {
  status: number
  code: string | null
  message: string
  own: boolean
} {
  assert.match(text ?? '', /^data: \{.*\}\n\n$/)
  const body = JSON.parse(text!.slice(6)) as {
    status_code: number
    is_gateway_error: boolean
    error: { code: string | null; message: string }
  }
  const { status_code: status, is_gateway_error: own, error } = body
  return { status, code: error.code, message: error.message, own }
}

/** A caller with nothing between it and the bytes. */
export interface RawCaller {
  socket: Socket
  /** All that has come. */
  received(): string
  /** Settles with all that has come when the gateway has closed the connection. */
  closed: Promise<string>
}

export function rawCaller(t: TestContext, port: number): RawCaller {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  let text = ''
  socket.on('error', () => undefined)
  socket.on('data', (more: string) => (text += more))
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => {
      resolve(text)
    })
  })
  return { socket, received: () => text, closed }
}

export function rawRequest(body: unknown = STREAM, { version = '1.1', headers = '' } = {}): string {
  const text = JSON.stringify(body)
  return `POST /v1/chat/completions HTTP/${version}\r\nhost: x\r\n${headers}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}
