import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answers } from './answers.ts'
import type { Behaviour } from './behaviour.ts'
import type { Control, StrictMode } from './control.ts'
import { DIALECTS } from './dialects.ts'
import type { Endpoint, ReceivedBody } from './endpoint.ts'
import { MOCK_FAULT_HEADER, parseFault } from './fault-model.ts'
import { bearerKey } from './keys.ts'
import type { KeyLabels } from './key-labels.ts'
import { badRequest, ProviderError } from './provider-error.ts'
import { rateLimitHeaders, retryAfterSec } from './rate-limits.ts'
import { checkRequest } from './strict-check.ts'
import { isWrong } from './strict-violation.ts'
import type { Tally } from './tally.ts'
import { openAiError } from './wire/openai-error.ts'
import { listModels, retrieveModel } from './wire/openai-models.ts'
import type { DialectErrors, RawHeaders, WireRequest } from './wire/wire.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The label under which the API key of the request is counted. */
    keyLabel: string
  }
}

interface Post {
  Body: ReceivedBody | undefined
  Params: Partial<Record<string, string>>
  Querystring: Partial<Record<string, unknown>>
}
type PostRequest = FastifyRequest<Post>

/** What answers requests. */
export interface Service {
  control: Control
  answers: Answers
  labels: KeyLabels
  tally: Tally
}

/** Every path that the mock answers, for messages about those that it does not. */
function pathsOf(): string {
  const posts: string[] = []
  for (const { eachEndpoint } of DIALECTS) eachEndpoint(({ path }) => posts.push(path))
  return `POST ${posts.join(', ')}; GET /v1/models, /v1/models/:id, /health, /metrics, /admin/config and /admin/strict; POST /admin/config`
}

/** All dialects' routes, each with errors in the shape of its provider. */
export function addRoutes(app: FastifyInstance, service: Service): void {
  app.decorateRequest('keyLabel', 'none')
  app.setNotFoundHandler(unknownPath(service))
  for (const { errors, eachEndpoint } of DIALECTS) {
    void app.register((scope, _options, done) => {
      eachEndpoint((endpoint) => {
        scope.post<Post>(endpoint.path, (request, reply) => {
          answer(endpoint, service, request, reply)
        })
      })
      scope.setErrorHandler(errorHandler(errors, service.tally))
      done()
    })
  }
  void app.register((scope, _options, done) => {
    const check = (request: FastifyRequest) => {
      service.control.running.keyPolicy.check(bearerKey(request.headers.authorization))
    }
    scope.get('/v1/models', (request) => {
      check(request)
      return listModels()
    })
    scope.get<{ Params: { id: string } }>('/v1/models/:id', (request) => {
      check(request)
      return retrieveModel(request.params.id)
    })
    scope.setErrorHandler(errorHandler({ error: openAiError }, undefined))
    done()
  })
}

/** A 404 that names the paths there are. In strict mode, a request that went to the wrong one. */
function unknownPath({ control, tally }: Service) {
  return (request: FastifyRequest, reply: FastifyReply) => {
    const { strict } = control.running
    if (strict && request.method === 'POST') {
      const arrived = { path: pathOf(request), headers: request.headers, body: {}, key: undefined }
      // Of what else would be wrong nothing is known: the body has not been read.
      const violations = checkRequest(strict.expected, arrived).filter(({ kind }) => kind === 'wrong_path')
      if (violations.length > 0) strict.tally.add(violations, undefined)
    }
    const message = `Unknown request URL: ${request.method} ${request.url}. The mock answers ${pathsOf()}.`
    if (request.method === 'POST') tally.answered(request.keyLabel, 404)
    return reply
      .code(404)
      .type('application/json')
      .send(openAiError(new ProviderError(404, message)))
  }
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? ''
}

/**
 * Decides the answer to a request, and leaves it to be given at its time.
 * @throws {ProviderError} where the answer is a refusal, at once
 */
function answer<Request extends WireRequest>(
  { key: keyOf, read, wire, limitHeaders }: Endpoint<Request>,
  { control, answers, labels }: Service,
  request: PostRequest,
  reply: FastifyReply,
): void {
  const { behaviours, keyPolicy, strict } = control.running
  const { body } = request
  let key: string | undefined
  try {
    key = keyOf(request)
  } catch (error) {
    // A key or header that was lost on the way: what strict mode is there to count.
    if (strict && body) checkStrictly(strict, request, body, undefined)
    throw error
  }
  const keyLabel = labels.labelOf(key)
  request.keyLabel = keyLabel
  keyPolicy.check(key)
  if (!body) throw badRequest('the request has no body')
  if (strict) checkStrictly(strict, request, body, key)
  const parsed = read(body, request)
  const behaviour = behaviours.of(key, parsed.model)
  const { receivedNs } = body
  const faultText = request.headers[MOCK_FAULT_HEADER]
  const asked = typeof faultText === 'string' ? parseFault(faultText) : undefined
  const plan = answers.plan({ wire, request: parsed, receivedNs }, behaviour, asked, (answerTokens) => {
    const { limits } = behaviour
    return limits && admit(limits, key, parsed.promptTokens + answerTokens, receivedNs, limitHeaders, reply)
  })
  reply.hijack()
  // The parsed body would live as long as its answer waits.
  request.body = undefined
  answers.give({ wire, request: parsed, response: reply.raw, keyLabel, receivedNs }, plan)
}

/** @throws {ProviderError} 429 */
function admit(
  limits: NonNullable<Behaviour['limits']>,
  key: string | undefined,
  tokens: number,
  nowNs: number,
  limitHeaders: Endpoint['limitHeaders'],
  reply: FastifyReply,
): RawHeaders {
  const admission = limits.admit(key, tokens, nowNs)
  const headers = rateLimitHeaders(limitHeaders ?? 'none', admission, Date.now())
  if (admission.ok) return Object.entries(headers).flat()
  void reply.headers(headers)
  const limit = admission[admission.limit]
  throw new ProviderError(
    429,
    `rate limit reached: this API key may use ${limit?.limit ?? 0} ${admission.limit} a minute`,
    { retryAfterSec: retryAfterSec(admission) ?? null },
  )
}

/** @throws {ProviderError} 400 when wrong requests are to be refused, and this one is */
function checkStrictly(
  { expected, refuse, tally }: StrictMode,
  request: PostRequest,
  { fields }: ReceivedBody,
  key: string | undefined,
): void {
  const violations = checkRequest(expected, { path: pathOf(request), headers: request.headers, body: fields, key })
  tally.add(violations, key)
  if (!refuse || !isWrong(violations)) return
  throw badRequest(`strict: ${violations.map(({ kind, at, problem }) => `${kind} ${at}: ${problem}`).join('; ')}`)
}

/**
 * Turns whatever went wrong, Fastify's own refusals included, into a dialect's error.
 * @param tally counts it; undefined where successes are not counted either
 */
function errorHandler({ error: errorJson, errorHead }: DialectErrors, tally: Tally | undefined) {
  return (error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply) => {
    const failure = error instanceof ProviderError ? error : new ProviderError(error.statusCode ?? 500, error.message)
    tally?.answered(request.keyLabel, failure.statusCode)
    if (failure.retryAfterSec !== undefined) void reply.header('retry-after', failure.retryAfterSec)
    const head = errorHead?.(failure) ?? []
    for (let at = 0; at < head.length; at += 2) void reply.header(head[at]!, head[at + 1])
    return reply.code(failure.statusCode).type('application/json').send(errorJson(failure))
  }
}
