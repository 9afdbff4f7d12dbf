import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { WrittenConfig } from './config.ts'
import { createMockServer, type MockServer, type MockServerOptions } from './server.ts'

/** What the tests of the server share: a mock on a free port, and requests to it. */

export const CHAT = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }

export interface Mock {
  url: string
  server: MockServer
  chat: (body?: unknown) => Promise<Response>
}

/** A mock on a free port, with its own connections; both are gone after `use`. */
export async function withMock(
  config: WrittenConfig,
  use: (mock: Mock) => Promise<void>,
  options: MockServerOptions = {},
): Promise<void> {
  const server = createMockServer({ port: 0, ...config }, options)
  const url = await server.listen()
  const chat = (body: unknown = CHAT) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  try {
    await use({ url, server, chat })
  } finally {
    await server.close()
  }
}

export function rawRequest(body = JSON.stringify(CHAT)): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

export async function open(url: string): Promise<Socket> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname).setEncoding('latin1')
  await once(socket, 'connect')
  return socket
}

/** What the socket yields until it holds `count` answers' ids. */
export async function readAnswers(socket: Socket, count: number): Promise<string> {
  let text = ''
  while (text.split('chatcmpl-').length <= count || !text.endsWith('}}')) {
    const [chunk] = (await once(socket, 'data')) as [string]
    text += chunk
  }
  return text
}
