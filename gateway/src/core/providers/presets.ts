import { anthropic } from './anthropic.ts'
import { azure } from './azure.ts'
import { openai } from './openai.ts'
import type { ProviderAdapter } from './provider.ts'

/** What a provider's name alone says about it. */
export interface Preset {
  adapter: ProviderAdapter
  /** Without the version, which is part of the adapter's paths. Absent: the configuration must give one. */
  baseUrl?: string
  /** Works without a key. */
  keyless?: true
  /** Its models are deployments, under names of the caller's own, and it takes an `api-version`. */
  deployments?: true
}

/**
 * Providers whose protocol, and mostly whose address, follow from the name. Any other name stands for a server that
 * speaks OpenAI's protocol at a base URL of its own.
 */
export const PRESETS: Readonly<Record<string, Preset>> = {
  // https://platform.openai.com/docs/api-reference
  openai: { adapter: openai, baseUrl: 'https://api.openai.com' },
  // https://learn.microsoft.com/en-us/azure/ai-services/openai/reference: the host is the customer's resource
  azure: { adapter: azure, deployments: true },
  // https://docs.anthropic.com/en/api/messages
  anthropic: { adapter: anthropic, baseUrl: 'https://api.anthropic.com' },
  // https://console.groq.com/docs/openai
  groq: { adapter: openai, baseUrl: 'https://api.groq.com/openai' },
  // https://github.com/ollama/ollama/blob/main/docs/openai.md
  ollama: { adapter: openai, baseUrl: 'http://127.0.0.1:11434', keyless: true },
  // https://docs.mistral.ai/resources/migration-guides
  mistral: { adapter: openai, baseUrl: 'https://api.mistral.ai' },
  // https://openrouter.ai/docs/quickstart
  openrouter: { adapter: openai, baseUrl: 'https://openrouter.ai/api' },
  // https://api-docs.deepseek.com
  deepseek: { adapter: openai, baseUrl: 'https://api.deepseek.com' },
  // https://docs.x.ai/api/integrations
  xai: { adapter: openai, baseUrl: 'https://api.x.ai' },
  // https://inference-docs.cerebras.ai/resources/openai
  cerebras: { adapter: openai, baseUrl: 'https://api.cerebras.ai' },
}
