import type { ChatRequest } from '../provider.ts'
import { invalid } from './invalid.ts'
import { toolParams } from './tools.ts'

/** Anthropic demands a limit; this one stands in where the caller gives none. */
export const DEFAULT_MAX_TOKENS = 4_096

/** Translated, or the gateway's own. `__proto__` would not become a member when set. */
const HANDLED = [
  'model',
  'messages',
  'provider',
  'fallbacks',
  '__proto__',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'stop',
  'user',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
]

/** Wishes without a counterpart: the answer keeps its shape and meaning without them. */
const DROPPED = [
  'frequency_penalty',
  'logit_bias',
  'metadata',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning_effort',
  'safety_identifier',
  'seed',
  'service_tier',
  'store',
  'stream_options',
  'verbosity',
]

/** What the caller would miss in the answer, with the values that ask for nothing. */
const WITHOUT_COUNTERPART: Record<string, { allowed: (value: unknown) => boolean; right: string }> = {
  n: { allowed: (value) => value === 1, right: 'anthropic gives one choice; must be 1 or absent' },
  response_format: {
    allowed: (value) => typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
    right: 'anthropic answers with text; must be {"type":"text"} or absent',
  },
  logprobs: {
    allowed: (value) => value === false,
    right: 'anthropic gives no log probabilities; must be false or absent',
  },
  top_logprobs: { allowed: (value) => value === 0, right: 'anthropic gives no log probabilities; must be absent' },
  modalities: {
    allowed: (value) => Array.isArray(value) && value.every((name) => name === 'text'),
    right: 'anthropic answers with text; must be ["text"] or absent',
  },
  audio: { allowed: () => false, right: 'anthropic answers with text; must be absent' },
  functions: { allowed: () => false, right: 'is deprecated and not translated; use tools' },
  function_call: { allowed: () => false, right: 'is deprecated and not translated; use tool_choice' },
  web_search_options: { allowed: () => false, right: 'is not translated; must be absent' },
}

const NOT_PASSED = new Set([...HANDLED, ...DROPPED, ...Object.keys(WITHOUT_COUNTERPART)])

/**
 * Everything in a request but the messages, in Anthropic's terms.
 *
 * - `max_completion_tokens`, or `max_tokens`, or 4,096 becomes `max_tokens`
 * - `temperature` up to 1 stays: OpenAI's scale ends at 2, Anthropic's at 1
 * - `stop` becomes `stop_sequences`, `user` becomes `metadata.user_id`
 * - `tools`, `tool_choice` and `parallel_tool_calls`: see `tools.ts`
 * - refused, because the answer would lack something: `n` above 1, `response_format` other than text, `logprobs`,
 *   `top_logprobs`, audio, `functions`, `function_call`, `web_search_options`
 * - dropped: `frequency_penalty`, `logit_bias`, `metadata`, `prediction`, `presence_penalty`, `prompt_cache_key`,
 *   `prompt_cache_retention`, `reasoning_effort`, `safety_identifier`, `seed`, `service_tier`, `store`,
 *   `stream_options`, `verbosity`, and every parameter that is null
 * - anything else (`stream`, `top_p`, and Anthropic's own: `top_k`, `thinking`, ...) passes as it is
 *
 * @throws GatewayError `invalid_request` naming the parameter, its value and what would be right
 */
export function anthropicParams(request: ChatRequest): Record<string, unknown> {
  for (const [name, { allowed, right }] of Object.entries(WITHOUT_COUNTERPART)) {
    const value = given(request, name)
    if (value !== undefined && !allowed(value)) throw invalid(name, value, right)
  }
  const params: Record<string, unknown> = {
    max_tokens: given(request, 'max_completion_tokens') ?? given(request, 'max_tokens') ?? DEFAULT_MAX_TOKENS,
  }
  const temperature = given(request, 'temperature')
  if (typeof temperature === 'number' && temperature > 1) {
    throw invalid('temperature', temperature, "must be at most 1, where anthropic's scale ends")
  }
  set(params, 'temperature', temperature)
  const stop = given(request, 'stop')
  set(params, 'stop_sequences', typeof stop === 'string' ? [stop] : stop)
  const user = given(request, 'user')
  if (user !== undefined) params.metadata = { user_id: user }
  Object.assign(params, toolParams(request))
  for (const name of Object.keys(request)) {
    if (!NOT_PASSED.has(name)) set(params, name, given(request, name))
  }
  return params
}

/** OpenAI takes null for absent; Anthropic does not. */
function given(request: ChatRequest, name: string): unknown {
  return Object.hasOwn(request, name) ? (request[name] ?? undefined) : undefined
}

function set(params: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined) params[name] = value
}
