import type { ChatRequest } from '../provider.ts'
import { invalid, objectAt, textAt } from './invalid.ts'

/**
 * `tools`, `tool_choice` and `parallel_tool_calls` in Anthropic's terms. A function's `parameters` become
 * `input_schema`; its `strict` is dropped. `parallel_tool_calls: false` becomes `disable_parallel_tool_use`, which is a
 * part of the choice there. Without tools none of it is sent: Anthropic refuses a choice among nothing.
 *
 * @throws GatewayError `invalid_request` for tools that are not functions and choices that are not OpenAI's
 */
export function toolParams(request: ChatRequest): Record<string, unknown> {
  const tools = request.tools ?? []
  if (!Array.isArray(tools)) throw invalid('tools', tools, 'must be an array')
  if (tools.length === 0) return {}
  const params: Record<string, unknown> = {
    tools: tools.map((value: unknown, index) => tool(`tools[${index}]`, value)),
  }
  const choice = toolChoice(request.tool_choice)
  if (request.parallel_tool_calls === false && choice?.type !== 'none') {
    params.tool_choice = { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true }
  } else if (choice) {
    params.tool_choice = choice
  }
  return params
}

function tool(path: string, value: unknown): Record<string, unknown> {
  const { type, function: described } = objectAt(path, value)
  if (type !== 'function') throw invalid(`${path}.type`, type, 'must be "function"')
  const { name, description, parameters } = objectAt(`${path}.function`, described)
  return {
    name: textAt(`${path}.function.name`, name),
    ...(description === undefined || description === null ? {} : { description }),
    // OpenAI's functions without parameters take none; Anthropic wants that said.
    input_schema: parameters ?? { type: 'object', properties: {} },
  }
}

const CHOICES = new Map([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'any'],
])

function toolChoice(choice: unknown): { type: string; name?: string } | undefined {
  if (choice === undefined || choice === null) return undefined
  if (typeof choice === 'string') {
    const type = CHOICES.get(choice)
    if (type !== undefined) return { type }
  } else {
    const { type, function: chosen } = objectAt('tool_choice', choice)
    if (type === 'function') {
      return { type: 'tool', name: textAt('tool_choice.function.name', objectAt('tool_choice.function', chosen).name) }
    }
  }
  throw invalid('tool_choice', choice, 'must be auto, none, required or {"type":"function","function":{"name":...}}')
}
