import { parseMessage } from './anthropic/answer.ts'
import { type Conversation, conversation } from './anthropic/messages.ts'
import { anthropicParams } from './anthropic/params.ts'
import { AnthropicStream } from './anthropic/stream.ts'
import type { ProviderAdapter } from './provider.ts'

/** The version of the protocol spoken here; newer ones are chosen by this header, not by the path. */
const ANTHROPIC_VERSION = ['anthropic-version', '2023-06-01'] as const

/**
 * Anthropic's Messages API. It has no embeddings.
 * @param nowMs ms since 1970, for the `created` that OpenAI's answers have and Anthropic's have not
 */
export function anthropicAdapter(nowMs: () => number): ProviderAdapter {
  const nowS = () => Math.floor(nowMs() / 1_000)
  return {
    path: () => '/v1/messages',
    headers: (secret) => (secret === '' ? [ANTHROPIC_VERSION] : [['x-api-key', secret], ANTHROPIC_VERSION]),
    chat: {
      formatMessages: (request) => conversation(request.messages),
      prepareParams: anthropicParams,
      prepareBody: (model, messages, params) => ({ model, ...(messages as Conversation), ...params }),
      parseAnswer: (bytes, extra) => parseMessage(bytes, extra, nowS()),
    },
    openStream: (request) => new AnthropicStream(request, nowS()),
  }
}

/** Anthropic's Messages API, on the system's clock. */
export const anthropic = anthropicAdapter(Date.now)
