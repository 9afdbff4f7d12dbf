import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProviderError } from '../provider-error.ts'
import { geminiError } from './gemini-error.ts'

for (const [statusCode, status] of [
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [413, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [501, 'UNIMPLEMENTED'],
  [502, 'INTERNAL'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
] as const) {
  test(`an error with ${statusCode} is named ${status}`, () => {
    const body = geminiError(new ProviderError(statusCode, 'why "this" – and that'))
    assert.deepEqual(JSON.parse(body), { error: { code: statusCode, message: 'why "this" – and that', status } })
    assert.match(body, /^[ -~]+$/)
  })
}
