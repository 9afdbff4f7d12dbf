import { asciiJson, type CompletionFacts } from '../completion.ts'
import { responseId } from '../truth.ts'
import type { ToolCall } from './tool-call.ts'

/**
 * The JSON of OpenAI's response object and of the items in it, whole and in parts that go around a text. All of it ASCII.
 * Source: https://platform.openai.com/docs/api-reference/responses/object
 */

/** How far a response, or an item of it, has come; incomplete is what the limit on its tokens ended. */
export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete'

/** What a response says of itself before it has any output. */
export type ResponseFacts = Omit<CompletionFacts, 'promptTokens'>

/** A response up to its items. */
export function beforeItems({ sequence, delay, createdSec, model, maxTokens }: ResponseFacts): string {
  return `{"id":"${responseId(sequence, delay)}","object":"response","created_at":${createdSec},"model":${model},"max_output_tokens":${maxTokens ?? null},"output":[`
}

// Of its settings a response of OpenAI repeats what the request has. Here they are the defaults: small sizes would have
// no room for a request's tools.
const SETTINGS =
  '"instructions":null,"metadata":{},"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":false,"temperature":1,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1,"truncation":"disabled","user":null'

/** A response after its items. @param usage as `usageJson` gives it, or null */
export function afterItems(status: ResponseStatus, usage: string | null): string {
  const details = status === 'incomplete' ? '{"reason":"max_output_tokens"}' : 'null'
  return `],"status":"${status}","error":null,"incomplete_details":${details},${SETTINGS},"usage":${usage}}`
}

/** Nothing is ever read from a cache, nor thought. */
export function usageJson(inputTokens: number, outputTokens: number): string {
  return `{"input_tokens":${inputTokens},"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":${outputTokens},"output_tokens_details":{"reasoning_tokens":0},"total_tokens":${inputTokens + outputTokens}}`
}

/** A response has one item at most: its message or its call. */
export function messageItemId(sequence: number): string {
  return `msg_${sequence}`
}

export function callItemId(sequence: number): string {
  return `fc_${sequence}`
}

/** A message up to the parts of its content. */
export function beforeParts(sequence: number): string {
  return `{"id":"${messageItemId(sequence)}","type":"message","role":"assistant","content":[`
}

/** A message after the parts of its content. */
export function afterParts(status: ResponseStatus): string {
  return `],"status":"${status}"}`
}

/** A part of a message up to its text, which is ASCII without quotes. */
export const BEFORE_TEXT = '{"type":"output_text","annotations":[],"logprobs":[],"text":"'

export const AFTER_TEXT = '"}'

/** @param sequence of the response; the call's own id is made from it too */
export function callItem(sequence: number, { name, argumentsJson }: ToolCall, status: ResponseStatus): string {
  return `{"id":"${callItemId(sequence)}","type":"function_call","call_id":"call_${sequence}","name":${asciiJson(name)},"arguments":${asciiJson(argumentsJson)},"status":"${status}"}`
}
