import type { IncomingMessage, ServerResponse } from 'node:http'

import { DEFAULTS } from '../config-defaults.ts'
import type { Pipeline } from '../core/pipeline.ts'
import { RequestContext } from '../core/request-context.ts'
import { SLOT } from '../core/stage-clock.ts'
import { TIMING_REQUEST_HEADER } from '../core/stages.ts'
import { serverTiming } from './server-timing.ts'
import { limitUnread } from './unread-answer.ts'

const CONTEXT = Symbol('context')

type AttachedRequest = IncomingMessage & { [CONTEXT]?: HttpContext }

/** Who answers a request, as long as it is not answered or given up. */
export function contextOf(request: IncomingMessage): HttpContext | undefined {
  const context = (request as AttachedRequest)[CONTEXT]
  return context?.isOf(request) === true ? context : undefined
}

/** What a context needs to know of the server around it. */
export interface HttpSurroundings {
  /** Every answer closes its connection. */
  readonly draining: boolean
}

/** A request context that answers over HTTP and notices when its caller is gone. */
export class HttpContext extends RequestContext {
  private readonly surroundings: HttpSurroundings
  private readonly owner: () => Pipeline<HttpContext>
  /** Answer with `connection: close`: the rest of the request is not going to be read. */
  closeAfterAnswer = false
  /** The caller asked for the stages' times. */
  private timed = false
  // Node's own, not Fastify's: those around it can go while the provider thinks, and thousands of requests wait so.
  private response: ServerResponse | null = null

  /** @param owner the pipeline that makes this context, which is not there yet while it makes it */
  constructor(surroundings: HttpSurroundings, owner: () => Pipeline<HttpContext>) {
    super()
    this.surroundings = surroundings
    this.owner = owner
  }

  /** Where the request is being served: after a reload there is more than one. */
  get pipeline(): Pipeline<HttpContext> {
    return this.owner()
  }

  attach(request: IncomingMessage, response: ServerResponse): void {
    this.response = response
    // Never taken off again: `isOf` tells whether it still holds.
    ;(request as AttachedRequest)[CONTEXT] = this
    this.timed = request.headers[TIMING_REQUEST_HEADER] === '1'
    // The socket, not the request or the response: the former closes once its body is read, and a pipelined response
    // that has not reached the socket hears nothing of its end.
    request.socket.on('close', this.onClose)
  }

  /** False once the request has been given up, and the context is free or serves another. */
  isOf(request: IncomingMessage): boolean {
    return this.response?.req === request
  }

  /** The caller gets no answer from here. */
  giveUp(): void {
    const { response } = this
    if (response === null) return
    this.detach(response)
    this.pipeline.abandon(this)
  }

  override settled(): void {
    const { response } = this
    if (response === null) return
    this.detach(response)
    if (this.streamBegun) this.endStream(response)
    else this.answerWhole(response)
    limitUnread(response, this.route?.provider.config.network.streamIdleTimeoutMs ?? DEFAULTS.streamIdleTimeoutMs)
  }

  override streamStarted(): void {
    const { response } = this
    if (response === null) return
    response.on('drain', this.onDrain)
    const headers = ['content-type', 'text/event-stream', 'cache-control', 'no-cache', ...this.passedHeaders]
    if (this.timed) {
      headers.push('server-timing', serverTiming(this.clock.ns, this.clock.totalNs))
      // HTTP/1.0 has no trailers, and node throws on one that is announced without chunks.
      if (response.useChunkedEncodingByDefault) headers.push('trailer', 'server-timing')
    }
    if (this.closeAfterAnswer || this.surroundings.draining) headers.push('connection', 'close')
    response.writeHead(200, headers)
  }

  override streamed(events: string): boolean {
    return this.response?.write(events, 'latin1') ?? true
  }

  override cutOff(): void {
    const { response } = this
    if (response === null) return
    this.detach(response)
    response.destroy()
  }

  override reset(): void {
    super.reset()
    this.closeAfterAnswer = false
    this.timed = false
    this.response = null
  }

  private answerWhole(response: ServerResponse): void {
    const { status, reply } = this
    const headers = ['content-type', 'application/json', 'content-length', String(reply.length), ...this.passedHeaders]
    if (this.timed) headers.push('server-timing', this.timing())
    if (this.closeAfterAnswer || this.surroundings.draining) headers.push('connection', 'close')
    response.writeHead(status, headers)
    response.end(reply, 'latin1')
  }

  private endStream(response: ServerResponse): void {
    if (this.timed) response.addTrailers({ 'server-timing': this.timing() })
    response.end()
  }

  private timing(): string {
    this.clock.lap(SLOT.response_sending)
    return serverTiming(this.clock.ns, this.clock.totalNs)
  }

  /** Nothing that happens to the response from here on concerns this context, which will serve another request. */
  private detach(response: ServerResponse): void {
    response.req.socket.removeListener('close', this.onClose)
    response.removeListener('drain', this.onDrain)
  }

  private readonly onClose = (): void => {
    this.giveUp()
  }

  private readonly onDrain = (): void => {
    this.pipeline.resume(this)
  }
}
