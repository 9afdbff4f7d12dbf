import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

import { fastify, type FastifyInstance } from 'fastify'

import type { GatewayConfig } from '../config.ts'
import { GatewayError, gatewayErrorBody } from '../core/errors.ts'
import { registerApi } from './api-routes.ts'
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
  })
  // Each request in flight listens on its socket, and a caller may pipeline many.
  app.server.on('connection', (socket) => socket.setMaxListeners(0))
  app.removeAllContentTypeParsers()
  // Whatever the content type says, a body here is JSON or an error; curl's default says form data.
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    try {
      const text = body as string
      if (request.context !== null) request.context.pipeline.holdBody(request.context, text.length)
      done(null, parseJson(text))
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
  app.decorateRequest('context', null)
  app.decorateRequest('clock', null)
  registerApi(app, host)
  registerOperations(app, host, options.snapshots)
  return { app, host }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
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

/** What Node's parser refuses never becomes a request; it is answered in the same shape, and the connection ends. */
function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const reason = malformed(error.code)
  const body = JSON.stringify(gatewayErrorBody(reason, NO_ORIGIN))
  const head = [
    `HTTP/1.1 ${reason.status} ${STATUS_CODES[reason.status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function malformed(code: string | undefined): GatewayError {
  if (code === 'HPE_HEADER_OVERFLOW') return new GatewayError('header_too_large', "the request's head is too large")
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new GatewayError('request_timeout', 'the request did not arrive in time')
  }
  return new GatewayError('invalid_request', `not a valid HTTP request (${code ?? 'unknown'})`)
}
