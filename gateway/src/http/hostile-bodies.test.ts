import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'

import { BOUNDED, post, type StrictProvider, strictProvider, talk, wireAnswer } from './hostile.test-support.ts'
import {
  assertNothingLeaked,
  CHAT,
  COMPLETION,
  eventually,
  providerFile,
  type RunningGateway,
  startGateway,
} from './test-support.ts'

/** Bodies that are valid HTTP and mean harm. The provider takes nothing but heads of the gateway's own form. */

async function start(t: TestContext): Promise<{ provider: StrictProvider; gateway: RunningGateway }> {
  const provider = await strictProvider(t, ({ path }, socket) =>
    socket.write(wireAnswer(path === '/v1/messages' ? ANTHROPIC_ANSWER : JSON.stringify(COMPLETION))),
  )
  const azure = { endpoint: provider.url }
  const gateway = await startGateway(t, {
    config: { prometheus_labels: ['team'] },
    providers: {
      openai: providerFile(provider.url),
      azure: {
        keys: [{ value: 'sk-secret', azure_key_config: azure }],
        concurrency_and_buffer_size: { concurrency: 10, buffer_size: 10 },
      },
      anthropic: providerFile(provider.url),
    },
  })
  return { provider, gateway }
}

const ANTHROPIC_ANSWER = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1, output_tokens: 1 },
})

const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth)
const chatWith = (member: string): string => JSON.stringify(CHAT).replace(/\}$/, `,${member}}`)

