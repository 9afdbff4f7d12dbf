import { modelJson } from './completion.ts'

/** What the mock needs to know of a chat request. */
export interface ChatRequest {
  /** The model as an ASCII JSON string, ready for the answer. */
  model: string
  /** Length of the whole request body. */
  bodyChars: number
}

/** A request that OpenAI would answer with a 400 of this shape. */
export class BadRequestError extends Error {
  readonly statusCode = 400
  readonly param: string | null

  constructor(message: string, param: string | null = null) {
    super(message)
    this.name = 'BadRequestError'
    this.param = param
  }
}

/**
 * @param modelRoomBytes longest model, as JSON, that fits into an answer
 * @throws {BadRequestError} naming what is wrong
 */
export function readChatRequest(body: string, modelRoomBytes: number): ChatRequest {
  const request = parseObject(body)
  const { model, messages, stream } = request
  if (typeof model !== 'string' || model === '') {
    throw new BadRequestError('you must provide a model parameter: a string that is not empty', 'model')
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new BadRequestError('you must provide messages: an array with at least one message', 'messages')
  }
  if (stream === true) {
    throw new BadRequestError('stream: true is not supported yet by the mock provider; leave stream out', 'stream')
  }
  const json = modelJson(model)
  if (json.length > modelRoomBytes) {
    throw new BadRequestError(
      `model takes ${json.length} bytes as JSON; at this --response-size it must take at most ${modelRoomBytes}`,
      'model',
    )
  }
  return { model: json, bodyChars: body.length }
}

function parseObject(body: string): Partial<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw new BadRequestError(`the body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadRequestError('the body must be a JSON object')
  }
  return value
}
