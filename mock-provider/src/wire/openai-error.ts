import { asciiJson } from '../completion.ts'
import type { ProviderError } from '../provider-error.ts'

/**
 * The body of an error as OpenAI sends it; types and codes as its API reports them.
 * Source: https://platform.openai.com/docs/guides/error-codes
 */
export function openAiError({ statusCode, message, param, code }: ProviderError): string {
  const [type, defaultCode] = kindOf(statusCode)
  return asciiJson({ error: { message, type, param, code: code ?? defaultCode } })
}

function kindOf(statusCode: number): [type: string, code: string | null] {
  if (statusCode === 401) return ['invalid_request_error', 'invalid_api_key']
  if (statusCode === 429) return ['requests', 'rate_limit_exceeded']
  return [statusCode < 500 ? 'invalid_request_error' : 'server_error', null]
}
