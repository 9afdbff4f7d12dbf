import { asciiJson, CompletionTemplate, estimateTokens, type BodyShape } from '../completion.ts'
import { bearerKey } from '../keys.ts'
import { badRequest, ProviderError } from '../provider-error.ts'
import type { StreamScript } from '../stream.ts'
import type { MockDelay } from '../truth.ts'
import { bedrockError, bedrockErrorHead } from './bedrock-error.ts'
import { EVENT_FRAMES, eventFrame } from './bedrock-stream.ts'
import { isFields, readCount, readMessages, readModel, shown, type Fields } from './request-fields.ts'
import { decideToolCall, fragments, type Tool, type ToolCall, type ToolChoice } from './tool-call.ts'
import { streamLength, type StreamFacts, type Wire, type WireRequest } from './wire.ts'

/** What the mock needs to know of a converse request. */
export interface ConverseRequest extends WireRequest {
  stream: boolean
  toolCall: ToolCall | undefined
}

const SIGNED = /^AWS4-HMAC-SHA256 +Credential=([^\s,/]+)\//

/**
 * Who signed the request: its signature is not verified, for the mock knows no secrets.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
 * @returns the access key id, or the token of a caller that sends one (an API key of Bedrock) as Bearer
 * @throws {ProviderError} 403 without either
 */
export function readBedrockKey({ authorization }: Record<string, unknown>): string {
  const text = typeof authorization === 'string' ? authorization : ''
  const key = SIGNED.exec(text)?.[1] ?? bearerKey(text)
  if (key !== undefined) return key
  throw new ProviderError(
    403,
    'no key was given; sign the request (authorization: AWS4-HMAC-SHA256 Credential=...) or send an API key as Bearer',
    { code: 'MissingAuthenticationTokenException' },
  )
}

/**
 * @param bodyChars length of the whole body
 * @param modelId from the path, decoded
 * @param stream whether the path asks for a stream: the body does not say
 * @throws {ProviderError} 400 naming what is wrong
 */
export function readConverseRequest(
  fields: Fields,
  bodyChars: number,
  modelId: string,
  stream: boolean,
): ConverseRequest {
  const model = readModel(modelId)
  const messages = readMessages(fields.messages).map(readMessage)
  checkSystem(fields.system)
  return {
    model,
    promptTokens: estimateTokens(bodyChars),
    stream,
    maxTokens: readMaxTokens(fields.inferenceConfig),
    toolCall: readToolCall(fields.toolConfig, messages.at(-1)!),
  }
}

interface Message {
  role: 'user' | 'assistant'
  content: readonly unknown[]
}

// Where the dialect is unlike the others: no other role, and never content that is plain text.
function readMessage(message: unknown, at: number): Message {
  if (isFields(message)) {
    const { role, content } = message
    if ((role === 'user' || role === 'assistant') && Array.isArray(content)) return { role, content }
  }
  throw badRequest(
    `messages[${at}]: must be {"role":"user","content":[{"text":...}]}, or of the assistant; got ${shown(message)}`,
    'messages',
  )
}

/** @throws {ProviderError} 400 */
function checkSystem(system: unknown): void {
  if (system === undefined || system === null) return
  if (Array.isArray(system) && system.every(isFields)) return
  throw badRequest(`system: must be an array of blocks such as {"text":...}, got ${shown(system)}`, 'system')
}

function readMaxTokens(config: unknown): number | undefined {
  if (config === undefined || config === null) return undefined
  if (isFields(config)) return readCount(config.maxTokens, 'inferenceConfig.maxTokens')
  throw badRequest(`inferenceConfig: must be an object, got ${shown(config)}`, 'inferenceConfig')
}

function readToolCall(config: unknown, { role, content }: Message): ToolCall | undefined {
  if (config === undefined || config === null) return undefined
  if (!isFields(config)) throw badRequest(`toolConfig: must be an object, got ${shown(config)}`, 'toolConfig')
  const hasResult = content.some((block) => isFields(block) && isFields(block.toolResult))
  const lastRole = hasResult ? 'tool' : role === 'user' ? 'user' : 'other'
  return decideToolCall(readTools(config.tools), readToolChoice(config.toolChoice), { role: lastRole, content })
}

function readTools(tools: unknown): Tool[] {
  if (!Array.isArray(tools) || tools.length === 0) {
    throw badRequest(
      `toolConfig.tools: must be an array with at least one tool, got ${shown(tools ?? null)}`,
      'toolConfig',
    )
  }
  return tools.flatMap((tool: unknown, at) => {
    if (isFields(tool)) {
      const { toolSpec, cachePoint, systemTool } = tool
      if (isFields(toolSpec) && typeof toolSpec.name === 'string') {
        const { name, inputSchema } = toolSpec
        return [{ name, schema: isFields(inputSchema) ? inputSchema.json : undefined }]
      }
      // Members of the list that the mock's model does not call.
      if (isFields(cachePoint) || isFields(systemTool)) return []
    }
    throw badRequest(
      `toolConfig.tools[${at}]: must be {"toolSpec":{"name":...,"inputSchema":{"json":...}}}, got ${shown(tool)}`,
      'toolConfig',
    )
  })
}

