import { GatewayError } from './errors.ts'
import type { ChatRequest, EmbeddingRequest } from './providers/provider.ts'

/**
 * Checks what the gateway itself relies on; everything else is the provider's to judge.
 * @throws GatewayError `invalid_request`
 */
export function checkedChat(body: unknown): ChatRequest {
  const { messages } = checkedModel(body)
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new GatewayError('invalid_request', 'messages must be an array that is not empty')
  }
  return body as ChatRequest
}

/** @throws GatewayError `invalid_request` */
export function checkedEmbedding(body: unknown): EmbeddingRequest {
  const { input } = checkedModel(body)
  if (typeof input !== 'string' && !Array.isArray(input)) {
    throw new GatewayError('invalid_request', 'input must be a string or an array')
  }
  return body as EmbeddingRequest
}

function checkedModel(body: unknown): { messages?: unknown; input?: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new GatewayError('invalid_request', 'the body must be a JSON object')
  }
  const { model } = body as { model?: unknown }
  if (typeof model !== 'string' || model === '') {
    throw new GatewayError('invalid_request', 'model must be a string: provider/model')
  }
  return body
}
