import assert from 'node:assert/strict'
import { timingSafeEqual } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'

import type { ErrorBody } from '../core/errors.ts'
import { CallerKeys } from './caller-keys.ts'
import { post, talk } from './hostile.test-support.ts'
import {
  assertNothingLeaked,
  CHAT,
  providerFile,
  type RunningGateway,
  startGateway,
  startProvider,
} from './test-support.ts'

const KEY = 'caller-key-0123456789'
const OTHER_KEY = 'other-caller-key-0123456789'
const KEYS = [
  { name: 'a', value: KEY },
  { name: 'b', value: OTHER_KEY },
]

async function start(t: TestContext, callerKeys: typeof KEYS) {
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    config: { caller_keys: callerKeys },
    providers: { openai: providerFile(provider.url, { keys: [{ value: 'sk-secret', models: ['m'] }] }) },
  })
  return { provider, gateway }
}

/** Every route that the server has, off the tree that Fastify draws: a step is indented by four characters. */
function routes({ app }: RunningGateway): [method: string, path: string][] {
  const steps: string[] = []
  const found: [string, string][] = []
  for (const line of app.printRoutes().trimEnd().split('\n')) {
    const [, indent, step, methods = ''] = /^(.*── )(\S+)(?: \((.+)\))?$/.exec(line) ?? assert.fail(line)
    steps.splice(indent!.length / 4 - 1, Infinity, step!)
    const path = steps.join('').replace('*', 'openai/m')
    for (const method of methods.split(', ')) if (method !== '') found.push([method, path])
  }
  return found
}

const call = (gateway: RunningGateway, [method, path]: [string, string], headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}${path}`, {
    method,
    headers,
    ...(method === 'POST' && { body: JSON.stringify({ ...CHAT, input: 'a' }) }),
  })

describe('without keys of its own', () => {
  test('the gateway serves everyone, whatever key they show', async (t) => {
    const { gateway } = await start(t, [])
    assert.equal((await gateway.chat()).status, 200)
    assert.equal((await gateway.chat(CHAT, { authorization: 'Bearer anything' })).status, 200)
  })
})

describe('with keys of its own', () => {
  test('every route but /health wants one of them', async (t) => {
    const { gateway, provider } = await start(t, KEYS)
    const all = routes(gateway)
    assert.deepEqual(all.map((route) => route.join(' ')).sort(), [
      ...['GET /debug/stages', 'GET /health', 'GET /metrics', 'GET /v1/models', 'GET /v1/models/openai/m'],
      ...['POST /debug/stages/reset', 'POST /v1/chat/completions', 'POST /v1/embeddings'],
    ])
    for (const route of all) {
      const response = await call(gateway, route)
      const open = route[1] === '/health'
      assert.equal(response.status, open ? 200 : 401, route.join(' '))
      const body = (await response.json()) as ErrorBody
      if (open) continue
      assert.deepEqual([body.error.type, body.error.code], ['authentication_error', 'invalid_api_key'])
    }
    assert.equal(provider.requests.length, 0)
    for (const route of all) {
      assert.equal((await call(gateway, route, { authorization: `Bearer ${KEY}` })).status, 200, route.join(' '))
    }
    assertNothingLeaked(gateway)
  })

  test('each of them opens, in each of the three headers, and none goes to the provider', async (t) => {
    const { gateway, provider } = await start(t, KEYS)
    for (const key of [KEY, OTHER_KEY]) {
      for (const headers of [
        { authorization: `Bearer ${key}` },
        { authorization: `bearer  ${key}` },
        { 'x-api-key': key },
        { 'api-key': key },
      ]) {
        assert.equal((await gateway.chat(CHAT, headers)).status, 200)
        const { headers: sent } = provider.requests.pop()!
        assert.equal(sent.authorization, 'Bearer sk-secret')
        assert.ok(!JSON.stringify(sent).includes(key))
      }
    }
  })

  test('anything else is 401: nothing of it reaches the provider, and the answer repeats no key', async (t) => {
    const { gateway, provider } = await start(t, KEYS)
    for (const lines of [
      [],
      ['authorization: Bearer'],
      ['authorization: Bearer '],
      [`authorization: ${KEY}`],
      [`authorization: Basic ${KEY}`],
      [`authorization: Bearer ${KEY.slice(0, -1)}`],
      [`authorization: Bearer ${KEY}x`],
      [`authorization: Bearer ${KEY} x`],
      [`authorization: Bearer ${KEY},${OTHER_KEY}`],
      [`authorization: Bearer ${KEY.toUpperCase()}`],
      [`authorization: Bearer ${KEY}\xff`],
      [`authorization: Bearer ${'x'.repeat(8_000)}`],
      ['authorization: Bearer wrong', `authorization: Bearer ${KEY}`],
      ['authorization: Bearer wrong', `x-api-key: ${KEY}`],
      [`x-api-key: ${KEY}`, `x-api-key: ${KEY}`],
      [`x-api-key: wrong`, `api-key: ${KEY}`],
      [`x-api-key: ${KEY}x`],
      ['x-api-key:'],
      [`cookie: authorization=${KEY}`],
      [`x-authorization: Bearer ${KEY}`],
    ]) {
      const answers = await talk(gateway, post(JSON.stringify(CHAT), lines))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [401],
        lines.join(),
      )
      assert.ok(!answers[0]!.body.includes(KEY))
      assert.match(answers[0]!.body, /"type":"authentication_error"/)
    }
    assert.equal(provider.requests.length, 0)
    assertNothingLeaked(gateway)
  })
})

describe('comparison', () => {
  test('every key is compared each time, in digests of one length, whichever is right', () => {
    for (const [shown, admitted] of [
      [KEY, true],
      [OTHER_KEY, true],
      ['', false],
      ['x'.repeat(10_000), false],
    ] as const) {
      const lengths: number[] = []
      const keys = new CallerKeys(KEYS, (known, digest) => {
        lengths.push(known.byteLength, digest.byteLength)
        return timingSafeEqual(known, digest)
      })
      assert.equal(keys.admits({ 'x-api-key': shown }), admitted)
      assert.deepEqual(lengths, [32, 32, 32, 32])
    }
  })
})
