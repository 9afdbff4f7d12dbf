import { isAscii } from 'node:buffer'

import { utf8AsLatin1 } from '../latin1.ts'
import type { ChatRequest, ExtraFields, ParsedAnswer, ProviderAdapter } from './provider.ts'

interface Completion {
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null
  extra_fields?: unknown
}

/** Members of a request that are not parameters for the provider. `__proto__` would not become a member when set. */
const GATEWAYS_OWN = new Set(['model', 'messages', 'provider', 'fallbacks', '__proto__'])

/** OpenAI's own API, and everything that speaks it. */
export const openai: ProviderAdapter = {
  chatPath: '/v1/chat/completions',

  authHeader: (secret) => ['authorization', `Bearer ${secret}`],

  formatMessages: (request: ChatRequest) => request.messages,

  prepareParams(request: ChatRequest) {
    // Not rest syntax, and not a copy with deletes: both cost several times as much.
    const params: Record<string, unknown> = {}
    for (const name of Object.keys(request)) {
      if (!GATEWAYS_OWN.has(name)) params[name] = request[name]
    }
    return params
  },

  prepareBody: (model, messages, params) => ({ model, messages, ...params }),

  marshal: (body) => JSON.stringify(body),

  parseAnswer(bytes: Buffer, extra: ExtraFields): ParsedAnswer {
    const text = bytes.toString('latin1')
    // ASCII is the same in both: decoded once, it serves for parsing and for passing on.
    const completion: unknown = JSON.parse(isAscii(bytes) ? text : bytes.toString())
    if (typeof completion !== 'object' || completion === null || Array.isArray(completion)) {
      throw new SyntaxError('the answer is not a JSON object')
    }
    const usage = (completion as Completion).usage
    return {
      reply: withExtraFields(text, completion, extra),
      inputTokens: tokens(usage?.prompt_tokens),
      outputTokens: tokens(usage?.completion_tokens),
    }
  },
}

function tokens(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}

/**
 * The answer is in the caller's shape already, so its bytes are kept and the extra fields spliced in before the last
 * brace: serialising 10 KB again costs more than everything else in this stage. The bytes have just been parsed, so
 * the last brace does close the object; a comma is right because the object has members.
 */
function withExtraFields(text: string, completion: object, extra: ExtraFields): string {
  const fields = {
    provider: extra.provider,
    resolved_model: extra.resolvedModel,
    request_type: extra.requestType,
    latency: extra.latencyMs,
  }
  if ('extra_fields' in completion || isEmpty(completion)) {
    return utf8AsLatin1(JSON.stringify({ ...completion, extra_fields: fields }))
  }
  return text.slice(0, text.lastIndexOf('}')) + utf8AsLatin1(`,"extra_fields":${JSON.stringify(fields)}}`)
}

function isEmpty(object: object): boolean {
  for (const _member in object) return false
  return true
}
