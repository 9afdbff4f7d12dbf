import type { IncomingMessage, ServerResponse } from 'node:http'

import { RequestContext } from '../core/request-context.ts'
import { SLOT } from '../core/stage-clock.ts'
import { TIMING_REQUEST_HEADER } from '../core/stages.ts'
import { serverTiming } from './server-timing.ts'

/** A request context that answers over HTTP and notices when its caller is gone. */
export class HttpContext extends RequestContext {
  /** Answer with `connection: close`: the rest of the request is not going to be read. */
  closeAfterAnswer = false
  private readonly gone: (context: HttpContext) => void
  /** The caller asked for the stages' times. */
  private timed = false
  // Node's own, not Fastify's: those around it can go while the provider thinks, and thousands of requests wait so.
  private response: ServerResponse | null = null

  constructor(gone: (context: HttpContext) => void) {
    super()
    this.gone = gone
  }

  attach(request: IncomingMessage, response: ServerResponse): void {
    this.response = response
    this.timed = request.headers[TIMING_REQUEST_HEADER] === '1'
    // The socket, not the request or the response: the former closes once its body is read, and a pipelined response
    // that has not reached the socket hears nothing of its end.
    request.socket.on('close', this.onClose)
  }

  override settled(): void {
    const { response, status, reply } = this
    if (response === null) return
    response.req.socket.removeListener('close', this.onClose)
    const headers = ['content-type', 'application/json', 'content-length', String(reply.length), ...this.passedHeaders]
    if (this.timed) {
      this.clock.lap(SLOT.response_sending)
      headers.push('server-timing', serverTiming(this.clock.ns, this.clock.totalNs))
    }
    if (this.closeAfterAnswer) headers.push('connection', 'close')
    response.writeHead(status, headers)
    response.end(reply, 'latin1')
  }

  override reset(): void {
    super.reset()
    this.closeAfterAnswer = false
    this.timed = false
    this.response = null
  }

  private readonly onClose = (): void => {
    this.gone(this)
  }
}
