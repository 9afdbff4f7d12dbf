import { asciiJson, estimateTokens } from '../completion.ts'
import { badRequest, ProviderError } from '../provider-error.ts'
import { readObject, readField, repeated } from './gemini-fields.ts'
import { readFunctionCall } from './gemini-tools.ts'
import { readCount, type Fields } from './request-fields.ts'
import type { ToolCall } from './tool-call.ts'
import type { WireRequest } from './wire.ts'

/** What the path of a request says. */
export interface GeminiCall {
  model: string
  stream: boolean
}

/** What the mock needs to know of a request to generate content. */
export interface GeminiRequest extends WireRequest {
  stream: boolean
  /** Whether a stream is given as server-sent events; otherwise as one JSON array. */
  sse: boolean
  toolCall: ToolCall | undefined
}

/**
 * @param call the path's last part: `gemini-2.5-flash:generateContent`
 * @throws {ProviderError} 404 when it names no model or no method of generating content
 */
export function readGeminiCall(call: string): GeminiCall {
  const at = call.lastIndexOf(':')
  const method = call.slice(at + 1)
  if (at >= 1 && (method === 'generateContent' || method === 'streamGenerateContent')) {
    return { model: call.slice(0, at), stream: method === 'streamGenerateContent' }
  }
  throw new ProviderError(
    404,
    `models/${call}: nothing is served here; write models/{model}:generateContent or models/{model}:streamGenerateContent`,
  )
}

/**
 * The key in the header `x-goog-api-key` or in the query's `key`. Source: https://ai.google.dev/api
 * @throws {ProviderError} 403 without one, as Google refuses callers that it cannot name
 */
export function readGeminiKey(headers: Record<string, unknown>, query: { key?: unknown }): string {
  for (const key of [headers['x-goog-api-key'], query.key]) {
    if (typeof key === 'string' && key !== '') return key
  }
  throw new ProviderError(403, 'no API key was given; send it in the header x-goog-api-key or as ?key=')
}

/**
 * @param bodyChars length of the whole body
 * @param sse whether the query says `alt=sse`
 * @throws {ProviderError} 400 naming what is wrong
 */
export function readGeminiRequest(fields: Fields, bodyChars: number, call: GeminiCall, sse: boolean): GeminiRequest {
  const contents = repeated(fields.contents)
  if (contents.length === 0) {
    throw badRequest('contents: must be given, an array with at least one content', 'contents')
  }
  const config = readObject(fields, 'generationConfig') ?? {}
  return {
    model: asciiJson(call.model),
    promptTokens: estimateTokens(bodyChars),
    maxTokens: readCount(readField(config, 'maxOutputTokens'), 'generationConfig.maxOutputTokens'),
    stream: call.stream,
    sse,
    toolCall: readFunctionCall(fields, contents.at(-1)),
  }
}
