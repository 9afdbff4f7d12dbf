import { GatewayError } from './errors.ts'
import type { ChatRequest } from './providers/provider.ts'

/**
 * Checks what the gateway itself relies on; everything else is the provider's to judge.
 * @throws GatewayError `invalid_request` or `stream_not_supported`
 */
export function checkedRequest(body: unknown): ChatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new GatewayError('invalid_request', 'the body must be a JSON object')
  }
  const { model, messages, stream } = body as { model?: unknown; messages?: unknown; stream?: unknown }
  if (typeof model !== 'string' || model === '') {
    throw new GatewayError('invalid_request', 'model must be a string: provider/model')
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new GatewayError('invalid_request', 'messages must be an array that is not empty')
  }
  if (stream === true) throw new GatewayError('stream_not_supported', 'stream: true is not supported yet')
  return body as ChatRequest
}