async function statusOf(gateway: RunningGateway, body: string | Buffer): Promise<number> {
  const text = typeof body === 'string' ? Buffer.from(body) : body
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n`
  const [answer, ...others] = await talk(gateway, Buffer.concat([Buffer.from(head), text]))
  assert.equal(others.length, 0)
  await eventually(() => {
    assertNothingLeaked(gateway)
  })
  return answer!.status
}

describe('what JSON can hold', BOUNDED, () => {
  test('depths of 100,000 are refused, never a crash, wherever they stand', async (t) => {
    const { provider, gateway } = await start(t)
    const deep = nested(100_000)
    for (const body of [
      deep,
      nested(100_000, '{"a":', '}').replace('}', '1}'),
      chatWith(`"deep":${deep}`),
      chatWith(`"deep":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
      `{"model":"openai/m","messages":${deep}}`,
      `{"model":${deep},"messages":[1]}`,
      `{"model":"m","provider":${deep},"messages":[1]}`,
      chatWith(`"fallbacks":${deep}`),
      `{"model":"anthropic/m","messages":[{"role":"user","content":${deep}}]}`,
      `{"model":"anthropic/m","messages":[{"role":"user","content":"a"}],"tools":${deep}}`,
      chatWith(`"stream":true,"stream_options":${deep}`),
      '['.repeat(1_000_000),
    ]) {
      assert.equal(await statusOf(gateway, body), 400, body.slice(0, 60))
    }
    assert.deepEqual([provider.requests.length, provider.violations], [0, []])
    assert.equal(await statusOf(gateway, chatWith(`"deep":${nested(500)}`)), 200)
  })

  test('members with names of their own power pass as data or not at all', async (t) => {
    const { provider, gateway } = await start(t)
    const body = chatWith('"__proto__":{"model":"evil","stream":true},"constructor":{"prototype":{"x":1}},"toString":1')
    assert.equal(await statusOf(gateway, body), 200)
    assert.equal(
      provider.requests[0]?.body,
      '{"model":"m","messages":[{"role":"user","content":"hi"}],"constructor":{"prototype":{"x":1}},"toString":1}',
    )
    assert.equal(({} as { x?: number }).x, undefined)
    for (const model of ['__proto__/m', 'constructor/m', 'toString', '__proto__', 'hasOwnProperty/x'])
      assert.equal(await statusOf(gateway, JSON.stringify({ ...CHAT, model })), 400, model)
    assert.equal(await statusOf(gateway, '{"__proto__":{"model":"openai/m","messages":[1]}}'), 400)
  })

  test('of a member that comes twice the provider sees the one that the gateway acted on', async (t) => {
    const { provider, gateway } = await start(t)
    assert.equal(await statusOf(gateway, chatWith('"model":"openai/other","model":"openai/last"')), 200)
    assert.deepEqual(
      provider.requests.map(({ body }) => (JSON.parse(body) as { model: string }).model),
      ['last'],
    )
    assert.equal(provider.requests[0]!.body.split('"model"').length, 2)
  })

  test('numbers beyond measure, lone surrogates, and a hundred thousand members', async (t) => {
    const { provider, gateway } = await start(t)
    const many = Array.from({ length: 100_000 }, (_, index) => `"k${index}":${index}`).join(',')
    for (const member of [
      '"n":1e999',
      `"n":${'9'.repeat(100_000)}`,
      `"n":0.${'0'.repeat(100_000)}1`,
      '"s":"\\ud800"',
      '"\\udfff":1',
      '"s":"\\u0000\\r\\n\\r\\nPOST / HTTP/1.1"',
      many,
    ]) {
      assert.equal(await statusOf(gateway, chatWith(member)), 200, member.slice(0, 40))
      const { body } = provider.requests.pop()!
      assert.doesNotThrow(() => JSON.parse(body))
      assert.ok(!/[\r\n\0]/.test(body))
    }
    assert.deepEqual(provider.violations, [])
  })

  test('a body that is not UTF-8, or begins with a byte order mark, is 400', async (t) => {
    const { provider, gateway } = await start(t)
    const text = JSON.stringify({ ...CHAT, user: '@' })
    for (const bytes of [
      Buffer.from(text.replace('@', '\xff'), 'latin1'),
      Buffer.from(text.replace('@', '\xc0\xaf'), 'latin1'),
      Buffer.from(text.replace('@', '\xed\xa0\x80'), 'latin1'),
      Buffer.from(`\ufeff${text}`),
      Buffer.from(text, 'utf16le'),
    ]) {
      assert.equal(await statusOf(gateway, bytes), 400)
    }
    const chunked = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text.replace('@', '\xff')}\r\n0\r\n\r\n`
    assert.deepEqual(
      (await talk(gateway, chunked)).map(({ status }) => status),
      [400],
    )
    assert.equal(provider.requests.length, 0)
  })
})

describe('nothing of a request gets into the head of another', BOUNDED, () => {
  const NASTY = [
    ...['a\r\nx-evil: 1', 'a\r\n\r\nPOST /evil HTTP/1.1\r\nhost: x\r\n\r\n', '../../admin', '..', '.', '...', '%2e%2e'],
    ...[
      'a/b',
      'a?api-version=evil',
      'a#b',
      'a b',
      'a\0b',
      'a\tb',
      'ü',
      '東京🗼',
      '%',
      '%0d%0a',
      '\\',
      '//evil',
      '@evil',
      ':80',
    ],
    ...['\ud800', 'a\udfff', ' ', '"', "'", '*', 'a'.repeat(100_000)],
  ]

  test('a model’s name goes into Azure’s path as one encoded step, or is refused', async (t) => {
    const { provider, gateway } = await start(t)
    for (const model of NASTY) {
      const status = await statusOf(gateway, JSON.stringify({ ...CHAT, model: `azure/${model}` }))
      assert.deepEqual(provider.violations, [], model)
      const refused = model === '.' || model === '..' || !model.isWellFormed()
      assert.equal(status, refused ? 400 : 200, model.slice(0, 40))
      if (refused) assert.equal(provider.requests.length, 0)
      else {
        const { path } = provider.requests.pop()!
        const [, step] =
          /^\/openai\/deployments\/([^/?#]+)\/chat\/completions\?api-version=2024-10-21$/.exec(path) ?? []
        assert.equal(decodeURIComponent(step ?? ''), model)
      }
    }
  })

  test('at random: whatever a caller writes, the provider gets one request of the gateway’s own form', async (t) => {
    const { provider, gateway } = await start(t)
    const text = fc.oneof(fc.constantFrom(...NASTY.slice(0, -1)), fc.string({ unit: 'binary', maxLength: 30 }))
    const headerText = fc.stringMatching(/^[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]{0,40}$/)
    const headerName = fc.constantFrom(
      ...['x-bf-dim-team', 'x-prom-team', 'authorization', 'x-api-key', 'api-key', 'anthropic-version', 'cookie'],
      ...[
        'x-bench-timing',
        'content-type',
        'accept-encoding',
        'user-agent',
        'forwarded',
        'te',
        'x-http-method-override',
      ],
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          provider: fc.constantFrom('openai', 'azure', 'anthropic'),
          model: text,
          user: text,
          content: text,
          name: text,
          value: fc.jsonValue({ maxDepth: 3 }),
          headers: fc.array(fc.tuple(headerName, headerText), { maxLength: 4 }),
        }),
        async ({ provider: name, model, user, content, name: member, value, headers }) => {
          const body = JSON.stringify({
            messages: [{ role: 'user', content }],
            model: `${name}/${model}`,
            user,
            [`x-${member}`]: value,
          })
          const lines = headers.map((header) => header.join(': '))
          const [answer, ...others] = await talk(
            gateway,
            Buffer.from(post('', lines).replace('length: 0', `length: ${Buffer.byteLength(body)}`), 'latin1').toString(
              'latin1',
            ) + Buffer.from(body).toString('latin1'),
          )
          const upstream = provider.requests.splice(0)
          assert.deepEqual([provider.violations, others], [[], []])
          assert.ok([200, 400].includes(answer!.status), String(answer!.status))
          assert.equal(upstream.length, answer!.status === 200 ? 1 : 0)
          for (const request of upstream) {
            const sent = JSON.parse(request.body) as { model: string; messages: { content: unknown }[] }
            assert.equal(sent.model, model.toWellFormed() === model ? model : sent.model)
          }
          assertNothingLeaked(gateway)
        },
      ),
      { numRuns: 300, endOnFailure: true },
    )
  })

  test('models and labels cannot write lines of their own into /metrics', async (t) => {
    const { gateway } = await start(t)
    const evil = 'a"} 1\ngateway_evil_total{x="\\'
    await gateway.chat({ ...CHAT, model: `openai/${evil}` })
    await talk(gateway, post(JSON.stringify(CHAT), ['x-bf-dim-team: b"} 1\\n gateway_evil_total{x="\\']))
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    assert.match(text, /evil/)
    for (const line of text.split('\n').filter((line) => line !== '')) {
      assert.match(
        line,
        /^(?:#.*|gateway_(?!evil)\w+(?:\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*\})? \S+|(?:process|nodejs)_.*)$/,
      )
    }
  })
})
