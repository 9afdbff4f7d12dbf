import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProviderError } from '../provider-error.ts'
import { readMessagesRequest } from './anthropic-messages.ts'
import { readChatRequest } from './openai-chat.ts'
import { readEmbeddingsRequest } from './openai-embeddings.ts'
import { parseFields, shown, type Fields } from './request-fields.ts'

const NAMES = ['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'tools']
const MORE_NAMES = ['tool_choice', 'input', 'dimensions', 'encoding_format']
/** Fields that are likely to be right, so that each run gets past some of the checks. */
const GOOD: Fields = { model: 'm', messages: [{ role: 'user', content: 'use the tool' }], max_tokens: 5, input: 'x' }

test('whatever the fields hold, a request is read or refused with 400 and a message', () => {
  const fields = fc.dictionary(fc.constantFrom(...NAMES, ...MORE_NAMES), fc.jsonValue())
  fc.assert(
    fc.property(fields, fc.boolean(), (wild, mostlyGood) => {
      const request = (mostlyGood ? { ...GOOD, ...wild } : wild) as Fields
      for (const read of [readChatRequest, readMessagesRequest, readEmbeddingsRequest]) {
        try {
          read(request, 100)
        } catch (error) {
          assert.ok(error instanceof ProviderError, String(error))
          assert.equal(error.statusCode, 400)
          assert.notEqual(error.message, '')
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('whatever text a body is, it is a JSON object or refused with 400', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      try {
        assert.equal(typeof parseFields(body), 'object')
      } catch (error) {
        assert.ok(error instanceof ProviderError && error.statusCode === 400, String(error))
      }
    }),
  )
})

test('however deep a value is, a message shows something', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  assert.equal(shown(deep), 'a value nested too deep')
  assert.equal(shown([[1]]), '[[1]]')
  assert.equal(shown(undefined), 'nothing')
})
