import type { BodySize } from '../completion.ts'
import type { ProviderError } from '../provider-error.ts'
import type { StreamScript } from '../stream.ts'
import type { MockDelay } from '../truth.ts'

/** What the mock needs to know of any request, whatever its dialect. */
export interface WireRequest {
  /** The model as an ASCII JSON string, ready for the answer. */
  model: string
  /** About; from the length of the request. */
  promptTokens: number
  /** The request's own limit on the tokens of its answer; undefined for none. */
  maxTokens: number | undefined
}

/** What an answer that is given whole is made from, besides its request. */
export interface BodyFacts extends BodySize {
  /** Which request of the mock this is, from 1. */
  sequence: number
  delay: MockDelay
  /** Unix time, seconds. */
  createdSec: number
}

/** What a stream is made from, besides its request. */
export interface StreamFacts {
  sequence: number
  /** Tokens of the answer, unless the request's own limit is below. */
  tokens: number
  /** Tokens that a content chunk holds; the last one may hold fewer. */
  tokensPerChunk: number
}

/** Pairs of header name and value, one after the other, as `writeHead` takes them. */
export type RawHeaders = readonly string[]

/** How a dialect writes answers that are no success. All of them latin1 (one char a byte), and none may throw. */
export interface DialectErrors {
  error: (error: ProviderError) => string
  /** Headers besides content-type, length and Retry-After. */
  errorHead?: (error: ProviderError) => RawHeaders
}

/** How one endpoint of a dialect writes its answers, in the same way. */
export interface Wire<Request extends WireRequest> extends DialectErrors {
  /** The least size of the whole body that may be asked for; absent or 0 where sizes do not apply. */
  smallestBytes?(request: Request): number
  /** The body of an answer that is given whole. */
  body(request: Request, facts: BodyFacts): string
  /** The stream that the request asks for; undefined when it asks for none. */
  stream?(request: Request, facts: StreamFacts): StreamScript | undefined
  /** Headers of a success besides content-type, length and the delay. */
  head?(request: Request, facts: { sequence: number; delay: MockDelay }): RawHeaders
}

/** How long a stream of text is, and whether the request's own limit is what ends it. */
export function streamLength(
  { maxTokens = Infinity }: { maxTokens: number | undefined },
  { tokens, tokensPerChunk }: StreamFacts,
): { tokens: number; chunks: number; capped: boolean } {
  const given = Math.min(maxTokens, tokens)
  return { tokens: given, chunks: Math.ceil(given / tokensPerChunk), capped: maxTokens < tokens }
}
