import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { Answers } from './answers.ts'
import { systemClock, type Clock } from './clock.ts'
import type { MockConfig } from './config.ts'
import { ProviderError } from './provider-error.ts'
import { addRoutes, PATHS, type ReceivedBody } from './routes.ts'
import { openAiError } from './wire/openai-error.ts'
import { parseFields } from './wire/request-fields.ts'

/** The mock, listening or about to. */
export interface MockServer {
  app: FastifyInstance
  /** Listens where the config says; yields the base URL with the port that it got. */
  listen(): Promise<string>
  /** Answers that wait for their time, streams under way included. */
  waiting(): number
  /** Requests that a fault keeps without an answer. */
  hanging(): number
  /** Stops accepting, drops what hangs, gives every waiting answer at its time, then closes all connections. */
  close(): Promise<void>
}

/** Times as the mock's own clock has them, and CLOCK_MONOTONIC for the stamps of chunks. */
export interface MockClocks {
  clock?: Clock
  monotonicNs?: () => bigint
}

export function createMockServer(
  config: MockConfig,
  { clock = systemClock, monotonicNs = () => process.hrtime.bigint() }: MockClocks = {},
): MockServer {
  const answers = new Answers(config, clock, monotonicNs)
  const sockets = new Set<Socket>()

  const app = Fastify({ logger: false, bodyLimit: 10 * 1_048_576 })
  // Connections opened ahead of a load test may idle for long, before their first request as well as between two: node
  // would answer the former with 408 after 60 s and close the latter, at the price of arming a timer for each answer.
  // Set here, because Fastify takes a 0 among its options for "the default".
  Object.assign(app.server, { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 })
  app.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      answers.connectionClosed(socket)
    })
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const receivedNs = clock()
    try {
      done(null, { fields: parseFields(body), bodyChars: body.length, receivedNs } satisfies ReceivedBody)
    } catch (error) {
      done(error as Error)
    }
  })
  addRoutes(app, config, answers)
  app.get('/health', () => ({ status: 'ok', waiting: answers.waiting }))
  app.setNotFoundHandler((request, reply) => {
    const message = `Unknown request URL: ${request.method} ${request.url}. The mock answers ${PATHS}.`
    return reply
      .code(404)
      .type('application/json')
      .send(openAiError(new ProviderError(404, message)))
  })

  return {
    app,
    listen: () => app.listen({ port: config.port, host: config.host, backlog: 65_535 }),
    waiting: () => answers.waiting,
    hanging: () => answers.hanging,
    async close() {
      const closed = app.close()
      await answers.drain()
      // The answers may still be on their way into the sockets: each closes once it has taken what was written.
      for (const socket of sockets) socket.destroySoon()
      await closed
    },
  }
}
