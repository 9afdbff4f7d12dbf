import { asciiJson } from '../completion.ts'
import { badRequest } from '../provider-error.ts'

/** A JSON object of which nothing else is known yet. */
export type Fields = Partial<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws {ProviderError} 400 when the body is no JSON object */
export function parseFields(body: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw badRequest(`the body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isFields(value)) throw badRequest('the body must be a JSON object')
  return value
}

/**
 * The model as an ASCII JSON string, ready for the answer.
 * @throws {ProviderError} 400
 */
export function readModel(model: unknown): string {
  if (typeof model !== 'string' || model === '') {
    throw badRequest('you must provide a model parameter: a string that is not empty', 'model')
  }
  return asciiJson(model)
}

/** @throws {ProviderError} 400 */
export function readMessages(messages: unknown): readonly unknown[] {
  if (Array.isArray(messages) && messages.length > 0) return messages
  throw badRequest('you must provide messages: an array with at least one message', 'messages')
}

/** False when absent or null. @throws {ProviderError} 400 */
export function readBoolean(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw badRequest(`${name}: must be true or false, got ${shown(value)}`, name)
}

/** Undefined when absent or null. @throws {ProviderError} 400 */
export function readCount(value: unknown, name: string, maximum = Number.MAX_SAFE_INTEGER): number | undefined {
  if (value === undefined || value === null) return undefined
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maximum) return value as number
  const range = maximum === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${maximum}`
  throw badRequest(`${name}: must be a whole number ${range}, got ${shown(value)}`, name)
}

/** Deeper than any real request: a hostile one must not use up the stack. */
const DEEPEST = 64

/** Whether there are more than so many objects or arrays around each other. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}

/** A value as a message may show it: JSON, cut where it is long. */
export function shown(value: unknown): string {
  if (isDeeper(value, DEEPEST)) return 'a value nested too deep'
  if (value === undefined) return 'nothing'
  const json = JSON.stringify(value)
  return json.length > 80 ? `${json.slice(0, 80)}...` : json
}

/** All text of a message's content: a string, or parts of which some have text. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (isFields(part) && typeof part.text === 'string' ? part.text : '')).join('\n')
}
