import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

import { type GatewayConfigFile, parseConfig } from '../config.ts'
import type { FailureRecord, Pipeline } from '../core/pipeline.ts'
import type { HttpContext } from './http-context.ts'
import { createServer, type GatewayServer } from './server.ts'

export const COMPLETION = {
  id: 'chatcmpl-1-0-5',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hé' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
}

export const CHAT = { model: 'openai/m', messages: [{ role: 'user', content: 'hi' }] }

/** A provider that answers as told; it sees each request with its body read. */
export interface FakeProvider {
  url: string
  server: Server
  requests: { url: string; headers: Record<string, unknown>; body: string }[]
}

export const answerCompletion: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'x-mock-delay': 'planned=0;actual=5' })
  response.end(JSON.stringify(COMPLETION))
}

export async function startProvider(t: TestContext, answer: RequestListener = answerCompletion): Promise<FakeProvider> {
  const requests: FakeProvider['requests'] = []
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    text(request).then(
      (body) => {
        requests.push({ url: request.url ?? '', headers: request.headers, body })
        answer(request, response)
      },
      () => undefined,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: urlOf(server), server, requests }
}

export interface RunningGateway extends GatewayServer {
  gateway: Pipeline<HttpContext>
  url: string
  port: number
  failures: FailureRecord[]
  chat(body?: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>
}

type ProviderFile = GatewayConfigFile['providers'][string]

/** Provider settings with what tests share; anything may be overridden. */
export function providerFile(baseUrl: string, changes: Partial<ProviderFile> = {}): ProviderFile {
  return {
    keys: [{ value: 'sk-secret' }],
    concurrency_and_buffer_size: { concurrency: 10, buffer_size: 10 },
    ...changes,
    network_config: { base_url: baseUrl, ...changes.network_config },
  }
}

export async function startGateway(t: TestContext, file: GatewayConfigFile): Promise<RunningGateway> {
  const failures: FailureRecord[] = []
  const { config } = parseConfig({ config: { initial_pool_size: 2 }, ...file }, {})
  const { app, host } = createServer(config, { onFailure: (failure) => failures.push(failure) })
  await host.start()
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(async () => {
    app.server.closeAllConnections()
    await app.close()
    host.close()
  })
  const url = urlOf(app.server)
  const chat: RunningGateway['chat'] = (body = CHAT, headers = {}, signal) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    })
  return { app, host, gateway: host.current, url, port: Number(new URL(url).port), failures, chat }
}

/** Every counter that a request moves on its way is back where it was. */
export function assertNothingLeaked({ gateway }: Pick<RunningGateway, 'gateway'>): void {
  const problems: string[] = []
  if (gateway.contexts.inUse !== 0) problems.push(`${gateway.contexts.inUse} contexts in use`)
  if (gateway.waitingBodyBytes !== 0) problems.push(`${gateway.waitingBodyBytes} bytes of bodies held`)
  for (const { name, pool, queue, deadlines, idleDeadlines, endDeadlines } of gateway.providers) {
    const { inUse, waiting, open, idle } = pool.counters
    if (inUse !== 0 || open !== idle) problems.push(`${name}: ${inUse} connections in use`)
    if (waiting !== 0) problems.push(`${name}: ${waiting} waiting for a connection`)
    if (queue.active !== 0) problems.push(`${name}: ${queue.active} workers busy`)
    if (queue.buffered + queue.waitingForRoom !== 0) problems.push(`${name}: queue not empty`)
    if (deadlines.pending !== 0) problems.push(`${name}: ${deadlines.pending} deadlines pending`)
    if (idleDeadlines.pending !== 0) problems.push(`${name}: ${idleDeadlines.pending} idle limits pending`)
    if (endDeadlines.pending !== 0) problems.push(`${name}: ${endDeadlines.pending} streams wait for their end`)
  }
  if (problems.length > 0) throw new Error(problems.join('; '))
}

/** Waits until `check` stops throwing, or its promise rejecting; its last error after `patienceMs`. */
export async function eventually(check: () => unknown, patienceMs = 2_000): Promise<void> {
  const giveUpAtMs = performance.now() + patienceMs
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
