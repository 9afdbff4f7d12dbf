const FINISH_REASONS = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  // A server's tool loop pauses; what there is of the answer is whole.
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
])

/**
 * Why the answer ends, in OpenAI's terms; a reason not known here ended it, so `stop`.
 * Source: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
 */
export function finishReason(stopReason: unknown): string {
  return (typeof stopReason === 'string' ? FINISH_REASONS.get(stopReason) : undefined) ?? 'stop'
}
