import { isUtf8 } from 'node:buffer'
import { Transform } from 'node:stream'

import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify'

import { GatewayError } from '../core/errors.ts'

/** The routes of this instance take bodies. Whatever the content type says (curl's default says form data), it is JSON or an error. */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
}

/**
 * The routes of this instance, and those that nobody knows, take none: not a byte of one is read. The answer comes before
 * the body's end, and ends the connection.
 */
export function takeNoBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => {
    done(null)
  })
}

/** A body without an announced length is held piece by piece, as it arrives. For `preParsing`. */
export function holdAsItArrives(
  request: FastifyRequest,
  _reply: FastifyReply,
  payload: RequestPayload,
  done: (error: null, payload: RequestPayload) => void,
): void {
  const { context, headers } = request
  if (context === null || headers['transfer-encoding'] === undefined) {
    done(null, payload)
    return
  }
  const { bodyLimit } = request.routeOptions
  let receivedBytes = 0
  const counting = new Transform({
    transform(bytes: Buffer, _encoding, taken) {
      receivedBytes += bytes.length
      try {
        if (!context.isOf(request.raw)) {
          // It has been refused: what still comes is kept nowhere.
          taken()
          return
        }
        // Beyond the limit of one body it is refused for that.
        if (receivedBytes <= bodyLimit) context.pipeline.holdBody(context, receivedBytes)
        taken(null, bytes)
      } catch (error) {
        taken(error as Error)
      }
    },
  })
  // Once Fastify has refused the body it no longer listens, and the caller may still break off.
  counting.on('error', () => undefined)
  // Not `stream.pipeline`: that one would destroy the request with its socket, and the refusal could not be sent.
  payload.once('error', (error) => counting.destroy(error))
  done(null, payload.pipe(counting))
}

/** An answer that comes before the request's end: what is still to come would be read for nothing, or time out. */
export function leavesBodyUnread({ raw, headers }: FastifyRequest): boolean {
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
