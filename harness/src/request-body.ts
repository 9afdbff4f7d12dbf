import type { JsonObject } from './json-object.ts'

/** Members that bench gives to every request's body itself. */
export const OWN_MEMBERS: Readonly<Record<string, string>> = {
  model: 'write --model',
  messages: 'it fills the body up to --request-size',
  stream: 'bench run measures whole answers',
}

/** Smallest body that can be asked for with this model and these further members, bytes: an empty message. */
export function requestBytesMin(model: string, members: JsonObject = {}): number {
  return Buffer.byteLength(chatBody(model, '', members))
}

const SENTENCE = 'Measure from the moment a request was due, and let every microsecond have an owner. '

/** A chat completion of exactly `sizeBytes` bytes, with `members` beside model and messages. */
export function requestBody(model: string, sizeBytes: number, members: JsonObject = {}): string {
  const leastBytes = requestBytesMin(model, members)
  const fillBytes = sizeBytes - leastBytes
  if (fillBytes < 0) throw new RangeError(`a request body for ${model} takes at least ${leastBytes} bytes`)
  return chatBody(model, SENTENCE.repeat(Math.ceil(fillBytes / SENTENCE.length)).slice(0, fillBytes), members)
}

function chatBody(model: string, content: string, members: JsonObject): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content }], ...members })
}
