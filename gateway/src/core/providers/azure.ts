import { GatewayError } from '../errors.ts'
import { openai, openaiChat, openaiEmbeddings } from './openai.ts'
import type { ProviderAdapter } from './provider.ts'

/** The latest that is not a preview. */
const DEFAULT_API_VERSION = '2024-10-21'

/**
 * Azure OpenAI: OpenAI's operations, at a path that names the deployment, with a header of its own for the key.
 * Source: https://learn.microsoft.com/en-us/azure/ai-services/openai/reference
 */
export const azure: ProviderAdapter = {
  path(type, deployment, { apiVersion = DEFAULT_API_VERSION }) {
    // Encoding leaves dots as they are, and a server would take these for a way up. Half a character has no encoding.
    if (!deployment.isWellFormed() || deployment === '.' || deployment === '..') {
      throw new GatewayError('invalid_request', `model must name a deployment, got "${deployment}"`)
    }
    const operation = type === 'embedding' ? 'embeddings' : 'chat/completions'
    const query = `api-version=${encodeURIComponent(apiVersion)}`
    return `/openai/deployments/${encodeURIComponent(deployment)}/${operation}?${query}`
  },
  headers: (secret) => (secret === '' ? [] : [['api-key', secret]]),
  chat: openaiChat,
  openStream: openai.openStream,
  embeddings: openaiEmbeddings,
}
