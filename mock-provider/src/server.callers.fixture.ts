import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WrittenConfig } from './config.ts'
import { CHAT, withMock, type Mock } from './server.fixture.ts'
import { delayFromText, type MockDelay } from './truth.ts'

/** What tests share that hold in more than one dialect, or that need a clock of their own. */

/** How callers of one provider ask it. */
export interface Caller {
  name: string
  path: string
  body: Readonly<Record<string, unknown>>
  /** Headers with an API key. */
  headers: (key: string) => Record<string, string>
  /** What the last event of a stream holds, and no other. */
  streamEnd: string
}

export const OPENAI: Caller = {
  name: 'OpenAI',
  path: '/v1/chat/completions',
  body: CHAT,
  headers: (key) => ({ authorization: `Bearer ${key}` }),
  streamEnd: 'data: [DONE]',
}

export const ANTHROPIC: Caller = {
  name: 'Anthropic',
  path: '/v1/messages',
  body: { ...CHAT, max_tokens: 1_000 },
  headers: (key) => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
  streamEnd: 'event: message_stop',
}

export const CALLERS = [OPENAI, ANTHROPIC]

/** What may be special about a request. */
export interface Asking {
  /** @default 'sk-test-1' */
  key?: string
  /** For `x-mock-fault`. */
  fault?: string | undefined
  /** Fields of the body besides the usual ones. */
  body?: Readonly<Record<string, unknown>>
}

function headersOf(caller: Caller, { key = 'sk-test-1', fault }: Asking): Record<string, string> {
  const asked = fault === undefined ? {} : { 'x-mock-fault': fault }
  return { 'content-type': 'application/json', ...caller.headers(key), ...asked }
}

export function ask({ url }: Mock, caller: Caller, asking: Asking = {}): Promise<Response> {
  const body = JSON.stringify({ ...caller.body, ...asking.body })
  return fetch(`${url}${caller.path}`, { method: 'POST', headers: headersOf(caller, asking), body })
}

/** The same request as it goes over a socket. */
export function rawAsk(caller: Caller, asking: Asking = {}): string {
  const body = JSON.stringify({ ...caller.body, ...asking.body })
  const headers = { host: 'mock', ...headersOf(caller, asking), 'content-length': String(Buffer.byteLength(body)) }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`POST ${caller.path} HTTP/1.1`, ...lines, '', body].join('\r\n')
}

/** Changes the config over HTTP. @param patch as JSON, or as the text of a body */
export function configure({ url }: Mock, patch: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/admin/config`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof patch === 'string' ? patch : JSON.stringify(patch),
  })
}

/** Collects what comes over a socket, and waits for more until that is enough. */
export function reader(socket: Socket): (isEnough: (text: string) => boolean) => Promise<string> {
  let text = ''
  socket.on('data', (chunk: string) => (text += chunk))
  return async (isEnough) => {
    await until(
      () => isEnough(text),
      () => text,
    )
    return text
  }
}

/** Waits for what must become so; fails when it has not after a time in which it should have. @param state for the failure */
export async function until(isSo: () => boolean, state: () => unknown = () => isSo.toString()): Promise<void> {
  const giveUpAtMs = performance.now() + 20_000
  while (!isSo()) {
    if (performance.now() > giveUpAtMs) assert.fail(`never became so: ${String(state())}`)
    await sleep(1)
  }
}

/** The data of each event of a stream, as text. */
export function dataOf(stream: string): string[] {
  return [...stream.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!)
}

export function plannedUs(text: string): number {
  return delayOf(text).plannedUs
}

/** The delay that an answer tells of itself. @param text its body */
export function delayOf(text: string): MockDelay {
  return delayFromText(text) ?? assert.fail(`no delay in ${text.slice(0, 200)}`)
}

/** A mock whose clock stands still until the test moves it. */
export async function withStoppedClock(
  config: WrittenConfig,
  use: (mock: Mock, advanceMs: (ms: number) => void) => Promise<void>,
): Promise<void> {
  let nowNs = 1e9
  const advanceMs = (ms: number) => {
    nowNs += ms * 1e6
  }
  const run = async (mock: Mock) => {
    try {
      await use(mock, advanceMs)
    } finally {
      // Nothing that a failed test has left waiting keeps the mock from closing.
      advanceMs(3_600_000)
    }
  }
  await withMock(config, run, { clock: () => nowNs, monotonicNs: () => BigInt(nowNs) })
}
