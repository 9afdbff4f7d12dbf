import { utf8AsLatin1 } from '../../latin1.ts'
import { asObject } from '../event-data.ts'
import { extraFieldsMember } from '../extra-fields.ts'
import type { ExtraFields, ParsedAnswer } from '../provider.ts'
import { finishReason } from './finish-reason.ts'
import { UsageCount } from './usage.ts'

/**
 * A message of Anthropic's as a chat completion. Its `id` stays as it is: a mock's own delay travels in it. Text blocks
 * are joined, tool uses become tool calls; other blocks (thinking, citations of server tools) have no place in OpenAI's
 * shape and are left out.
 *
 * @param createdS seconds since 1970: OpenAI's answers say when they were made, Anthropic's do not
 * @throws SyntaxError when the bytes are not a message
 */
export function parseMessage(bytes: Buffer, extra: ExtraFields, createdS: number): ParsedAnswer {
  const message = asObject(JSON.parse(bytes.toString()), 'the answer')
  if (!Array.isArray(message.content)) throw new SyntaxError('the message has no content')
  const texts: string[] = []
  const toolCalls: object[] = []
  for (const value of message.content as unknown[]) {
    const block = asObject(value, 'a block of the content')
    if (block.type === 'text') texts.push(textOf(block, 'text'))
    else if (block.type === 'tool_use') toolCalls.push(toolCall(block))
  }
  const usage = new UsageCount()
  usage.update(message.usage)
  const completion = {
    id: message.id,
    object: 'chat.completion',
    created: createdS,
    model: message.model ?? extra.resolvedModel,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: texts.length === 0 ? null : texts.join(''),
          refusal: null,
          ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
        },
        logprobs: null,
        finish_reason: finishReason(message.stop_reason),
      },
    ],
    usage,
    extra_fields: extraFieldsMember(extra),
  }
  return {
    reply: utf8AsLatin1(JSON.stringify(completion)),
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
  }
}

function toolCall(block: Record<string, unknown>): object {
  return {
    id: textOf(block, 'id'),
    type: 'function',
    function: { name: textOf(block, 'name'), arguments: JSON.stringify(asObject(block.input, 'the input of a tool')) },
  }
}

/** @throws SyntaxError when the member is anything but a text */
export function textOf(object: Record<string, unknown>, member: string): string {
  const value = object[member]
  if (typeof value !== 'string') throw new SyntaxError(`${member} is not a text`)
  return value
}