function readToolChoice(choice: unknown): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (isFields(choice)) {
    if (isFields(choice.auto)) return 'auto'
    if (isFields(choice.any)) return 'required'
    if (isFields(choice.tool) && typeof choice.tool.name === 'string') return { name: choice.tool.name }
  }
  throw badRequest(
    `toolConfig.toolChoice: must be {"auto":{}}, {"any":{}} or {"tool":{"name":...}}, got ${shown(choice)}`,
    'toolConfig',
  )
}

const BEFORE_CONTENT = '{"output":{"message":{"role":"assistant","content":['

function afterContent(stopReason: string, inputTokens: number, outputTokens: number, delay: MockDelay): string {
  return `]}},"stopReason":"${stopReason}",${countsJson(inputTokens, outputTokens, delay)}}`
}

function countsJson(inputTokens: number, outputTokens: number, { actualUs }: MockDelay): string {
  const usage = `{"inputTokens":${inputTokens},"outputTokens":${outputTokens},"totalTokens":${inputTokens + outputTokens}}`
  return `"usage":${usage},"metrics":{"latencyMs":${Math.round(actualUs / 1_000)}}`
}

const CONVERSE: BodyShape = {
  before: () => `${BEFORE_CONTENT}{"text":"`,
  after: ({ promptTokens, delay }, outputTokens, capped) =>
    `"}${afterContent(capped ? 'max_tokens' : 'end_turn', promptTokens, outputTokens, delay)}`,
}

const TEMPLATE = new CompletionTemplate(CONVERSE)

// An answer does not name its model.
const NO_MODEL = ''

/**
 * Converse and ConverseStream as Bedrock gives them.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export const converseWire: Wire<ConverseRequest> = {
  smallestBytes: ({ toolCall }) => (toolCall ? 0 : TEMPLATE.smallestBytes(NO_MODEL)),
  body({ promptTokens, maxTokens, toolCall }, facts) {
    const { sequence, delay, createdSec } = facts
    if (!toolCall) {
      return TEMPLATE.compose({ sequence, delay, createdSec, model: NO_MODEL, promptTokens, maxTokens }, facts)
    }
    const block = `{"toolUse":{${toolUseMembers(toolCall, sequence)},"input":${toolCall.argumentsJson}}}`
    const outputTokens = estimateTokens(toolCall.argumentsJson.length)
    return BEFORE_CONTENT + block + afterContent('tool_use', promptTokens, outputTokens, delay)
  },
  stream: (request, facts) => (request.stream ? new ConverseStream(request, facts) : undefined),
  head: (_request, { sequence }) => ['x-amzn-requestid', `mock-${sequence}`],
  error: bedrockError,
  errorHead: bedrockErrorHead,
}

function toolUseMembers({ name }: ToolCall, sequence: number): string {
  return `"toolUseId":"tooluse_${sequence}","name":${asciiJson(name)}`
}

const MESSAGE_START = eventFrame('messageStart', '{"role":"assistant"}')
const CONTENT_BLOCK_STOP = eventFrame('contentBlockStop', '{"contentBlockIndex":0}')

/**
 * The published sequence of events; a block of text starts without an event of its own.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
class ConverseStream implements StreamScript {
  readonly contentType = EVENT_FRAMES
  readonly chunks: number
  readonly #request: ConverseRequest
  readonly #sequence: number
  /** Of the tool's input; undefined for a stream of text. */
  readonly #fragments: string[] | undefined
  readonly #outputTokens: number
  readonly #stopReason: string
  #delay: MockDelay = { plannedUs: 0, actualUs: 0 }

  constructor(request: ConverseRequest, facts: StreamFacts) {
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
    this.#delay = delay
    const { toolCall } = this.#request
    if (!toolCall) return MESSAGE_START
    const start = `{"toolUse":{${toolUseMembers(toolCall, this.#sequence)}}}`
    return MESSAGE_START + eventFrame('contentBlockStart', `{"contentBlockIndex":0,"start":${start}}`)
  }

  chunk(index: number, text: string): string {
    const delta = this.#fragments ? `{"toolUse":{"input":${asciiJson(this.#fragments[index])}}}` : `{"text":"${text}"}`
    return eventFrame('contentBlockDelta', `{"contentBlockIndex":0,"delta":${delta}}`)
  }

  end(): string {
    const counts = countsJson(this.#request.promptTokens, this.#outputTokens, this.#delay)
    return (
      CONTENT_BLOCK_STOP +
      eventFrame('messageStop', `{"stopReason":"${this.#stopReason}"}`) +
      eventFrame('metadata', `{${counts}}`)
    )
  }
}
