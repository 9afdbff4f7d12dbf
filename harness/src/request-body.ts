/** Smallest body that can be asked for with this model, bytes: an empty message. */
export function requestBytesMin(model: string): number {
  return Buffer.byteLength(chatBody(model, ''))
}

const SENTENCE = 'Measure from the moment a request was due, and let every microsecond have an owner. '

/** A chat completion of exactly `sizeBytes` bytes. */
export function requestBody(model: string, sizeBytes: number): string {
  const fillBytes = sizeBytes - requestBytesMin(model)
  if (fillBytes < 0) throw new RangeError(`a request body for ${model} takes at least ${requestBytesMin(model)} bytes`)
  return chatBody(model, SENTENCE.repeat(Math.ceil(fillBytes / SENTENCE.length)).slice(0, fillBytes))
}

function chatBody(model: string, content: string): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content }] })
}
