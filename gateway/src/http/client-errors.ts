import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

import { GatewayError, gatewayErrorBody, NO_ORIGIN } from '../core/errors.ts'
import { contextOf } from './http-context.ts'

/** Who has been refused may read why for so long; a caller that holds the connection open then loses it. */
const LINGER_MS = 1_000

/** Connections on which nothing more is read, and answers are still owed for what was read before. */
const ending = new WeakSet<Socket>()

/**
 * What Node's parser refuses, or waited for too long, never becomes a request. It is answered in the gateway's own shape
 * and the connection ends; but not in the place of an answer that an earlier request on the connection is still owed.
 */
export function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (ending.has(socket)) return
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const open = openAnswer(socket)
  if (open?.req.complete) endAfter(open, socket)
  else if (open?.headersSent) socket.destroy()
  else {
    // What still comes of the request must not be served: it has its answer.
    if (open) contextOf(open.req)?.giveUp()
    refuse(malformed(error.code), socket)
  }
}

/** Node answers a connection's requests in order; this is the one whose turn it is. Not public, and nothing public tells. */
function openAnswer(socket: Socket): ServerResponse | null {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? null
}

function endAfter(owed: ServerResponse, socket: Socket): void {
  ending.add(socket)
  owed.once('close', () => {
    const next = openAnswer(socket)
    if (next?.req.complete) endAfter(next, socket)
    else socket.destroySoon()
  })
}

function refuse(reason: GatewayError, socket: Socket): void {
  const body = JSON.stringify(gatewayErrorBody(reason, NO_ORIGIN))
  const head = [
    `HTTP/1.1 ${reason.status} ${STATUS_CODES[reason.status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  // Not the socket's own timeout, which starts anew with every byte that still comes.
  const linger = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => {
    clearTimeout(linger)
  })
}

function malformed(code: string | undefined): GatewayError {
  if (code === 'HPE_HEADER_OVERFLOW') return new GatewayError('header_too_large', "the request's head is too large")
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new GatewayError('request_timeout', 'the request did not arrive in time')
  }
  return new GatewayError('invalid_request', `not a valid HTTP request (${code ?? 'unknown'})`)
}
