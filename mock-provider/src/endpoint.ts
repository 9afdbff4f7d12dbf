import type { IncomingHttpHeaders } from 'node:http'
import type { Fields } from './wire/request-fields.ts'
import type { Wire, WireRequest } from './wire/wire.ts'

/** A request's body, and when the last byte of it was read. */
export interface ReceivedBody {
  fields: Fields
  bodyChars: number
  receivedNs: number
}

/** What of a request stands around its body. */
export interface RequestEnvelope {
  headers: IncomingHttpHeaders
  /** Parts of the path that the endpoint's own leaves open. */
  params: Readonly<Partial<Record<string, string>>>
  query: Readonly<Partial<Record<string, unknown>>>
}

/** One path of a dialect: whose requests it takes, what it reads of them, how it answers. */
export interface Endpoint<Request extends WireRequest = WireRequest> {
  /** As Fastify writes paths: `/v1/messages`, `/model/:modelId/converse`. */
  path: string
  /** The caller's API key; undefined for none. @throws {ProviderError} when the provider would not do without */
  key: (request: RequestEnvelope) => string | undefined
  /** @throws {ProviderError} 400 */
  read: (body: ReceivedBody, request: RequestEnvelope) => Request
  wire: Wire<Request>
  /** Whose headers tell of rate limits. @default none */
  limitHeaders?: 'openai' | 'anthropic'
}
