import { tokens } from '../tokens.ts'

/** Tokens as Anthropic counts them: what came from and went to its cache is apart from `input_tokens`. */
export interface AnthropicUsage {
  input_tokens?: unknown
  output_tokens?: unknown
  cache_creation_input_tokens?: unknown
  cache_read_input_tokens?: unknown
}

/** Tokens as OpenAI counts them: the prompt's include the cached ones. */
export class UsageCount {
  private input = 0
  private cacheWrites = 0
  private cacheReads = 0
  outputTokens = 0

  /** Takes over what the usage says; Anthropic's counts are totals so far, and absent ones are unchanged. */
  update(usage: unknown): void {
    if (typeof usage !== 'object' || usage === null) return
    const told = usage as AnthropicUsage
    this.input = tokens(told.input_tokens, this.input)
    this.cacheWrites = tokens(told.cache_creation_input_tokens, this.cacheWrites)
    this.cacheReads = tokens(told.cache_read_input_tokens, this.cacheReads)
    this.outputTokens = tokens(told.output_tokens, this.outputTokens)
  }

  get inputTokens(): number {
    return this.input + this.cacheWrites + this.cacheReads
  }

  /** The member `usage` of an answer in OpenAI's shape. */
  toJSON() {
    return {
      prompt_tokens: this.inputTokens,
      completion_tokens: this.outputTokens,
      total_tokens: this.inputTokens + this.outputTokens,
      prompt_tokens_details: { cached_tokens: this.cacheReads },
    }
  }
}
