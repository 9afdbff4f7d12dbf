import { fastify, type FastifyInstance } from 'fastify'

import type { GatewayConfig } from '../config.ts'
import { GatewayError, gatewayErrorBody } from '../core/errors.ts'
import { type FailureRecord, Gateway } from '../core/gateway.ts'
import { listedModels } from '../core/routes.ts'
import { SLOT, StageClock } from '../core/stage-clock.ts'
import { TIMING_REQUEST_HEADER } from '../core/stages.ts'
import { HttpContext } from './http-context.ts'
import { metricsRegistry } from './metrics.ts'
import { serverTiming } from './server-timing.ts'
import { stagesReport } from './stages-report.ts'

/** Idle callers stay connected this long: a load test pauses between its runs. */
const KEEP_ALIVE_MS = 600_000
/** A request must be here within this time, head and body: a slow sender must not hold a context for ever. */
const REQUEST_TIMEOUT_MS = 60_000

declare module 'fastify' {
  interface FastifyRequest {
    context: HttpContext | null
    /** Of a health check that wants its time told: a harness that measures the way to the gateway and back. */
    clock: StageClock | null
  }
}

export interface GatewayServer {
  app: FastifyInstance
  gateway: Gateway<HttpContext>
}

/** The gateway behind HTTP, not yet listening; `gateway.start()` comes first. */
export function createServer(config: GatewayConfig, onFailure?: (failure: FailureRecord) => void): GatewayServer {
  const gateway: Gateway<HttpContext> = new Gateway(config, {
    createContext: () =>
      new HttpContext((context) => {
        gateway.abandon(context)
      }),
    ...(onFailure && { onFailure }),
  })
  const app = fastify({
    logger: false,
    bodyLimit: config.maxRequestBodyBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    genReqId: () => '',
  })
  // Each request in flight listens on its socket, and a caller may pipeline many.
  app.server.on('connection', (socket) => socket.setMaxListeners(0))
  app.decorateRequest('context', null)
  app.decorateRequest('clock', null)
  app.removeAllContentTypeParsers()
  // Whatever the content type says, a body here is JSON or an error; curl's default says form data.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(body as string))
    } catch (error) {
      done(new GatewayError('invalid_json', `the body is not JSON: ${error instanceof Error ? error.message : ''}`))
    }
  })
  app.setErrorHandler((error, request, reply) => {
    const { context, raw } = request
    const reason = requestError(error, config)
    if (context === null) {
      reply.code(reason.status).send(gatewayErrorBody(reason, { provider: '', model: '' }))
    } else if (raw.destroyed && !raw.complete) {
      gateway.abandon(context)
    } else {
      reply.hijack()
      context.closeAfterAnswer = true
      gateway.reject(context, reason)
    }
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new GatewayError('route_not_found', `no route ${request.method} ${request.url}`)
    reply.code(error.status).send(gatewayErrorBody(error, { provider: '', model: '' }))
  })

  app.post('/v1/chat/completions', {
    onRequest: (request, reply, done) => {
      const context = gateway.admit()
      context.attach(request.raw, reply.raw)
      request.context = context
      done()
    },
    handler: (request, reply) => {
      const { context, body } = request
      // The context answers, past Fastify's serialisation: the answer is bytes already.
      reply.hijack()
      // The parsed body lives on in the context until it is marshaled, and not a moment longer.
      request.body = undefined
      request.context = null
      if (context) gateway.chatCompletion(context, body)
    },
  })
  app.get('/v1/models', () => modelList(config))
  app.get('/health', {
    onRequest: (request, _reply, done) => {
      if (request.headers[TIMING_REQUEST_HEADER] === '1') request.clock = new StageClock()
      request.clock?.start()
      done()
    },
    handler: ({ clock }, reply) => {
      if (clock) {
        clock.lap(SLOT.request_reading)
        reply.header('server-timing', serverTiming(clock.ns, clock.totalNs))
      }
      return { status: 'ok', inFlight: gateway.contexts.inUse }
    },
  })
  const registry = metricsRegistry(gateway)
  app.get('/metrics', async (_request, reply) => {
    const text = await registry.metrics()
    return reply.type(registry.contentType).send(text)
  })
  app.get('/debug/stages', () => stagesReport(gateway))
  app.post('/debug/stages/reset', () => {
    gateway.histograms.reset()
    return { status: 'reset' }
  })
  return { app, gateway }
}

function requestError(error: unknown, config: GatewayConfig): GatewayError {
  if (error instanceof GatewayError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new GatewayError('body_too_large', `the body is larger than ${config.maxRequestBodyBytes} bytes`)
  }
  if (typeof code === 'string' && code.startsWith('FST_ERR_CTP')) {
    return new GatewayError('invalid_request', error instanceof Error ? error.message : code)
  }
  return new GatewayError('internal_error', 'internal error')
}

interface ModelEntry {
  id: string
  object: 'model'
  created: number
  owned_by: string
}

function modelList(config: GatewayConfig): { object: 'list'; data: ModelEntry[] } {
  const data = config.providers.flatMap((provider) =>
    listedModels(provider).map((model): ModelEntry => {
      return { id: `${provider.name}/${model}`, object: 'model', created: 0, owned_by: provider.name }
    }),
  )
  return { object: 'list', data }
}
