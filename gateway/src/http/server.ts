import { isUtf8 } from 'node:buffer'

import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import type { GatewayConfig } from '../config.ts'
import { GatewayError, gatewayErrorBody } from '../core/errors.ts'
import { registerApi } from './api-routes.ts'
import { refuseMalformed } from './client-errors.ts'
import { type HostOptions, PipelineHost } from './pipeline-host.ts'
import { registerOperations, type SnapshotSources } from './operations-routes.ts'

/** Idle callers stay connected this long: a load test pauses between its runs. */
const KEEP_ALIVE_MS = 600_000
/** Slow senders are looked for so often: Node's default of 30 s would let them stay that much longer. */
const SLOW_SENDER_CHECK_MS = 1_000
const NO_ORIGIN = { provider: '', model: '', requestType: 'chat_completion' } as const

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
  app.removeAllContentTypeParsers()
  // Whatever the content type says, a body here is JSON or an error; curl's default says form data.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const bytes = body as Buffer
      if (request.context !== null) request.context.pipeline.holdBody(request.context, bytes.length)
      done(null, parseJson(bytes))
    } catch (error) {
      done(error as Error)
    }
  })
  app.setErrorHandler((error, request, reply) => {
    const { context, raw } = request
    const reason = requestError(error, config)
    if (context === null) {
      if (host.draining) reply.header('connection', 'close')
      reply.code(reason.status).send(gatewayErrorBody(reason, NO_ORIGIN))
    } else if (raw.destroyed && !raw.complete) {
      context.pipeline.abandon(context)
    } else {
      reply.hijack()
      context.closeAfterAnswer = true
      context.pipeline.reject(context, reason)
    }
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new GatewayError('route_not_found', `no route ${request.method} ${request.url}`)
    reply.code(error.status).send(gatewayErrorBody(error, NO_ORIGIN))
  })
  // Not run for chat and embeddings, whose contexts answer themselves.
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (leavesBodyUnread(request)) reply.header('connection', 'close')
    done()
  })
  app.decorateRequest('context', null)
  app.decorateRequest('clock', null)
  registerApi(app, host)
  registerOperations(app, host, options.snapshots)
  return { app, host }
}

/** An answer that comes before the request's end: what is still to come would be read for nothing, or time out. */
function leavesBodyUnread({ raw, headers }: FastifyRequest): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
  return hasBody && !raw.complete
}

function parseJson(bytes: Buffer): unknown {
  // Decoding would put replacement characters where bytes mean nothing, and the provider would get another text.
  if (!isUtf8(bytes)) throw new GatewayError('invalid_json', 'the body is not UTF-8')
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    throw new GatewayError('invalid_json', `the body is not JSON: ${error instanceof Error ? error.message : ''}`)
  }
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
