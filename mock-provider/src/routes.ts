import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answers, Wire } from './answers.ts'
import type { MockConfig } from './config.ts'
import { MOCK_FAULT_HEADER, parseFault } from './fault-model.ts'
import { bearerKey, KeyPolicy } from './keys.ts'
import { badRequest, ProviderError } from './provider-error.ts'
import { anthropicError } from './wire/anthropic-error.ts'
import { MessagesWire, readAnthropicKey, readMessagesRequest } from './wire/anthropic-messages.ts'
import { azureError, readAzureKey } from './wire/azure.ts'
import { ChatWire, readChatRequest } from './wire/openai-chat.ts'
import { embeddingsWire, readEmbeddingsRequest } from './wire/openai-embeddings.ts'
import { openAiError } from './wire/openai-error.ts'
import { listModels, retrieveModel } from './wire/openai-models.ts'
import type { Fields } from './wire/request-fields.ts'

/** A request's body, and when the last byte of it was read. */
export interface ReceivedBody {
  fields: Fields
  bodyChars: number
  receivedNs: number
}

interface Post {
  Body: ReceivedBody | undefined
  Params: { deployment: string }
  Querystring: { 'api-version'?: unknown }
}
type PostRequest = FastifyRequest<Post>

/** One endpoint: who may use it, what it reads of a request, how it answers. */
interface Endpoint<Request> {
  /** The caller's API key. @throws {ProviderError} when the provider would not do without */
  key: (request: PostRequest) => string | undefined
  /** @throws {ProviderError} 400 */
  read: (body: ReceivedBody, request: PostRequest) => Request
  wire: Wire<Request>
}

/** Every path that the mock answers, for messages about those that it does not. */
export const PATHS =
  'POST /v1/chat/completions, /v1/embeddings, /v1/messages, /openai/deployments/:deployment/chat/completions and .../embeddings, GET /v1/models, /v1/models/:id and /health'

/** All dialects' routes, each with errors in the shape of its provider. */
export function addRoutes(app: FastifyInstance, config: MockConfig, answers: Answers): void {
  const keys = new KeyPolicy(config)
  const chat = new ChatWire(config)
  const messages = new MessagesWire(config)

  const post = <Request>(scope: FastifyInstance, path: string, { key, read, wire }: Endpoint<Request>) => {
    scope.post<Post>(path, (request, reply) => {
      keys.check(key(request))
      const { body } = request
      if (!body) throw badRequest('the request has no body')
      const parsed = read(body, request)
      const faultText = request.headers[MOCK_FAULT_HEADER]
      const fault = typeof faultText === 'string' ? parseFault(faultText) : undefined
      reply.hijack()
      // The parsed body would live as long as its answer waits.
      request.body = undefined
      answers.give({ wire, request: parsed, response: reply.raw, receivedNs: body.receivedNs, fault })
    })
  }

  // Where any key goes, none needs to be read.
  const openAiKey = (request: { headers: IncomingHttpHeaders }) =>
    keys.isActive ? bearerKey(request.headers.authorization) : undefined
  post(app, '/v1/chat/completions', {
    key: openAiKey,
    read: ({ fields, bodyChars }) => readChatRequest(fields, bodyChars, chat.modelRoomBytes),
    wire: chat,
  })
  post(app, '/v1/embeddings', {
    key: openAiKey,
    read: ({ fields }) => readEmbeddingsRequest(fields),
    wire: embeddingsWire,
  })
  app.get('/v1/models', (request) => {
    keys.check(openAiKey(request))
    return listModels()
  })
  app.get<{ Params: { id: string } }>('/v1/models/:id', (request) => {
    keys.check(openAiKey(request))
    return retrieveModel(request.params.id)
  })
  app.setErrorHandler(errorHandler(openAiError))

  void app.register((azure, _options, done) => {
    const key = ({ headers, query }: PostRequest) => readAzureKey(headers, query)
    // A deployment stands for a model: the body need not name one.
    const withModel = ({ fields }: ReceivedBody, { params }: PostRequest) => ({ model: params.deployment, ...fields })
    post(azure, '/openai/deployments/:deployment/chat/completions', {
      key,
      read: (body, request) => readChatRequest(withModel(body, request), body.bodyChars, chat.modelRoomBytes),
      wire: new ChatWire(config, azureError),
    })
    post(azure, '/openai/deployments/:deployment/embeddings', {
      key,
      read: (body, request) => readEmbeddingsRequest(withModel(body, request)),
      wire: { ...embeddingsWire, error: azureError },
    })
    azure.setErrorHandler(errorHandler(azureError))
    done()
  })

  void app.register((anthropic, _options, done) => {
    post(anthropic, '/v1/messages', {
      key: ({ headers }) => readAnthropicKey(headers),
      read: ({ fields, bodyChars }) => readMessagesRequest(fields, bodyChars, messages.modelRoomBytes),
      wire: messages,
    })
    anthropic.setErrorHandler(errorHandler(anthropicError))
    done()
  })
}

/** Turns whatever went wrong, Fastify's own refusals included, into a dialect's error. */
function errorHandler(errorJson: (error: ProviderError) => string) {
  return (error: Error & { statusCode?: number }, _request: FastifyRequest, reply: FastifyReply) => {
    const failure = error instanceof ProviderError ? error : new ProviderError(error.statusCode ?? 500, error.message)
    if (failure.retryAfterSec !== undefined) void reply.header('retry-after', failure.retryAfterSec)
    return reply.code(failure.statusCode).type('application/json').send(errorJson(failure))
  }
}
