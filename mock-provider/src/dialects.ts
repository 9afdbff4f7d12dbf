import type { Endpoint, ReceivedBody, RequestEnvelope } from './endpoint.ts'
import { bearerKey } from './keys.ts'
import { anthropicError } from './wire/anthropic-error.ts'
import { messagesWire, readAnthropicKey, readMessagesRequest } from './wire/anthropic-messages.ts'
import { azureError, readAzureKey } from './wire/azure.ts'
import { converseWire, readBedrockKey, readConverseRequest, type ConverseRequest } from './wire/bedrock-converse.ts'
import { bedrockError, bedrockErrorHead } from './wire/bedrock-error.ts'
import { geminiError } from './wire/gemini-error.ts'
import { readGeminiCall, readGeminiKey, readGeminiRequest } from './wire/gemini-request.ts'
import { geminiWire } from './wire/gemini.ts'
import { ChatWire, readChatRequest } from './wire/openai-chat.ts'
import { embeddingsWire, readEmbeddingsRequest } from './wire/openai-embeddings.ts'
import { openAiError } from './wire/openai-error.ts'
import { readResponsesRequest, responsesWire } from './wire/openai-responses.ts'
import type { DialectErrors, WireRequest } from './wire/wire.ts'

/** The endpoints of one provider, whose errors have one shape. */
export interface Dialect {
  errors: DialectErrors
  /** Hands over each endpoint: their requests are of different kinds. */
  eachEndpoint: (add: <Request extends WireRequest>(endpoint: Endpoint<Request>) => void) => void
}

const openAiKey = ({ headers }: RequestEnvelope) => bearerKey(headers.authorization)

const OPENAI: Dialect = {
  errors: { error: openAiError },
  eachEndpoint(add) {
    const common = { key: openAiKey, limitHeaders: 'openai' as const }
    add({
      ...common,
      path: '/v1/chat/completions',
      read: ({ fields, bodyChars }) => readChatRequest(fields, bodyChars),
      wire: new ChatWire(),
    })
    add({
      ...common,
      path: '/v1/responses',
      read: ({ fields, bodyChars }) => readResponsesRequest(fields, bodyChars),
      wire: responsesWire,
    })
    add({
      ...common,
      path: '/v1/embeddings',
      read: ({ fields }) => readEmbeddingsRequest(fields),
      wire: embeddingsWire,
    })
  },
}

const AZURE: Dialect = {
  errors: { error: azureError },
  eachEndpoint(add) {
    const common = {
      key: ({ headers, query }: RequestEnvelope) => readAzureKey(headers, query),
      limitHeaders: 'openai' as const,
    }
    // A deployment stands for a model: the body need not name one.
    const withModel = ({ fields }: ReceivedBody, { params }: RequestEnvelope) => ({
      model: params.deployment,
      ...fields,
    })
    add({
      ...common,
      path: '/openai/deployments/:deployment/chat/completions',
      read: (body, envelope) => readChatRequest(withModel(body, envelope), body.bodyChars),
      wire: new ChatWire(azureError),
    })
    add({
      ...common,
      path: '/openai/deployments/:deployment/embeddings',
      read: (body, envelope) => readEmbeddingsRequest(withModel(body, envelope)),
      wire: { ...embeddingsWire, error: azureError },
    })
  },
}

const ANTHROPIC: Dialect = {
  errors: { error: anthropicError },
  eachEndpoint(add) {
    add({
      path: '/v1/messages',
      key: ({ headers }) => readAnthropicKey(headers),
      limitHeaders: 'anthropic',
      read: ({ fields, bodyChars }) => readMessagesRequest(fields, bodyChars),
      wire: messagesWire,
    })
  },
}

const GEMINI: Dialect = {
  errors: { error: geminiError },
  eachEndpoint(add) {
    // Both versions, as its clients ask for either. The last part is a model and a method: gemini-2.5-flash:generateContent.
    for (const path of ['/v1beta/models/:call', '/v1/models/:call']) {
      add({
        path,
        key: ({ headers, query }) => readGeminiKey(headers, query),
        read: ({ fields, bodyChars }, { params, query }) =>
          readGeminiRequest(fields, bodyChars, readGeminiCall(params.call ?? ''), query.alt === 'sse'),
        wire: geminiWire,
      })
    }
  },
}

const BEDROCK: Dialect = {
  errors: { error: bedrockError, errorHead: bedrockErrorHead },
  eachEndpoint(add) {
    const endpoint = (path: string, stream: boolean): Endpoint<ConverseRequest> => ({
      path,
      key: ({ headers }) => readBedrockKey(headers),
      read: ({ fields, bodyChars }, { params }) => readConverseRequest(fields, bodyChars, params.modelId ?? '', stream),
      wire: converseWire,
    })
    add(endpoint('/model/:modelId/converse', false))
    add(endpoint('/model/:modelId/converse-stream', true))
  },
}

/** Every dialect that the mock speaks. */
export const DIALECTS: readonly Dialect[] = [OPENAI, AZURE, ANTHROPIC, GEMINI, BEDROCK]
