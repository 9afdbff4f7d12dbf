import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ProviderError } from '../provider-error.ts'
import { bedrockError, bedrockErrorHead } from './bedrock-error.ts'

describe('an error of Bedrock', () => {
  for (const [status, type] of [
    [400, 'ValidationException'],
    [401, 'UnrecognizedClientException'],
    [403, 'AccessDeniedException'],
    [404, 'ResourceNotFoundException'],
    [408, 'ModelTimeoutException'],
    [409, 'ConflictException'],
    [418, 'ValidationException'],
    [424, 'ModelErrorException'],
    [429, 'ThrottlingException'],
    [500, 'InternalServerException'],
    [502, 'InternalServerException'],
    [503, 'ServiceUnavailableException'],
  ] as const) {
    test(`of status ${status} is a ${type}`, () => {
      assert.deepEqual(bedrockErrorHead(new ProviderError(status, 'no')), ['x-amzn-errortype', type])
    })
  }

  test('has the name that it brings', () => {
    const error = new ProviderError(403, 'no', { code: 'ExpiredTokenException' })
    assert.deepEqual(bedrockErrorHead(error), ['x-amzn-errortype', 'ExpiredTokenException'])
  })

  test('says its message in a body of ASCII', () => {
    const body = bedrockError(new ProviderError(400, 'model: "größer" \u{1f600}'))
    assert.match(body, /^[\x20-\x7e]+$/)
    assert.deepEqual(JSON.parse(body), { message: 'model: "größer" \u{1f600}' })
  })
})
