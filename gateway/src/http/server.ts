import { fastify, type FastifyInstance, type FastifyReply } from 'fastify'

import type { GatewayConfig } from '../config.ts'
import { DEFAULTS } from '../config-defaults.ts'
import { asGatewayError, GatewayError, gatewayErrorBody, NO_ORIGIN } from '../core/errors.ts'
import { admissionHook } from './admission-hook.ts'
import { registerApi } from './api-routes.ts'
import { refuseMalformed } from './client-errors.ts'
import { type HostOptions, PipelineHost } from './pipeline-host.ts'
import { registerOperations, type SnapshotSources } from './operations-routes.ts'
import { leavesBodyUnread, takeJsonBodies, takeNoBodies } from './request-body.ts'
import { limitUnread } from './unread-answer.ts'

/** Idle callers stay connected this long: a load test pauses between its runs. */
const KEEP_ALIVE_MS = 600_000
/** Slow senders are looked for so often: Node's default of 30 s would let them stay that much longer. */
const SLOW_SENDER_CHECK_MS = 1_000

export interface GatewayServer {
  app: FastifyInstance
  host: PipelineHost
}

export interface ServerOptions extends HostOptions {
  /** Whose counters `/metrics` and `/debug/stages` show. @default this server's own */
  snapshots?: SnapshotSources
}

/** The gateway behind HTTP, not yet listening; `host.start()` comes first. */
export function createServer(config: GatewayConfig, options: ServerOptions = {}): GatewayServer {
  const host = new PipelineHost(config, options)
  const app = fastify({
    logger: false,
    bodyLimit: config.maxRequestBodyBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: config.requestReadTimeoutMs,
    http: {
      maxHeaderSize: config.maxRequestHeaderBytes,
      headersTimeout: config.requestReadTimeoutMs,
      connectionsCheckingInterval: SLOW_SENDER_CHECK_MS,
    },
    // While draining, requests are refused in the gateway's own shape.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    genReqId: () => '',
    clientErrorHandler: refuseMalformed,
    // Targets that cannot be decoded have no route and pass no hook.
    frameworkErrors: ({ message }, _request, reply: FastifyReply) => {
      const reason = new GatewayError('invalid_request', message)
      void reply.code(reason.status).header('connection', 'close').send(gatewayErrorBody(reason, NO_ORIGIN))
    },
  })
  // Each request in flight listens on its socket, and a caller may pipeline many.
  app.server.on('connection', (socket) => socket.setMaxListeners(0))
  takeNoBodies(app)
  app.setErrorHandler((error, request, reply) => {
    const { context, raw } = request
    const reason = requestError(error, config)
    if (context === null) {
      if (host.draining) reply.header('connection', 'close')
      reply.code(reason.status).send(gatewayErrorBody(reason, NO_ORIGIN))
    } else if (!context.isOf(raw)) {
      // Its caller is gone, or has been told that it was too slow; the context may serve another by now.
      reply.hijack()
    } else if (raw.destroyed && !raw.complete) {
      context.pipeline.abandon(context)
    } else {
      reply.hijack()
      context.closeAfterAnswer = true
      context.pipeline.reject(context, reason)
    }
  })
  // Not run for chat and embeddings, whose contexts answer themselves.
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (leavesBodyUnread(request)) reply.header('connection', 'close')
    // It is ended in this same turn.
    setImmediate(limitUnread, reply.raw, DEFAULTS.streamIdleTimeoutMs)
    done()
  })
  app.decorateRequest('context', null)
  app.decorateRequest('clock', null)
  app.register((api, _options, done) => {
    takeJsonBodies(api)
    registerApi(api, host)
    done()
  })
  app.register((nowhere, _options, done) => {
    nowhere.addHook('onRequest', admissionHook(host))
    nowhere.setNotFoundHandler(({ method, url }) => {
      throw new GatewayError('route_not_found', `no route ${method} ${url}`)
    })
    done()
  })
  registerOperations(app, host, options.snapshots)
  return { app, host }
}

function requestError(error: unknown, config: GatewayConfig): GatewayError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new GatewayError('body_too_large', `the body is larger than ${config.maxRequestBodyBytes} bytes`)
  }
  if (typeof code === 'string' && code.startsWith('FST_ERR_CTP')) {
    return new GatewayError('invalid_request', error instanceof Error ? error.message : code)
  }
  return asGatewayError(error)
}
