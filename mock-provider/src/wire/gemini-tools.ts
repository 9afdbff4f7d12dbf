import { badRequest } from '../provider-error.ts'
import { readObject, readField, repeated } from './gemini-fields.ts'
import { isFields, shown, type Fields } from './request-fields.ts'
import { decideToolCall, type Tool, type ToolCall, type ToolChoice } from './tool-call.ts'

/**
 * The call that the answer makes; undefined for an answer of text.
 * Source: https://ai.google.dev/gemini-api/docs/function-calling
 * @param lastContent what the model is to answer
 * @throws {ProviderError} 400
 */
export function readFunctionCall(fields: Fields, lastContent: unknown): ToolCall | undefined {
  const functions = readFunctions(fields)
  const { choice, callable } = readChoice(fields, functions)
  const { role, parts } = isFields(lastContent) ? lastContent : {}
  const content = repeated(parts)
  const hasResult = content.some((part) => isFields(part) && isFields(readField(part, 'functionResponse')))
  // A content without a role is the user's.
  const lastRole = hasResult ? 'tool' : (role ?? 'user') === 'user' ? 'user' : 'other'
  return decideToolCall(callable, choice, { role: lastRole, content })
}

/** All functions of all tools; tools of other kinds (Google's own) are never called. */
function readFunctions(fields: Fields): Tool[] {
  return repeated(fields.tools).flatMap((tool, at) => {
    if (!isFields(tool)) throw badRequest(`tools[${at}]: must be an object, got ${shown(tool)}`, 'tools')
    return repeated(readField(tool, 'functionDeclarations')).map((declared, nth) => {
      if (!isFields(declared) || typeof declared.name !== 'string') {
        const name = `tools[${at}].functionDeclarations[${nth}]`
        throw badRequest(`${name}: must be {"name":...,"parameters":...}, got ${shown(declared)}`, 'tools')
      }
      const schema = asJsonSchema(declared.parameters) ?? readField(declared, 'parametersJsonSchema')
      return { name: declared.name, schema }
    })
  })
}

const CONFIG = 'toolConfig.functionCallingConfig'

const CHOICES: Partial<Record<string, ToolChoice>> = {
  MODE_UNSPECIFIED: 'auto',
  AUTO: 'auto',
  VALIDATED: 'auto',
  ANY: 'required',
  NONE: 'none',
}

function readChoice(fields: Fields, functions: Tool[]): { choice: ToolChoice; callable: Tool[] } {
  const config = readObject(readObject(fields, 'toolConfig') ?? {}, 'functionCallingConfig', 'toolConfig.')
  if (!config) return { choice: 'auto', callable: functions }
  if (functions.length === 0) throw badRequest(`${CONFIG}: needs functionDeclarations in tools, and there are none`)
  const mode = config.mode ?? 'AUTO'
  const choice = typeof mode === 'string' && Object.hasOwn(CHOICES, mode) ? CHOICES[mode] : undefined
  if (!choice) throw badRequest(`${CONFIG}.mode: must be AUTO, ANY, VALIDATED or NONE, got ${shown(mode)}`)
  const allowed = repeated(readField(config, 'allowedFunctionNames'))
  const unknown = allowed.find((name) => !functions.some((each) => each.name === name))
  if (unknown !== undefined) {
    const names = functions.map(({ name }) => name).join(', ')
    throw badRequest(`${CONFIG}.allowedFunctionNames: ${shown(unknown)} is no function; the functions are ${names}`)
  }
  const callable = allowed.length === 0 ? functions : functions.filter(({ name }) => allowed.includes(name))
  return { choice, callable }
}

// As deep as example arguments go: a hostile schema must not use up the stack.
const DEEPEST = 16

/** Gemini's schema, whose types are in capitals, as the JSON Schema that it stands for. Source: https://ai.google.dev/api/caching#Schema */
function asJsonSchema(schema: unknown, depth = 0): unknown {
  if (!isFields(schema) || depth > DEEPEST) return schema
  const { type, properties, items } = schema
  return {
    ...schema,
    type: typeof type === 'string' ? type.toLowerCase() : type,
    items: asJsonSchema(items, depth + 1),
    properties: isFields(properties)
      ? Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, asJsonSchema(each, depth + 1)]))
      : properties,
  }
}
