import { badRequest } from '../provider-error.ts'
import { isFields, shown, type Fields } from './request-fields.ts'

/**
 * How Google reads JSON: a field goes by its name in JSON or by that of its protocol buffer (`maxOutputTokens`,
 * `max_output_tokens`), and null is absence. Source: https://protobuf.dev/programming-guides/json/. Where a list is
 * due, its servers take a single object too; examples in Gemini's documentation have `"contents": {"parts": ...}`.
 */

/** The field under either of its names. @param name in JSON, as `maxOutputTokens` */
export function readField(message: Fields, name: string): unknown {
  return message[name] ?? message[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] ?? undefined
}

/**
 * The object that a field holds; undefined when absent.
 * @param path what stands before the name, for the message: `toolConfig.`
 * @throws {ProviderError} 400
 */
export function readObject(message: Fields, name: string, path = ''): Fields | undefined {
  const value = readField(message, name)
  if (value === undefined || isFields(value)) return value
  throw badRequest(`${path}${name}: must be an object, got ${shown(value)}`, name)
}

/** What a field holds that may be repeated: none, one or all of a list. */
export function repeated(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}
