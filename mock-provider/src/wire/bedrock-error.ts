import { asciiJson } from '../completion.ts'
import type { ProviderError } from '../provider-error.ts'
import type { RawHeaders } from './wire.ts'

const TYPES: Partial<Record<number, string>> = {
  // AWS itself says 403 of a key that it does not know; where the mock says 401, the name still tells what it means.
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  409: 'ConflictException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
}

/** The body of an error as Bedrock sends it; what kind of error it is stands in a header. */
export function bedrockError({ message }: ProviderError): string {
  return asciiJson({ message })
}

/**
 * The header by which clients tell errors apart.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (errors by status), and
 * https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html (the header)
 */
export function bedrockErrorHead({ statusCode, code }: ProviderError): RawHeaders {
  const type = TYPES[statusCode] ?? (statusCode < 500 ? 'ValidationException' : 'InternalServerException')
  return ['x-amzn-errortype', code ?? type]
}
