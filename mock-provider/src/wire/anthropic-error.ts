import { asciiJson } from '../completion.ts'
import type { ProviderError } from '../provider-error.ts'

const TYPES: Partial<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** The body of an error as Anthropic sends it. Source: https://platform.claude.com/docs/en/api/errors */
export function anthropicError({ statusCode, message }: ProviderError): string {
  const type = TYPES[statusCode] ?? (statusCode < 500 ? 'invalid_request_error' : 'api_error')
  return asciiJson({ type: 'error', error: { type, message }, request_id: 'req_mock' })
}
