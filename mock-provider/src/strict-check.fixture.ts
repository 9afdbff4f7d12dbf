import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { checkRequest, expectationsOf, type ArrivedRequest } from './strict-check.ts'
import type { Violation } from './strict-violation.ts'
import { readStrict } from './strict.ts'
import type { Fields } from './wire/request-fields.ts'

/** What the tests of checking requests share: a request, and what is wrong with it by some expectation. */

export const PATH = '/v1/chat/completions'
const HEADERS: IncomingHttpHeaders = { host: 'mock', authorization: 'Bearer sk-abcdefgh', 'x-team': 'blue' }
export const BODY: Fields = {
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: 'Hello' },
  ],
  temperature: 0.5,
  stop: ['a', 'b'],
  metadata: { trace: 't', user: null },
}

/** What is wrong with a request, by what strict mode was told to expect. */
export function violationsOf(strict: unknown, request: Partial<ArrivedRequest> = {}): Violation[] {
  const problems: string[] = []
  const config = readStrict(strict, problems)
  assert.ok(config, problems.join())
  return checkRequest(expectationsOf(config), { path: PATH, headers: HEADERS, body: BODY, key: undefined, ...request })
}

/** What is wrong with a body. */
export function inBody(expected: unknown, body: Fields, ignore: string[] = []): Violation[] {
  return violationsOf({ requests: [{ path: PATH, body: expected, ignore }] }, { body })
}
