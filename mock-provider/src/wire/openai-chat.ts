import { asciiJson, CompletionTemplate, estimateTokens } from '../completion.ts'
import { badRequest, type ProviderError } from '../provider-error.ts'
import type { StreamScript } from '../stream.ts'
import { completionId, type MockDelay } from '../truth.ts'
import { openAiError } from './openai-error.ts'
import { isFields, readBoolean, readCount, readMessages, readModel, shown, type Fields } from './request-fields.ts'
import { decideToolCall, fragments, type Tool, type ToolCall, type ToolChoice } from './tool-call.ts'
import { streamLength, type BodyFacts, type StreamFacts, type Wire, type WireRequest } from './wire.ts'

/** What the mock needs to know of a chat request. */
export interface ChatRequest extends WireRequest {
  stream: boolean
  /** Whether a stream ends with a chunk that has the usage. */
  includeUsage: boolean
  toolCall: ToolCall | undefined
}

/**
 * @param bodyChars length of the whole body
 * @throws {ProviderError} 400 naming what is wrong
 */
export function readChatRequest(fields: Fields, bodyChars: number): ChatRequest {
  const model = readModel(fields.model)
  const messages = readMessages(fields.messages)
  const stream = readBoolean(fields.stream, 'stream')
  const maxTokens =
    readCount(fields.max_completion_tokens, 'max_completion_tokens') ?? readCount(fields.max_tokens, 'max_tokens')
  return {
    model,
    promptTokens: estimateTokens(bodyChars),
    stream,
    includeUsage: readIncludeUsage(fields.stream_options, stream),
    maxTokens,
    toolCall: readToolCall(fields, messages.at(-1)),
  }
}

function readIncludeUsage(options: unknown, stream: boolean): boolean {
  if (options === undefined || options === null) return false
  if (!stream) throw badRequest('stream_options: only allowed with "stream": true', 'stream_options')
  if (!isFields(options)) {
    throw badRequest(`stream_options: must be an object, got ${shown(options)}`, 'stream_options')
  }
  return readBoolean(options.include_usage, 'stream_options.include_usage')
}

function readToolCall({ tools, tool_choice }: Fields, lastMessage: unknown): ToolCall | undefined {
  if (tools === undefined || tools === null) return undefined
  const { role, content } = isFields(lastMessage) ? lastMessage : {}
  return decideToolCall(readTools(tools), readToolChoice(tool_choice), {
    role: role === 'user' || role === 'tool' ? role : 'other',
    content,
  })
}

function readTools(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) throw badRequest(`tools: must be an array, got ${shown(tools)}`, 'tools')
  return tools.map((tool, at) => {
    const declared: unknown = isFields(tool) ? tool.function : undefined
    if (!isFields(declared) || typeof declared.name !== 'string') {
      throw badRequest(`tools[${at}]: must be {"type":"function","function":{"name":...}}, got ${shown(tool)}`, 'tools')
    }
    return { name: declared.name, schema: declared.parameters }
  })
}

function readToolChoice(choice: unknown): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice
  const named: unknown = isFields(choice) ? choice.function : undefined
  if (isFields(named) && typeof named.name === 'string') return { name: named.name }
  throw badRequest(
    `tool_choice: must be none, auto, required or {"type":"function","function":{"name":...}}, got ${shown(choice)}`,
    'tool_choice',
  )
}

const TEMPLATE = new CompletionTemplate()

/** Chat completions as OpenAI gives them. Source: https://platform.openai.com/docs/api-reference/chat */
export class ChatWire implements Wire<ChatRequest> {
  readonly error: (error: ProviderError) => string

  constructor(error = openAiError) {
    this.error = error
  }

  smallestBytes({ model, toolCall }: ChatRequest): number {
    return toolCall ? 0 : TEMPLATE.smallestBytes(model)
  }

  body(request: ChatRequest, facts: BodyFacts): string {
    const { model, promptTokens, maxTokens, toolCall } = request
    if (toolCall) return toolCallBody(request, toolCall, facts)
    const { sequence, delay, createdSec } = facts
    return TEMPLATE.compose({ sequence, delay, createdSec, model, promptTokens, maxTokens }, facts)
  }

  stream(request: ChatRequest, facts: StreamFacts): StreamScript | undefined {
    if (!request.stream) return undefined
    return request.toolCall ? new ToolCallStream(request, request.toolCall, facts) : new TextStream(request, facts)
  }
}

