import { asciiJson } from '../completion.ts'
import type { ProviderError } from '../provider-error.ts'

/** HTTP status to the name of its code. Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const STATUSES: Partial<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** The body of an error as Gemini sends it. Source: https://ai.google.dev/gemini-api/docs/troubleshooting */
export function geminiError({ statusCode, message }: ProviderError): string {
  const status = STATUSES[statusCode] ?? (statusCode < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  return asciiJson({ error: { code: statusCode, message, status } })
}
