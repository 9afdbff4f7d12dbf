import type { ChatRequest, ExtraFields, ParsedAnswer, ProviderAdapter } from './provider.ts'

interface Completion {
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null
  extra_fields?: unknown
}

const CLOSING_BRACE = 0x7d

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
    const completion: unknown = JSON.parse(bytes.toString())
    if (typeof completion !== 'object' || completion === null || Array.isArray(completion)) {
      throw new SyntaxError('the answer is not a JSON object')
    }
    const usage = (completion as Completion).usage
    return {
      bytes: withExtraFields(bytes, completion, extra),
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
function withExtraFields(bytes: Buffer, completion: object, extra: ExtraFields): Buffer {
  const fields = {
    provider: extra.provider,
    resolved_model: extra.resolvedModel,
    request_type: extra.requestType,
    latency: extra.latencyMs,
  }
  if ('extra_fields' in completion || isEmpty(completion)) {
    return Buffer.from(JSON.stringify({ ...completion, extra_fields: fields }))
  }
  const end = bytes.lastIndexOf(CLOSING_BRACE)
  const tail = `,"extra_fields":${JSON.stringify(fields)}}`
  const spliced = Buffer.allocUnsafe(end + Buffer.byteLength(tail))
  bytes.copy(spliced, 0, 0, end)
  spliced.write(tail, end)
  return spliced
}

function isEmpty(object: object): boolean {
  for (const _member in object) return false
  return true
}