function toolCallJson({ name, argumentsJson }: ToolCall, sequence: number): string {
  return `{"id":"call_${sequence}","type":"function","function":{"name":${asciiJson(name)},"arguments":${asciiJson(argumentsJson)}}}`
}

function usageJson(promptTokens: number, completionTokens: number): string {
  return `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}`
}

function toolCallBody(
  { model, promptTokens }: ChatRequest,
  toolCall: ToolCall,
  { sequence, delay, createdSec }: BodyFacts,
): string {
  const usage = usageJson(promptTokens, estimateTokens(toolCall.argumentsJson.length))
  return `{"id":"${completionId(sequence, delay)}","object":"chat.completion","created":${createdSec},"model":${model},"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[${toolCallJson(toolCall, sequence)}],"refusal":null},"logprobs":null,"finish_reason":"tool_calls"}],"usage":${usage}}`
}

/** What all chunks of a stream have in common. */
class ChunkFrame {
  readonly #request: ChatRequest
  readonly #sequence: number
  readonly #afterChoices: string
  #beforeChoices = ''

  constructor(request: ChatRequest, sequence: number) {
    this.#request = request
    this.#sequence = sequence
    // With the usage asked for, every chunk but the last says that it has none.
    this.#afterChoices = request.includeUsage ? ',"usage":null}\n\n' : '}\n\n'
  }

  begin(delay: MockDelay, createdSec: number): void {
    this.#beforeChoices = `data: {"id":"${completionId(this.#sequence, delay)}","object":"chat.completion.chunk","created":${createdSec},"model":${this.#request.model},"choices":`
  }

  delta(delta: string, finishReason = 'null'): string {
    return `${this.#beforeChoices}[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finishReason}}]${this.#afterChoices}`
  }

  end(finishReason: string, completionTokens: number): string {
    const { includeUsage, promptTokens } = this.#request
    const finish = this.delta('{}', `"${finishReason}"`)
    const usage = includeUsage
      ? `${this.#beforeChoices}[],"usage":${usageJson(promptTokens, completionTokens)}}\n\n`
      : ''
    return `${finish}${usage}data: [DONE]\n\n`
  }
}

class TextStream implements StreamScript {
  readonly chunks: number
  readonly #tokens: number
  readonly #capped: boolean
  readonly #frame: ChunkFrame

  constructor(request: ChatRequest, facts: StreamFacts) {
    const { tokens, chunks, capped } = streamLength(request, facts)
    this.chunks = chunks
    this.#tokens = tokens
    this.#capped = capped
    this.#frame = new ChunkFrame(request, facts.sequence)
  }

  begin(delay: MockDelay, createdSec: number): string {
    this.#frame.begin(delay, createdSec)
    return this.#frame.delta('{"role":"assistant","content":"","refusal":null}')
  }

  chunk(_index: number, text: string): string {
    return this.#frame.delta(`{"content":"${text}"}`)
  }

  end(): string {
    return this.#frame.end(this.#capped ? 'length' : 'stop', this.#tokens)
  }
}

class ToolCallStream implements StreamScript {
  readonly chunks: number
  readonly #sequence: number
  readonly #toolCall: ToolCall
  readonly #fragments: string[]
  readonly #frame: ChunkFrame

  constructor(request: ChatRequest, toolCall: ToolCall, { sequence, tokens }: StreamFacts) {
    this.#sequence = sequence
    this.#toolCall = toolCall
    this.#fragments = fragments(toolCall.argumentsJson, tokens)
    this.chunks = this.#fragments.length
    this.#frame = new ChunkFrame(request, sequence)
  }

  begin(delay: MockDelay, createdSec: number): string {
    this.#frame.begin(delay, createdSec)
    const call = toolCallJson({ ...this.#toolCall, argumentsJson: '' }, this.#sequence)
    return this.#frame.delta(`{"role":"assistant","content":null,"tool_calls":[{"index":0,${call.slice(1)}]}`)
  }

  chunk(index: number): string {
    const fragment = asciiJson(this.#fragments[index])
    return this.#frame.delta(`{"tool_calls":[{"index":0,"function":{"arguments":${fragment}}}]}`)
  }

  end(): string {
    return this.#frame.end('tool_calls', this.chunks)
  }
}
