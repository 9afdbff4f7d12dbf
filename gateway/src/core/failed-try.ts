import {
  asGatewayError,
  type ErrorBody,
  type ErrorOrigin,
  GatewayError,
  gatewayErrorBody,
  providerErrorBody,
  streamErrorBody,
  upstreamError,
} from './errors.ts'
import { utf8AsLatin1 } from './latin1.ts'
import type { StreamFailure } from './providers/provider.ts'
import type { FailedAnswer, RequestContext } from './request-context.ts'
import { type Remedy, remedyFor } from './retry-policy.ts'
import type { StreamRelay } from './stream-relay.ts'

/** What a try came to when it was not a success. */
export interface FailedTry {
  status: number
  code: string
  body: ErrorBody
  remedy: Remedy
}

/** The gateway itself could not go on. What is no GatewayError is a defect of ours, and its text is nobody's business. */
export function gatewayFailure(context: RequestContext, error: unknown, remedy: Remedy = 'none'): FailedTry {
  const reason = asGatewayError(error)
  return { status: reason.status, code: reason.code, body: gatewayErrorBody(reason, originOf(context)), remedy }
}

/** The connection broke, or could not be opened. */
export function networkFailure(context: RequestContext, cause: Error): FailedTry {
  const error = upstreamError(context.route!.provider.name, cause)
  return gatewayFailure(context, error, error.code === 'upstream_invalid_response' ? 'none' : 'same_key')
}

/** The provider's answer is not a success. */
export function providerFailure(context: RequestContext): FailedTry {
  const { status } = context
  if (status < 400) return invalidAnswer(context, `${status}, which is neither a success nor an error`)
  const { clean } = context.route!.provider
  const body = providerErrorBody(status, context.answer.toString(), originOf(context), clean)
  return { status, code: body.error.code ?? body.error.type, body, remedy: remedyFor(status) }
}

/** The provider reported an error inside its stream. */
function streamFailure(context: RequestContext, failure: StreamFailure): FailedTry {
  const body = streamErrorBody(failure, originOf(context), context.route!.provider.clean)
  const { status } = failure
  return { status, code: body.error.code ?? body.error.type, body, remedy: remedyFor(status) }
}

/** What a stream's events have come to, if that is no success. */
export function relayFailure(context: RequestContext, { malformed, translator }: StreamRelay): FailedTry | undefined {
  if (malformed !== undefined) return invalidAnswer(context, '200 with a malformed event')
  return translator.failure === undefined ? undefined : streamFailure(context, translator.failure)
}

/** @param what it answered: follows "<provider> answered " */
export function invalidAnswer(context: RequestContext, what: string): FailedTry {
  const message = `${context.route!.provider.name} answered ${what}`
  return gatewayFailure(context, new GatewayError('upstream_invalid_response', message))
}

/** As the caller gets it. */
export function failedAnswer(
  { route, passedHeaders }: RequestContext,
  { status, code, body }: FailedTry,
): FailedAnswer {
  const headers = route === null ? [] : passedHeaders.map(route.provider.clean)
  return { status, code, reply: utf8AsLatin1(JSON.stringify(body)), passedHeaders: headers }
}

function originOf({ route, type }: RequestContext): ErrorOrigin {
  return { provider: route?.provider.name ?? '', model: route?.requested ?? '', requestType: type }
}
