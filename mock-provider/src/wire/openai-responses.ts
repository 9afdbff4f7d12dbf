import { CompletionTemplate, estimateTokens, type BodyShape } from '../completion.ts'
import { badRequest } from '../provider-error.ts'
import { openAiError } from './openai-error.ts'
import {
  AFTER_TEXT,
  afterItems,
  afterParts,
  BEFORE_TEXT,
  beforeItems,
  beforeParts,
  callItem,
  usageJson,
} from './openai-responses-object.ts'
import { ResponseCallStream, ResponseTextStream } from './openai-responses-stream.ts'
import { isFields, readBoolean, readModel, shown, type Fields } from './request-fields.ts'
import { decideToolCall, type Tool, type ToolCall, type ToolChoice } from './tool-call.ts'
import type { Wire, WireRequest } from './wire.ts'

/** What the mock needs to know of a request for a response. */
export interface ResponsesRequest extends WireRequest {
  stream: boolean
  toolCall: ToolCall | undefined
}

/**
 * @param bodyChars length of the whole body
 * @throws {ProviderError} 400 naming what is wrong
 */
export function readResponsesRequest(fields: Fields, bodyChars: number): ResponsesRequest {
  const model = readModel(fields.model)
  const lastItem = readLastItem(fields.input)
  return {
    model,
    promptTokens: estimateTokens(bodyChars),
    stream: readBoolean(fields.stream, 'stream'),
    maxTokens: readMaxTokens(fields.max_output_tokens),
    toolCall: readToolCall(fields, lastItem),
  }
}

/** A text is short for the user's message. */
function readLastItem(input: unknown): Fields {
  if (typeof input === 'string') return { role: 'user', content: input }
  if (!Array.isArray(input) || input.length === 0) {
    throw badRequest('you must provide input: a text, or an array with at least one item', 'input')
  }
  const items = input.map((item: unknown, at) => {
    if (isFields(item)) return item
    throw badRequest(`input[${at}]: must be an item, which is an object, got ${shown(item)}`, 'input')
  })
  return items.at(-1)!
}

/** OpenAI refuses a lower limit, with its error `integer_below_min_value`. */
const LEAST_OUTPUT_TOKENS = 16

function readMaxTokens(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= LEAST_OUTPUT_TOKENS) return value
  throw badRequest(
    `max_output_tokens: must be a whole number of at least ${LEAST_OUTPUT_TOKENS}, got ${shown(value)}`,
    'max_output_tokens',
  )
}

function readToolCall({ tools, tool_choice }: Fields, lastItem: Fields): ToolCall | undefined {
  if (tools === undefined || tools === null) return undefined
  const { type, role, content } = lastItem
  const lastRole = type === 'function_call_output' ? 'tool' : role === 'user' ? 'user' : 'other'
  return decideToolCall(readTools(tools), readToolChoice(tool_choice), { role: lastRole, content })
}

/** The caller's functions: tools that OpenAI would run itself, as web_search, are allowed and never used. */
function readTools(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) throw badRequest(`tools: must be an array, got ${shown(tools)}`, 'tools')
  return tools.flatMap((tool: unknown, at) => {
    if (isFields(tool)) {
      const { type, name, parameters } = tool
      if (type === 'function' && typeof name === 'string') return { name, schema: parameters }
      if (type !== 'function' && typeof type === 'string') return []
    }
    throw badRequest(
      `tools[${at}]: must be {"type":"function","name":...,"parameters":...}, got ${shown(tool)}`,
      'tools',
    )
  })
}

function readToolChoice(choice: unknown): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice
  if (isFields(choice) && choice.type === 'function' && typeof choice.name === 'string') return { name: choice.name }
  throw badRequest(
    `tool_choice: must be none, auto, required or {"type":"function","name":...}, got ${shown(choice)}`,
    'tool_choice',
  )
}

const RESPONSE: BodyShape = {
  before: (facts) => beforeItems(facts) + beforeParts(facts.sequence) + BEFORE_TEXT,
  after({ promptTokens }, outputTokens, capped) {
    const status = capped ? 'incomplete' : 'completed'
    return AFTER_TEXT + afterParts(status) + afterItems(status, usageJson(promptTokens, outputTokens))
  },
}

const TEMPLATE = new CompletionTemplate(RESPONSE)

/**
 * Responses as OpenAI gives them. Nothing is stored, so that a response cannot be retrieved, and what a request says of
 * an earlier one is not looked at.
 * Source: https://platform.openai.com/docs/api-reference/responses
 */
export const responsesWire: Wire<ResponsesRequest> = {
  // The template's figure is for an answer that its limit ended, and for the length of "null" as that limit. A longer
  // limit (10,000 or more) ends no answer of so few bytes, and an answer that ended by itself says less.
  smallestBytes: ({ model, toolCall }) => (toolCall ? 0 : TEMPLATE.smallestBytes(model)),
  body({ model, promptTokens, maxTokens, toolCall }, facts) {
    const { sequence, delay, createdSec } = facts
    const completionFacts = { sequence, delay, createdSec, model, promptTokens, maxTokens }
    if (!toolCall) return TEMPLATE.compose(completionFacts, facts)
    const usage = usageJson(promptTokens, estimateTokens(toolCall.argumentsJson.length))
    return beforeItems(completionFacts) + callItem(sequence, toolCall, 'completed') + afterItems('completed', usage)
  },
  stream(request, facts) {
    if (!request.stream) return undefined
    return request.toolCall
      ? new ResponseCallStream(request, request.toolCall, facts)
      : new ResponseTextStream(request, facts)
  },
  error: openAiError,
}
