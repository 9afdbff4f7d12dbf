import { isAscii } from 'node:buffer'

import { utf8AsLatin1 } from '../latin1.ts'
import { asObject } from './event-data.ts'
import { extraFieldsMember } from './extra-fields.ts'
import { OpenAiStream } from './openai-stream.ts'
import type {
  ChatRequest,
  EmbeddingRequest,
  ExtraFields,
  GatewayRequest,
  Operation,
  ParsedAnswer,
  ProviderAdapter,
} from './provider.ts'
import { tokens } from './tokens.ts'

interface Usage {
  prompt_tokens?: unknown
  completion_tokens?: unknown
}

/** Members of a request that are not parameters for the provider. `__proto__` would not become a member when set. */
const GATEWAYS_OWN = ['model', 'provider', 'fallbacks', '__proto__']

const NOT_CHAT_PARAMS = new Set([...GATEWAYS_OWN, 'messages'])
const NOT_EMBEDDING_PARAMS = new Set([...GATEWAYS_OWN, 'input'])

/** Chat completions as OpenAI defined them. */
export const openaiChat: Operation<ChatRequest> = {
  formatMessages: (request) => request.messages,
  prepareParams: (request) => paramsOf(request, NOT_CHAT_PARAMS),
  prepareBody: (model, messages, params) => ({ model, messages, ...params }),
  parseAnswer: parsedAnswer,
}

/** Embeddings as OpenAI defined them. */
export const openaiEmbeddings: Operation<EmbeddingRequest> = {
  formatMessages: (request) => request.input,
  prepareParams: (request) => paramsOf(request, NOT_EMBEDDING_PARAMS),
  prepareBody: (model, input, params) => ({ model, input, ...params }),
  parseAnswer: parsedAnswer,
}

/** OpenAI's own API, and everything that speaks it. */
export const openai: ProviderAdapter = {
  path: (type) => (type === 'embedding' ? '/v1/embeddings' : '/v1/chat/completions'),
  headers: (secret) => (secret === '' ? [] : [['authorization', `Bearer ${secret}`]]),
  chat: openaiChat,
  openStream: (request) => new OpenAiStream(request),
  embeddings: openaiEmbeddings,
}

function paramsOf(request: GatewayRequest, others: ReadonlySet<string>): Record<string, unknown> {
  // Not rest syntax, and not a copy with deletes: both cost several times as much.
  const params: Record<string, unknown> = {}
  for (const name of Object.keys(request)) {
    if (!others.has(name)) params[name] = request[name]
  }
  return params
}

function parsedAnswer(bytes: Buffer, extra: ExtraFields): ParsedAnswer {
  const text = bytes.toString('latin1')
  // ASCII is the same in both: decoded once, it serves for parsing and for passing on.
  const answer = asObject(JSON.parse(isAscii(bytes) ? text : bytes.toString()), 'the answer')
  const usage = answer.usage as Usage | null | undefined
  return {
    reply: withExtraFields(text, answer, extra),
    inputTokens: tokens(usage?.prompt_tokens),
    outputTokens: tokens(usage?.completion_tokens),
  }
}

/**
 * The answer is in the caller's shape already, so its bytes are kept and the extra fields spliced in before the last
 * brace: serialising 10 KB again costs more than everything else in this stage. The bytes have just been parsed, so
 * the last brace does close the object; a comma is right because the object has members.
 */
function withExtraFields(text: string, answer: object, extra: ExtraFields): string {
  const fields = extraFieldsMember(extra)
  if ('extra_fields' in answer || isEmpty(answer)) {
    return utf8AsLatin1(JSON.stringify({ ...answer, extra_fields: fields }))
  }
  return text.slice(0, text.lastIndexOf('}')) + utf8AsLatin1(`,"extra_fields":${JSON.stringify(fields)}}`)
}

function isEmpty(object: object): boolean {
  for (const _member in object) return false
  return true
}
