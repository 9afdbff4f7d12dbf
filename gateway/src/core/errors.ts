import { HttpSyntaxError } from '../http1/response-parser.ts'
import type { RequestType, StreamFailure } from './providers/provider.ts'
import { AnswerTooLargeError, ContentCodingError } from './upstream-errors.ts'

/** Stable codes of everything that can go wrong in the gateway itself, with the status and type that callers see. */
export const GATEWAY_ERRORS = {
  invalid_json: { status: 400, type: 'invalid_request_error' },
  invalid_request: { status: 400, type: 'invalid_request_error' },
  not_supported: { status: 400, type: 'invalid_request_error' },
  unknown_provider: { status: 400, type: 'invalid_request_error' },
  unknown_model: { status: 400, type: 'invalid_request_error' },
  ambiguous_model: { status: 400, type: 'invalid_request_error' },
  no_key: { status: 400, type: 'invalid_request_error' },
  invalid_api_key: { status: 401, type: 'authentication_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  route_not_found: { status: 404, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  body_too_large: { status: 413, type: 'invalid_request_error' },
  header_too_large: { status: 431, type: 'invalid_request_error' },
  caller_gone: { status: 499, type: 'caller_gone' },
  internal_error: { status: 500, type: 'gateway_error' },
  upstream_refused: { status: 502, type: 'upstream_error' },
  upstream_reset: { status: 502, type: 'upstream_error' },
  upstream_invalid_response: { status: 502, type: 'upstream_error' },
  upstream_credentials_exhausted: { status: 502, type: 'upstream_error' },
  queue_full: { status: 503, type: 'request_dropped' },
  waiting_bodies_full: { status: 503, type: 'request_dropped' },
  shutting_down: { status: 503, type: 'gateway_error' },
  upstream_timeout: { status: 504, type: 'upstream_timeout' },
  queue_timeout: { status: 504, type: 'queue_timeout' },
  stream_idle_timeout: { status: 504, type: 'upstream_timeout' },
} as const

export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS

/** A request that the gateway could not serve; `code` is stable, `status` and `type` follow from it. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode
  readonly status: number
  readonly type: string

  constructor(code: GatewayErrorCode, message: string) {
    super(message)
    this.name = 'GatewayError'
    this.code = code
    this.status = GATEWAY_ERRORS[code].status
    this.type = GATEWAY_ERRORS[code].type
  }
}

/** What a caller is told of anything that was thrown while its request was prepared. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  // JSON.parse knows no depth, JSON.stringify and the translators end where the stack does.
  if (error instanceof RangeError && error.message.includes('call stack')) {
    return new GatewayError('invalid_request', 'the body is nested too deeply')
  }
  return new GatewayError('internal_error', 'internal error')
}

/** Who was asked for what; empty strings where the request did not get that far. */
export interface ErrorOrigin {
  provider: string
  model: string
  requestType: RequestType | ''
}

/** Of a refusal that concerns no request of a known kind. */
export const NO_ORIGIN: ErrorOrigin = { provider: '', model: '', requestType: '' }

/** Body of every answer that is not a success. */
export interface ErrorBody {
  /** False when the provider itself answered with the error. */
  is_gateway_error: boolean
  status_code: number
  /** `param`: the request's member that the provider did not like, where it says so. */
  error: { type: string; code: string | null; message: string; param?: string }
  extra_fields: { provider: string; model_requested: string; request_type: string }
}

export function gatewayErrorBody(error: GatewayError, origin: ErrorOrigin): ErrorBody {
  return {
    is_gateway_error: true,
    status_code: error.status,
    error: { type: error.type, code: error.code, message: error.message },
    extra_fields: extraFields(origin),
  }
}

/**
 * A provider's own error in the gateway's shape: its type, code, message and param are kept where its body has them
 * (`{"error": {...}}` or `{"error": "text"}`); anything else becomes the message, cut to 1,000 characters.
 * @param clean takes secrets out of a text: some providers repeat the key that they did not like
 */
export function providerErrorBody(
  status: number,
  text: string,
  origin: ErrorOrigin,
  clean: (text: string) => string,
): ErrorBody {
  const told = errorMember(text, clean)
  const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? clean(value) : undefined)
  const param = textOf(told.param)
  return {
    is_gateway_error: false,
    status_code: status,
    error: {
      type: textOf(told.type) ?? 'provider_error',
      code: typeof told.code === 'number' ? String(told.code) : (textOf(told.code) ?? null),
      message: textOf(told.message) ?? `${origin.provider} answered ${status}`,
      ...(param !== undefined && { param }),
    },
    extra_fields: extraFields(origin),
  }
}

/** A provider's error that came inside a stream, in the same shape. */
export function streamErrorBody(
  { status, type, code, message }: StreamFailure,
  origin: ErrorOrigin,
  clean: (text: string) => string,
): ErrorBody {
  return {
    is_gateway_error: false,
    status_code: status,
    error: { type: clean(type), code: code === null ? null : clean(code), message: clean(message) },
    extra_fields: extraFields(origin),
  }
}

function extraFields(origin: ErrorOrigin): ErrorBody['extra_fields'] {
  return { provider: origin.provider, model_requested: origin.model, request_type: origin.requestType }
}

function errorMember(
  text: string,
  clean: (text: string) => string,
): { type?: unknown; code?: unknown; message?: unknown; param?: unknown } {
  const MAX_TEXT_CHARACTERS = 1_000
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return text.trim() === '' ? {} : { message: clean(text).slice(0, MAX_TEXT_CHARACTERS) }
  }
  if (typeof body !== 'object' || body === null || !('error' in body)) return {}
  if (typeof body.error === 'string') return { message: body.error }
  return typeof body.error === 'object' && body.error !== null ? body.error : {}
}

const TIMEOUT_CODES = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EMFILE'])

/** What a failed connection means for the request that was on it. */
export function upstreamError(provider: string, cause: Error): GatewayError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
  if (TIMEOUT_CODES.has(code))
    return new GatewayError('upstream_timeout', `${provider} did not answer in time (${code})`)
  if (UNREACHABLE_CODES.has(code)) {
    return new GatewayError('upstream_refused', `no connection to ${provider} could be opened (${code})`)
  }
  if (cause instanceof AnswerTooLargeError || cause instanceof ContentCodingError) {
    return new GatewayError('upstream_invalid_response', `${provider}: ${cause.message}`)
  }
  if (cause instanceof HttpSyntaxError) {
    return new GatewayError('upstream_invalid_response', `${provider} did not answer in HTTP/1.1 (${code})`)
  }
  return new GatewayError(
    'upstream_reset',
    `the connection to ${provider} broke before the answer was complete (${code})`,
  )
}
