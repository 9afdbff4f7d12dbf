import assert from 'node:assert/strict'
import { test } from 'node:test'

import { PRESETS } from './presets.ts'

test('base URLs are written without the version that the paths bring', () => {
  for (const [name, { baseUrl }] of Object.entries(PRESETS)) {
    if (baseUrl !== undefined) assert.match(baseUrl, /^https?:\/\/[^/]+(\/[a-z]+)?$/, name)
  }
})

test("with the preset's path, addresses are those that the providers publish", () => {
  const address = (name: string) => {
    const { adapter, baseUrl } = PRESETS[name]!
    return `${baseUrl!}${adapter.path('chat_completion', 'm', {})}`
  }
  assert.equal(address('openai'), 'https://api.openai.com/v1/chat/completions')
  assert.equal(address('anthropic'), 'https://api.anthropic.com/v1/messages')
  assert.equal(address('groq'), 'https://api.groq.com/openai/v1/chat/completions')
  assert.equal(address('openrouter'), 'https://openrouter.ai/api/v1/chat/completions')
})
