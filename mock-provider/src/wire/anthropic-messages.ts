import type { IncomingHttpHeaders } from 'node:http'
import { asciiJson, CompletionTemplate, estimateTokens, type BodyShape } from '../completion.ts'
import { bearerKey } from '../keys.ts'
import { badRequest, ProviderError } from '../provider-error.ts'
import type { StreamScript } from '../stream.ts'
import { messageId, type MockDelay } from '../truth.ts'
import { anthropicError } from './anthropic-error.ts'
import { isFields, readBoolean, readCount, readMessages, readModel, shown, type Fields } from './request-fields.ts'
import { decideToolCall, fragments, type Tool, type ToolCall, type ToolChoice } from './tool-call.ts'
import { streamLength, type StreamFacts, type Wire, type WireRequest } from './wire.ts'

/** What the mock needs to know of a messages request. */
export interface MessagesRequest extends WireRequest {
  stream: boolean
  toolCall: ToolCall | undefined
}

/**
 * What Anthropic asks of the headers.
 * @returns the key
 * @throws {ProviderError} 401 without a key in `x-api-key` or as Bearer (newer clients), 400 without `anthropic-version`
 */
export function readAnthropicKey(headers: IncomingHttpHeaders): string {
  const { 'x-api-key': apiKey, 'anthropic-version': version } = headers
  const key = typeof apiKey === 'string' && apiKey !== '' ? apiKey : bearerKey(headers.authorization)
  if (key === undefined) throw new ProviderError(401, 'x-api-key: the header is required')
  if (typeof version === 'string' && version !== '') return key
  throw badRequest('anthropic-version: the header is required, for example 2023-06-01')
}

/**
 * @param bodyChars length of the whole body
 * @throws {ProviderError} 400 naming what is wrong
 */
export function readMessagesRequest(fields: Fields, bodyChars: number): MessagesRequest {
  const model = readModel(fields.model)
  const messages = readMessages(fields.messages)
  const maxTokens = readCount(fields.max_tokens, 'max_tokens')
  if (maxTokens === undefined) throw badRequest('max_tokens: must be given, a whole number of at least 1', 'max_tokens')
  return {
    model,
    promptTokens: estimateTokens(bodyChars),
    stream: readBoolean(fields.stream, 'stream'),
    maxTokens,
    toolCall: readToolCall(fields, messages.at(-1)),
  }
}

function readToolCall({ tools, tool_choice }: Fields, lastMessage: unknown): ToolCall | undefined {
  if (tools === undefined || tools === null) return undefined
  const { role, content } = isFields(lastMessage) ? lastMessage : {}
  const hasResult = Array.isArray(content) && content.some((part) => isFields(part) && part.type === 'tool_result')
  const lastRole = hasResult ? 'tool' : role === 'user' ? 'user' : 'other'
  return decideToolCall(readTools(tools), readToolChoice(tool_choice), { role: lastRole, content })
}

function readTools(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) throw badRequest(`tools: must be an array, got ${shown(tools)}`, 'tools')
  return tools.map((tool, at) => {
    if (isFields(tool) && typeof tool.name === 'string') return { name: tool.name, schema: tool.input_schema }
    throw badRequest(`tools[${at}]: must be {"name":...,"input_schema":...}, got ${shown(tool)}`, 'tools')
  })
}

function readToolChoice(choice: unknown): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (isFields(choice)) {
    if (choice.type === 'auto' || choice.type === 'none') return choice.type
    if (choice.type === 'any') return 'required'
    if (choice.type === 'tool' && typeof choice.name === 'string') return { name: choice.name }
  }
  throw badRequest(
    `tool_choice: its type must be auto, any, none, or tool with a name; got ${shown(choice)}`,
    'tool_choice',
  )
}

