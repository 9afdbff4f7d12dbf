import { estimateTokens } from '../completion.ts'
import { badRequest } from '../provider-error.ts'
import { base64Of, vectorOf } from './embeddings-vector.ts'
import { openAiError } from './openai-error.ts'
import { readCount, readModel, shown, type Fields } from './request-fields.ts'
import type { Wire, WireRequest } from './wire.ts'

/** What the mock needs to know of an embeddings request. */
export interface EmbeddingsRequest extends WireRequest {
  /** One text for each vector; tokens stand for a text of their own. */
  inputs: readonly string[]
  dimensions: number
  base64: boolean
}

const DEFAULT_DIMENSIONS = 8
const MOST_DIMENSIONS = 3_072
const MOST_INPUTS = 2_048
// All of them are composed in one go, while every other answer waits: 0.6 s for a million (once, on 2 vCPUs).
const MOST_NUMBERS = 1_000_000

/** @throws {ProviderError} 400 naming what is wrong */
export function readEmbeddingsRequest(fields: Fields): EmbeddingsRequest {
  const model = readModel(fields.model)
  const { inputs, tokens } = readInput(fields.input)
  const format = fields.encoding_format ?? 'float'
  if (format !== 'float' && format !== 'base64') {
    throw badRequest(`encoding_format: must be float or base64, got ${shown(format)}`, 'encoding_format')
  }
  const dimensions = readCount(fields.dimensions, 'dimensions', MOST_DIMENSIONS) ?? DEFAULT_DIMENSIONS
  if (inputs.length * dimensions > MOST_NUMBERS) {
    throw badRequest(
      `dimensions: ${inputs.length} inputs of ${dimensions} dimensions are more than ${MOST_NUMBERS} numbers; ask for fewer at once`,
      'dimensions',
    )
  }
  return {
    model,
    inputs,
    promptTokens: tokens,
    // Vectors are no tokens.
    maxTokens: 0,
    dimensions,
    base64: format === 'base64',
  }
}

function readInput(input: unknown): { inputs: string[]; tokens: number } {
  const items: unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input]
  const isGood = (item: unknown) => (typeof item === 'string' && item !== '') || isTokens(item)
  if (items.length === 0 || items.length > MOST_INPUTS || !items.every(isGood)) {
    throw badRequest(
      `input: must be a text, an array of tokens, or an array of 1 to ${MOST_INPUTS} of them, none empty; got ${shown(input ?? null)}`,
      'input',
    )
  }
  return {
    inputs: items.map((item) => (typeof item === 'string' ? item : `tokens ${(item as number[]).join(' ')}`)),
    tokens: items.reduce<number>(
      (sum, item) => sum + (typeof item === 'string' ? estimateTokens(item.length) : (item as number[]).length),
      0,
    ),
  }
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item))
}

/** Embeddings as OpenAI gives them. Source: https://platform.openai.com/docs/api-reference/embeddings */
export const embeddingsWire: Wire<EmbeddingsRequest> = {
  body({ model, inputs, promptTokens, dimensions, base64 }) {
    const data = inputs.map((input, index) => {
      const vector = vectorOf(input, dimensions)
      const embedding = base64 ? `"${base64Of(vector)}"` : `[${vector.join(',')}]`
      return `{"object":"embedding","index":${index},"embedding":${embedding}}`
    })
    return `{"object":"list","data":[${data.join(',')}],"model":${model},"usage":{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens}}}`
  },
  error: openAiError,
}
