import { asciiJson } from '../completion.ts'
import { badRequest } from '../provider-error.ts'
import { contentText, isDeeper, isFields, shown } from './request-fields.ts'

/** The call that an answer makes. */
export interface ToolCall {
  name: string
  /** The arguments as JSON, ASCII. */
  argumentsJson: string
}

/** A tool as any dialect declares it. */
export interface Tool {
  name: string
  /** JSON Schema of its arguments. */
  schema: unknown
}

/** What the request says of using tools: a choice of the model's own, none, one at least, or this one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string }

/** In a user's last message, this makes the model want to use a tool by itself. */
const REQUEST_FOR_TOOL = 'use the tool'

/**
 * The call that the answer makes; undefined for an answer of text.
 * @param lastMessage after a tool's result the answer is text, whatever the choice, so that a caller's loop ends
 * @throws {ProviderError} 400 when the choice names no tool of the request
 */
export function decideToolCall(
  tools: readonly Tool[],
  choice: ToolChoice,
  lastMessage: { role: 'user' | 'tool' | 'other'; content: unknown },
): ToolCall | undefined {
  if (choice === 'none' || lastMessage.role === 'tool') return undefined
  if (choice === 'auto') {
    const wanted = lastMessage.role === 'user' && contentText(lastMessage.content).includes(REQUEST_FOR_TOOL)
    if (!wanted) return undefined
  }
  const name = typeof choice === 'object' ? choice.name : tools[0]?.name
  const tool = tools.find((candidate) => candidate.name === name)
  if (tool) return { name: tool.name, argumentsJson: asciiJson(exampleArguments(tool.schema)) }
  if (choice === 'auto') return undefined
  const names = tools.length === 0 ? 'there are no tools' : `the tools are ${tools.map((each) => each.name).join(', ')}`
  throw badRequest(`tool_choice: ${shown(name ?? choice)} cannot be called; ${names}`, 'tool_choice')
}

/** Arguments that a JSON Schema of an object allows, always the same; keywords beyond the basic ones are not read. */
export function exampleArguments(schema: unknown): Record<string, unknown> {
  const value = exampleValue(isFields(schema) ? { ...schema, type: 'object' } : { type: 'object' }, 0)
  return value as Record<string, unknown>
}

// Deeper than any real tool's arguments: a hostile schema must not use up the stack.
const DEEPEST = 16

function exampleValue(schema: unknown, depth: number): unknown {
  if (!isFields(schema) || depth > DEEPEST) return 'x'
  const given: unknown = 'const' in schema ? schema.const : Array.isArray(schema.enum) ? schema.enum[0] : undefined
  if (given !== undefined) return isDeeper(given, DEEPEST) ? 'x' : given
  const type: unknown = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'object': {
      const properties = isFields(schema.properties) ? schema.properties : {}
      return Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, exampleValue(each, depth + 1)]))
    }
    case 'array':
      return [exampleValue(schema.items, depth + 1)]
    case 'number':
    case 'integer':
      return typeof schema.minimum === 'number' ? Math.max(1, Math.ceil(schema.minimum)) : 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return 'x'
  }
}

/** The text in at most `count` pieces, none empty, as equal as can be; no piece for an empty text. */
export function fragments(text: string, count: number): string[] {
  const pieces = Math.min(count, text.length)
  return Array.from({ length: pieces }, (_, i) =>
    text.slice(Math.floor((i * text.length) / pieces), Math.floor(((i + 1) * text.length) / pieces)),
  )
}