const MESSAGE: BodyShape = {
  before: ({ sequence, delay, model }) =>
    `{"id":"${messageId(sequence, delay)}","type":"message","role":"assistant","model":${model},"content":[{"type":"text","text":"`,
  after: ({ promptTokens }, outputTokens, capped) =>
    `"}],"stop_reason":"${capped ? 'max_tokens' : 'end_turn'}","stop_sequence":null,"usage":${usageJson(promptTokens, outputTokens)}}`,
}

function usageJson(inputTokens: number, outputTokens: number): string {
  return `{"input_tokens":${inputTokens},"output_tokens":${outputTokens}}`
}

const TEMPLATE = new CompletionTemplate(MESSAGE)

/** Messages as Anthropic gives them. Source: https://platform.claude.com/docs/en/api/messages */
export const messagesWire: Wire<MessagesRequest> = {
  smallestBytes: ({ model, toolCall }) => (toolCall ? 0 : TEMPLATE.smallestBytes(model)),
  body({ model, promptTokens, maxTokens, toolCall }, facts) {
    const { sequence, delay, createdSec } = facts
    if (!toolCall) return TEMPLATE.compose({ sequence, delay, createdSec, model, promptTokens, maxTokens }, facts)
    const block = toolUseJson(toolCall.name, sequence, toolCall.argumentsJson)
    const usage = usageJson(promptTokens, estimateTokens(toolCall.argumentsJson.length))
    return `{"id":"${messageId(sequence, delay)}","type":"message","role":"assistant","model":${model},"content":[${block}],"stop_reason":"tool_use","stop_sequence":null,"usage":${usage}}`
  },
  stream: (request, facts) => (request.stream ? new MessageStream(request, facts) : undefined),
  error: anthropicError,
}

function toolUseJson(name: string, sequence: number, inputJson: string): string {
  return `{"type":"tool_use","id":"toolu_${sequence}","name":${asciiJson(name)},"input":${inputJson}}`
}

function event(type: string, rest: string): string {
  return `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`
}

/** The published sequence of events. Source: https://platform.claude.com/docs/en/build-with-claude/streaming */
class MessageStream implements StreamScript {
  readonly chunks: number
  readonly #request: MessagesRequest
  readonly #sequence: number
  /** Of the tool's input; undefined for a stream of text. */
  readonly #fragments: string[] | undefined
  readonly #outputTokens: number
  readonly #stopReason: string

  constructor(request: MessagesRequest, facts: StreamFacts) {
    const { toolCall } = request
    const { tokens, chunks, capped } = streamLength(request, facts)
    this.#request = request
    this.#sequence = facts.sequence
    this.#fragments = toolCall && fragments(toolCall.argumentsJson, facts.tokens)
    this.chunks = this.#fragments?.length ?? chunks
    this.#outputTokens = this.#fragments?.length ?? tokens
    this.#stopReason = toolCall ? 'tool_use' : capped ? 'max_tokens' : 'end_turn'
  }

  begin(delay: MockDelay): string {
    const { model, promptTokens, toolCall } = this.#request
    const block = toolCall ? toolUseJson(toolCall.name, this.#sequence, '{}') : '{"type":"text","text":""}'
    return (
      event(
        'message_start',
        `,"message":{"id":"${messageId(this.#sequence, delay)}","type":"message","role":"assistant","model":${model},"content":[],"stop_reason":null,"stop_sequence":null,"usage":${usageJson(promptTokens, 1)}}`,
      ) +
      event('content_block_start', `,"index":0,"content_block":${block}`) +
      event('ping', '')
    )
  }

  chunk(index: number, text: string): string {
    const delta = this.#fragments
      ? `{"type":"input_json_delta","partial_json":${asciiJson(this.#fragments[index])}}`
      : `{"type":"text_delta","text":"${text}"}`
    return event('content_block_delta', `,"index":0,"delta":${delta}`)
  }

  end(): string {
    return (
      event('content_block_stop', ',"index":0') +
      event(
        'message_delta',
        `,"delta":{"stop_reason":"${this.#stopReason}","stop_sequence":null},"usage":{"output_tokens":${this.#outputTokens}}`,
      ) +
      event('message_stop', '')
    )
  }
}
