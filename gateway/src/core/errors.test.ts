import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { HttpSyntaxError } from '../http1/response-parser.ts'
import { GatewayError, gatewayErrorBody, providerErrorBody, streamErrorBody, upstreamError } from './errors.ts'
import { AnswerTooLargeError } from './upstream-errors.ts'

const ORIGIN = { provider: 'openai', model: 'openai/x', requestType: 'chat_completion' } as const
const clean = (text: string): string => text.replaceAll('sk-1', '[key]')
const EXTRA = { provider: 'openai', model_requested: 'openai/x', request_type: 'chat_completion' }

test("the gateway's own errors have the documented body", () => {
  assert.deepEqual(gatewayErrorBody(new GatewayError('queue_full', 'request dropped: queue is full'), ORIGIN), {
    is_gateway_error: true,
    status_code: 503,
    error: { type: 'request_dropped', code: 'queue_full', message: 'request dropped: queue is full' },
    extra_fields: EXTRA,
  })
})

describe("a provider's error", () => {
  const errorOf = (text: string) => providerErrorBody(429, text, ORIGIN, clean).error

  test('keeps its type, code and message, and is not the gateway’s', () => {
    const body = providerErrorBody(
      429,
      '{"error":{"type":"tokens","code":"rate_limit","message":"slow down"}}',
      ORIGIN,
      clean,
    )
    assert.deepEqual(body, {
      is_gateway_error: false,
      status_code: 429,
      error: { type: 'tokens', code: 'rate_limit', message: 'slow down' },
      extra_fields: EXTRA,
    })
  })

  test('in another shape is told as far as it can be', () => {
    assert.equal(errorOf('{"error":"bad"}').message, 'bad')
    assert.equal(errorOf('<html>busy</html>').message, '<html>busy</html>')
    assert.equal(errorOf('').message, 'openai answered 429')
    assert.equal(errorOf('[]').message, 'openai answered 429')
    assert.equal(errorOf('{"error":{"code":7}}').code, '7')
    assert.equal(errorOf('{"error":{"param":"messages"}}').param, 'messages')
    assert.equal(errorOf('x'.repeat(5_000)).message.length, 1_000)
  })
})

test('an error inside a stream has the same body', () => {
  const failure = { status: 503, type: 'overloaded', code: null, message: 'busy' }
  assert.deepEqual(streamErrorBody(failure, ORIGIN, clean), {
    is_gateway_error: false,
    status_code: 503,
    error: { type: 'overloaded', code: null, message: 'busy' },
    extra_fields: EXTRA,
  })
})

describe('a secret', () => {
  test('is taken out of every text that a provider says', () => {
    const error = { type: 'wrong sk-1', code: 'sk-1', message: 'wrong key sk-1, not sk-1', param: 'sk-1' }
    const cleaned = { type: 'wrong [key]', code: '[key]', message: 'wrong key [key], not [key]', param: '[key]' }
    assert.deepEqual(providerErrorBody(401, JSON.stringify({ error }), ORIGIN, clean).error, cleaned)
    const { param: _param, ...streamed } = cleaned
    assert.deepEqual(streamErrorBody({ status: 401, ...error }, ORIGIN, clean).error, streamed)
  })

  test('is taken out of a text before it is cut: no beginning of it stays', () => {
    const { message } = providerErrorBody(401, `${'x'.repeat(998)}sk-1`, ORIGIN, clean).error
    assert.equal(message, `${'x'.repeat(998)}[k`)
  })
})

test('a failed connection becomes the status that says whose fault it is', () => {
  const status = (code: string) => upstreamError('openai', Object.assign(new Error('x'), { code })).status
  assert.deepEqual(
    ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET', 'HPE_INVALID_CONSTANT'].map(status),
    [502, 502, 502, 502],
  )
  assert.deepEqual(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'].map(status), [504, 504])
})

test('an answer that is too long, or is not HTTP, is the answer of a provider that is out of order, in plain words', () => {
  const tooLarge = upstreamError('openai', new AnswerTooLargeError(5))
  assert.deepEqual(
    [tooLarge.code, tooLarge.status, tooLarge.message],
    ['upstream_invalid_response', 502, 'openai: the answer is larger than 5 bytes'],
  )
  assert.equal(upstreamError('openai', new HttpSyntaxError('x')).code, 'upstream_invalid_response')
})
