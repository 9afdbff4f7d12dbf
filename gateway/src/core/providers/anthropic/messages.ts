import { type Block, contentBlocks, contentText } from './content.ts'
import { invalid, objectAt, textAt } from './invalid.ts'

export interface AnthropicMessage {
  role: 'user' | 'assistant'
  content: Block[]
}

/** The parts of Anthropic's request that OpenAI's `messages` become. */
export interface Conversation {
  system?: string
  messages: AnthropicMessage[]
}

/**
 * A conversation in Anthropic's terms. System and developer messages, wherever they stand, become the one `system` text,
 * joined by blank lines; tool results become blocks of a user message; neighbours of one role become one message, which
 * is how several tool results answer several calls. A message's `name` has no counterpart and is dropped.
 * Source: https://docs.anthropic.com/en/api/messages
 *
 * @throws GatewayError `invalid_request` naming what Anthropic has no form for
 */
export function conversation(messages: readonly unknown[]): Conversation {
  const system: string[] = []
  const turns: AnthropicMessage[] = []
  messages.forEach((value, index) => {
    const path = `messages[${index}]`
    const message = objectAt(path, value)
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(contentText(`${path}.content`, message.content))
        break
      case 'user':
        append(turns, 'user', contentBlocks(`${path}.content`, message.content))
        break
      case 'assistant':
        append(turns, 'assistant', assistantBlocks(path, message))
        break
      case 'tool':
        append(turns, 'user', [toolResult(path, message)])
        break
      default:
        throw invalid(`${path}.role`, message.role, 'must be system, developer, user, assistant or tool')
    }
  })
  return system.length === 0 ? { messages: turns } : { system: system.join('\n\n'), messages: turns }
}

function append(turns: AnthropicMessage[], role: AnthropicMessage['role'], content: Block[]): void {
  if (content.length === 0) return
  const last = turns.at(-1)
  if (last?.role === role) last.content.push(...content)
  else turns.push({ role, content })
}

function assistantBlocks(path: string, message: Record<string, unknown>): Block[] {
  if (message.function_call !== undefined && message.function_call !== null) {
    throw invalid(`${path}.function_call`, message.function_call, 'is deprecated and not translated; use tool_calls')
  }
  const blocks = withoutEmptyTexts(contentBlocks(`${path}.content`, message.content ?? message.refusal))
  const calls = message.tool_calls ?? []
  if (!Array.isArray(calls)) throw invalid(`${path}.tool_calls`, calls, 'must be an array')
  calls.forEach((call: unknown, index) => {
    const callPath = `${path}.tool_calls[${index}]`
    blocks.push(toolUse(callPath, objectAt(callPath, call)))
  })
  return blocks
}

/** Beside tool calls OpenAI's content is often empty, and so is the result of many a tool; Anthropic refuses such texts. */
function withoutEmptyTexts(blocks: Block[]): Block[] {
  return blocks.filter(({ text }) => text !== '')
}

function toolUse(path: string, call: Record<string, unknown>): Block {
  if (call.type !== undefined && call.type !== 'function')
    throw invalid(`${path}.type`, call.type, 'must be "function"')
  const called = objectAt(`${path}.function`, call.function)
  return {
    type: 'tool_use',
    id: textAt(`${path}.id`, call.id),
    name: textAt(`${path}.function.name`, called.name),
    input: toolInput(`${path}.function.arguments`, textAt(`${path}.function.arguments`, called.arguments)),
  }
}

function toolInput(path: string, text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch {
    throw invalid(path, text, 'must be a JSON object')
  }
  return objectAt(path, input)
}

function toolResult(path: string, message: Record<string, unknown>): Block {
  const id = textAt(`${path}.tool_call_id`, message.tool_call_id)
  const content = withoutEmptyTexts(contentBlocks(`${path}.content`, message.content))
  return { type: 'tool_result', tool_use_id: id, content }
}
