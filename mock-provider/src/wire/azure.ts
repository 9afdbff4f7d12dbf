import { asciiJson } from '../completion.ts'
import { bearerKey } from '../keys.ts'
import { ProviderError } from '../provider-error.ts'

/**
 * What Azure asks of a request besides OpenAI's dialect: a key in `api-key` (or a token as Bearer) and the query
 * parameter `api-version`. Source: https://learn.microsoft.com/azure/ai-services/openai/reference
 * @returns the key
 * @throws {ProviderError} 401 without a key, 400 without a version
 */
export function readAzureKey(headers: Record<string, unknown>, query: { 'api-version'?: unknown }): string {
  const { 'api-key': apiKey, authorization } = headers
  const key = typeof apiKey === 'string' && apiKey !== '' ? apiKey : bearerKey(authorization as string | undefined)
  if (key === undefined) {
    throw new ProviderError(401, 'no key was given; send it in the header api-key', { code: '401' })
  }
  const version = query['api-version']
  if (typeof version === 'string' && version !== '') return key
  throw new ProviderError(400, 'the query parameter api-version is missing; write ?api-version=2024-10-21', {
    param: 'api-version',
    code: 'MissingApiVersionParameter',
  })
}

/** The body of an error as Azure sends it: OpenAI's, with a code in place of the type. */
export function azureError({ statusCode, message, param, code }: ProviderError): string {
  return asciiJson({ error: { code: code ?? String(statusCode), message, ...(param === null ? {} : { param }) } })
}
