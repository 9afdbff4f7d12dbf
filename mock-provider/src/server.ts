import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { BadRequestError, readChatRequest, type ChatRequest } from './chat-request.ts'
import { systemClock, type Clock } from './clock.ts'
import { CompletionTemplate, estimateTokens } from './completion.ts'
import type { MockConfig } from './config.ts'
import { DelayQueue } from './delay-queue.ts'
import { uniformLatency } from './latency-model.ts'
import { seededRandom } from './random.ts'
import { formatDelayHeader, MOCK_DELAY_HEADER } from './truth.ts'

/** The mock, listening or about to. */
export interface MockServer {
  app: FastifyInstance
  /** Listens where the config says; yields the base URL with the port that it got. */
  listen(): Promise<string>
  /** Answers that wait for their delay. */
  waiting(): number
  /** Stops accepting, gives every waiting answer at its time, then closes all connections. */
  close(): Promise<void>
}

interface Answer {
  response: ServerResponse
  sequence: number
  receivedNs: number
  plannedUs: number
  request: ChatRequest
}

/** A chat request, and when the last byte of it was read. */
interface ReceivedChat extends ChatRequest {
  receivedNs: number
}

const KEEP_ALIVE_SEC = 600
const MODELS = ['gpt-4o-mini', 'gpt-4o']
const MODELS_CREATED_SEC = 1_721_172_741

export function createMockServer(config: MockConfig, { clock = systemClock }: { clock?: Clock } = {}): MockServer {
  const { latencyMs, jitterMs, seed } = config
  const latency = uniformLatency({ latencyMs, jitterMs, random: seededRandom(seed) })
  const template = new CompletionTemplate(config.responseBytes)
  const queue = new DelayQueue<Answer>({ clock, release: send })
  const sockets = new Set<Socket>()
  let draining = false
  let drained: (() => void) | undefined
  let nextSequence = 1

  const app = Fastify({ logger: false, bodyLimit: 10 * 1_048_576 })
  // Connections opened ahead of a load test may idle for long, before their first request as well as between two: node
  // would answer the former with 408 after 60 s and close the latter, at the price of arming a timer for each answer.
  // Set here, because Fastify takes a 0 among its options for "the default".
  Object.assign(app.server, { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 })
  app.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const receivedNs = clock()
    try {
      done(null, { ...readChatRequest(body as string, template.modelRoomBytes), receivedNs })
    } catch (error) {
      done(error as Error)
    }
  })

  app.post<{ Body: ReceivedChat | undefined }>('/v1/chat/completions', (request, reply) => {
    if (!request.body) throw new BadRequestError('the request has no body')
    reply.hijack()
    const { receivedNs } = request.body
    const plannedUs = latency.nextDelayUs()
    const answer = { response: reply.raw, sequence: nextSequence++, receivedNs, plannedUs, request: request.body }
    if (plannedUs === 0) {
      send(answer)
    } else {
      queue.add(receivedNs + plannedUs * 1_000, answer)
      queue.releaseDue()
    }
  })

  function send({ response, sequence, receivedNs, plannedUs, request }: Answer): void {
    if (!response.destroyed) {
      const createdSec = Math.floor(Date.now() / 1_000)
      const promptTokens = estimateTokens(request.bodyChars)
      const delay = { plannedUs, actualUs: Math.floor((clock() - receivedNs) / 1_000) }
      const body = template.compose({ sequence, delay, createdSec, model: request.model, promptTokens })
      response.shouldKeepAlive &&= !draining
      response.writeHead(200, answerHead(body.length, formatDelayHeader(delay), response.shouldKeepAlive))
      response.end(body, 'latin1')
    }
    if (draining && queue.size === 0) drained?.()
  }

  app.get('/v1/models', () => ({
    object: 'list',
    data: MODELS.map((id) => ({ id, object: 'model', created: MODELS_CREATED_SEC, owned_by: 'gatebench' })),
  }))
  app.get('/health', () => ({ status: 'ok', waiting: queue.size }))

  app.setNotFoundHandler((request, reply) => {
    const message = `Unknown request URL: ${request.method} ${request.url}. The mock answers POST /v1/chat/completions, GET /v1/models and GET /health.`
    return reply.code(404).send(errorBody(message, 'invalid_request_error'))
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    const type = status < 500 ? 'invalid_request_error' : 'server_error'
    return reply
      .code(status)
      .send(errorBody(error.message, type, error instanceof BadRequestError ? error.param : null))
  })

  return {
    app,
    listen: () => app.listen({ port: config.port, host: config.host, backlog: 65_535 }),
    waiting: () => queue.size,
    async close() {
      draining = true
      const closed = app.close()
      if (queue.size > 0) await new Promise<void>((resolve) => (drained = resolve))
      // The answers may still be on their way into the sockets: each closes once it has taken what was written.
      for (const socket of sockets) socket.destroySoon()
      await closed
    },
  }
}

function answerHead(bytes: number, delay: string, keepAlive: boolean): string[] {
  const head = ['content-type', 'application/json', 'content-length', String(bytes), MOCK_DELAY_HEADER, delay]
  // The hint is for clients that would otherwise give up an idle connection after a few seconds (undici: 4).
  if (keepAlive) head.push('keep-alive', `timeout=${KEEP_ALIVE_SEC}`)
  return head
}

function errorBody(message: string, type: string, param: string | null = null): unknown {
  return { error: { message, type, param, code: null } }
}
