import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'

import {
  BOUNDED,
  post,
  RawCaller,
  type StrictProvider,
  strictProvider,
  talk,
  type WireAnswer,
  wireAnswer,
} from './hostile.test-support.ts'
import {
  assertNothingLeaked,
  CHAT,
  eventually,
  providerFile,
  type RunningGateway,
  startGateway,
} from './test-support.ts'

/** Callers that do not keep to HTTP. The provider reads byte by byte: whatever it gets must be one of the gateway's own requests. */

const BODY = JSON.stringify(CHAT)
const UPSTREAM_BODY = JSON.stringify({ ...CHAT, model: 'm' })
/** Would be a request of its own if anybody let it. */
const HIDDEN = post(JSON.stringify({ ...CHAT, user: 'hidden' }))

interface Side {
  provider: StrictProvider
  gateway: RunningGateway
}

async function start(t: TestContext, config: Record<string, unknown> = {}): Promise<Side> {
  const provider = await strictProvider(t)
  const gateway = await startGateway(t, { config, providers: { openai: providerFile(provider.url) } })
  return { provider, gateway }
}

/** Every answer is the gateway's own, and the provider saw one request for each success: no more, no fewer, no other. */
function assertOneToOne({ provider }: Side, answers: readonly WireAnswer[], bodies?: readonly string[]): void {
  const served = answers.filter(({ status, body }) => status === 200 && body.includes('"chat.completion"'))
  assert.deepEqual(provider.violations, [])
  assert.equal(provider.requests.length, served.length, 'requests at the provider, successes at the caller')
  for (const { status, body } of answers) {
    if (status >= 400 && body !== '') assert.equal((JSON.parse(body) as { status_code: number }).status_code, status)
  }
  if (bodies)
    assert.deepEqual(
      provider.requests.map(({ body }) => body),
      bodies,
    )
  provider.requests.length = 0
}

async function assertServes(side: Side): Promise<void> {
  const [answer, ...others] = await talk(side.gateway, post())
  assert.deepEqual([answer?.status, others], [200, []])
  assertOneToOne(side, [answer!], [UPSTREAM_BODY])
  await eventually(() => {
    assertNothingLeaked(side.gateway)
  })
}

function lines(...headers: string[]): string {
  return ['POST /v1/chat/completions HTTP/1.1', 'host: x', ...headers].join('\r\n') + '\r\n\r\n'
}
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const LENGTH = `content-length: ${BODY.length}`
const CHUNKED_BODY = `${chunk(BODY)}0\r\n\r\n`

describe('what could hide one request in another is refused, and nothing of it reaches the provider', BOUNDED, () => {
  const cases: Record<string, string> = {
    'a length and chunks': lines(LENGTH, 'transfer-encoding: chunked') + CHUNKED_BODY,
    'CL.TE: the hidden request behind the last chunk':
      lines(`content-length: ${5 + HIDDEN.length}`, 'transfer-encoding: chunked') + `0\r\n\r\n${HIDDEN}`,
    'TE.CL: the hidden request inside a chunk':
      lines('transfer-encoding: chunked', 'content-length: 4') + `${chunk(HIDDEN)}0\r\n\r\n`,
    'two lengths that differ': lines('content-length: 5', LENGTH) + BODY,
    'two lengths that agree': lines(LENGTH, LENGTH) + BODY,
    'a list of lengths': lines(`content-length: ${BODY.length}, ${BODY.length}`) + BODY,
    'a length beyond 64 bits': lines('content-length: 18446744073709551617') + BODY,
    'a header folded':
      lines('x-a: b', ' transfer-encoding: chunked', LENGTH, 'transfer-encoding: chunked') + CHUNKED_BODY,
    'line feeds alone': post().replaceAll('\r\n', '\n'),
    'carriage returns alone': post().replaceAll('\r\n', '\r'),
    'a NUL in a header': post(BODY, ['x-a: b\0c']),
    'a NUL in a header name': post(BODY, ['x-\0a: b']),
    'a bare line feed before a header': post(BODY, ['x-a: b\ntransfer-encoding: chunked']),
    'a bare carriage return before a header': post(BODY, ['x-a: b\rtransfer-encoding: chunked']),
    'a chunk size with a sign': lines('transfer-encoding: chunked') + `+${CHUNKED_BODY}`,
    'a chunk size in another notation': lines('transfer-encoding: chunked') + `0x${CHUNKED_BODY}`,
    'a chunk size beyond 64 bits': lines('transfer-encoding: chunked') + `1000000000000000f\r\n${BODY}\r\n0\r\n\r\n`,
    'a chunk longer than its size': lines('transfer-encoding: chunked') + `5\r\n${BODY}\r\n0\r\n\r\n`,
    'chunks with line feeds alone': lines('transfer-encoding: chunked') + CHUNKED_BODY.replaceAll('\r\n', '\n'),
    'a version that does not exist': post().replace('HTTP/1.1', 'HTTP/1.7'),
    'HTTP/2 without asking': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a blank before the method': ` ${post()}`,
    'no host': post().replace('host: x\r\n', ''),
    TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'x'.repeat(512),
  }
  for (const spelling of [
    ...['transfer-encoding: xchunked', 'transfer-encoding : chunked', 'transfer-encoding:\x0bchunked'],
    ...['transfer-encoding: chunked, identity', 'transfer-encoding: identity', 'transfer-encoding: "chunked"'],
    ...['transfer-encoding: chunked\r\ntransfer-encoding: identity', 'transfer-encoding: \x00chunked'],
    ...[
      'transfer-encoding:\r\n chunked',
      'transfer-encoding: chunked\r\ntransfer-encoding: x',
      'transfer-encoding: cow',
    ],
    ...['transfer-encoding\t: chunked', 'transfer encoding: chunked', ' transfer-encoding: chunked'],
  ]) {
    cases[`TE.TE: ${JSON.stringify(spelling)}`] = lines(spelling, LENGTH) + CHUNKED_BODY
    if (!spelling.startsWith(' ') && !spelling.includes('\r\n chunked'))
      cases[`TE.TE without a length: ${JSON.stringify(spelling)}`] = lines(spelling) + CHUNKED_BODY
  }
  for (const length of ['+5', '-5', '0x5', '5 5', '1e1', '', '5,', '٥', '5\v'])
    cases[`the length ${JSON.stringify(length)}`] = lines(`content-length: ${length}`) + BODY

  test('all of them', async (t) => {
    const side = await start(t)
    for (const [name, bytes] of Object.entries(cases)) {
      // What follows would be served if the gateway took up reading again in the middle of what it refused.
      const answers = await talk(side.gateway, bytes + HIDDEN)
      assert.deepEqual(
        answers.map(({ status }) => status),
        [400],
        name,
      )
      assert.match(answers[0]!.head, /connection: close/i, name)
      assert.deepEqual([side.provider.requests, side.provider.violations], [[], []], name)
    }
    await assertServes(side)
  })
})

describe('what is odd but clear is one request', BOUNDED, () => {
  const whole = [UPSTREAM_BODY]
  for (const [name, bytes, statuses, bodies] of [
    ['chunks', lines('transfer-encoding: chunked') + CHUNKED_BODY, [200], whole],
    [
      'chunks with extensions and trailers',
      lines('Transfer-Encoding: CHUNKED') + `${BODY.length.toString(16)};a=b\r\n${BODY}\r\n0\r\nt: u\r\n\r\n`,
      [200],
      whole,
    ],
    ['empty lines before the request line', `\r\n\r\n${post()}`, [200], whole],
    ['an announced body', post(BODY, ['expect: 100-continue']), [100, 200], whole],
    ['an expectation that nobody knows', post(BODY, ['expect: the-spanish-inquisition']), [417], []],
    ['a wish for another protocol', post(BODY, ['connection: upgrade', 'upgrade: websocket']), [200], whole],
    [
      'a wish for HTTP/2',
      post(BODY, ['connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__']),
      [200],
      whole,
    ],
    ['a target in absolute form', post().replace('/v1', 'http://127.0.0.1:1/v1'), [200], whole],
    ['a target of another scheme', post().replace('/v1', 'file:///etc/passwd'), [404], []],
    ['a target with a way up', post().replace('/v1/chat', '/x/../v1/chat'), [404], []],
    ['a target with an encoded slash', post().replace('/v1/chat', '/v1%2fchat'), [404], []],
    ['a target that cannot be decoded', post().replace('/v1/chat', '/v1/models/%zz'), [400], []],
    ['a tunnel', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: x\r\n\r\n', [], []],
    ['a request line without a version', post().replace(' HTTP/1.1', ''), [200], whole],
    ['two blanks in the request line', post().replace('POST /', 'POST  /'), [200], whole],
    ['another method', post().replace('POST', 'PUT'), [404], []],
    ['two requests in one packet', post() + post(), [200, 200], [...whole, ...whole]],
    ['a length that cuts the body short', post(BODY).replace(LENGTH, `content-length: ${BODY.length - 1}`), [400], []],
  ] as const) {
    test(name, async (t) => {
      const side = await start(t)
      const answers = await talk(side.gateway, bytes)
      assert.deepEqual(
        answers.map(({ status }) => status),
        statuses,
      )
      assertOneToOne(side, answers, bodies)
      await assertServes(side)
    })
  }

  test('what follows a request and is none stands neither in the place of its answer nor in its stream', async (t) => {
    const answers = [
      (socket: Socket) => socket.write(wireAnswer('{"id":"own"}')),
      (socket: Socket) => socket.end('data: {"id":"2","choices":[]}\n\ndata: [DONE]\n\n'),
    ]
    const held: Socket[] = []
    const provider = await strictProvider(t, ({ body }, socket) => {
      held.push(socket)
      if (!body.includes('stream')) return
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"id":"1","choices":[]}\n\n')
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (const [index, body] of [BODY, JSON.stringify({ ...CHAT, stream: true })].entries()) {
      const caller = new RawCaller(gateway)
      const refused = once(gateway.app.server, 'clientError')
      caller.socket.write(post(body))
      await eventually(() => {
        assert.equal(held.length, 1)
        if (index === 1) assert.match(caller.received, /"id":"1"/)
      })
      caller.socket.write('no request\r\n\r\n')
      await refused
      answers[index]!(held.pop()!)
      await caller.closed
      const [answer, ...others] = caller.answers()
      assert.match(answer!.body, index === 0 ? /"id":"own"/ : /"id":"1"[^]*"id":"2"[^]*\[DONE\]/)
      assert.deepEqual([answer!.status, others], [200, []])
      await eventually(() => {
        assertNothingLeaked(gateway)
      })
    }
  })

  test('of requests in a row, those before the first that is none are answered, in order', async (t) => {
    const side = await start(t)
    for (const after of ['no request\r\n\r\n', lines(LENGTH, LENGTH), lines('transfer-encoding: chunked') + 'zz\r\n']) {
      const caller = new RawCaller(side.gateway)
      caller.socket.write(post().repeat(3) + after)
      await caller.closed
      assert.deepEqual(
        caller.answers().map(({ status }) => status),
        [200, 200, 200],
      )
      assertOneToOne(side, caller.answers())
    }
    await assertServes(side)
  })
})

describe('at random', BOUNDED, () => {
  const RANDOM = { numRuns: 60, endOnFailure: true }

  test('a request that is cut short anywhere never reaches the provider', async (t) => {
    const side = await start(t)
    const request = Buffer.from(post())
    for (let end = 0; end < request.length; end++) {
      const answers = await talk(side.gateway, request.subarray(0, end))
      // Before the first byte there is nothing to refuse.
      assert.deepEqual(
        answers.map(({ status }) => status),
        end === 0 ? [] : [400],
        `cut at ${end}`,
      )
      assertOneToOne(side, answers)
    }
    await assertServes(side)
  })

  test('bytes', async (t) => {
    const side = await start(t)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), async (bytes) => {
        const answers = await talk(side.gateway, Buffer.from(bytes))
        assert.ok(answers.every(({ status }) => status === 400))
        assertOneToOne(side, answers)
      }),
      RANDOM,
    )
    await assertServes(side)
  })

  test('valid requests, tampered with: one success for each request at the provider, each of its own form', async (t) => {
    const side = await start(t)
    const requests = [
      post(),
      post() + post(),
      lines('transfer-encoding: chunked') + CHUNKED_BODY + post(),
      post(BODY, ['expect: 100-continue', 'x-a: b', 'authorization: Bearer x', 'x-bench-timing: 1']),
      'GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n' + post(),
      'POST /debug/stages/reset HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}' + post(),
    ]
    const splice = fc.constantFrom(
      ...['\r\n', '\n', '\r', '\0', ' ', ':', '\r\n\r\n', '0\r\n\r\n', 'transfer-encoding: chunked\r\n', HIDDEN],
      ...['content-length: 0\r\n', 'connection: close\r\n', '%', '"', '}', '\xff', '\t', ';', '1'],
    )
    const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const mutation = fc.oneof(
      fc.record({ how: fc.constant('flip' as const), at, bit: fc.nat(7) }),
      fc.record({ how: fc.constant('remove' as const), at, count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ how: fc.constant('repeat' as const), at, count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ how: fc.constant('insert' as const), at, text: splice }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        async (request, mutations) => {
          const bytes = mutations.reduce((text, change) => {
            const from = Math.floor(change.at * text.length)
            if (change.how === 'insert') return text.slice(0, from) + change.text + text.slice(from)
            if (change.how === 'remove') return text.slice(0, from) + text.slice(from + change.count)
            if (change.how === 'repeat') return text.slice(0, from + change.count) + text.slice(from)
            const flipped = String.fromCharCode(text.charCodeAt(from) ^ (1 << change.bit))
            return text.slice(0, from) + flipped + text.slice(from + 1)
          }, request)
          const before = side.provider.requests.length
          const answers = await talk(side.gateway, bytes)
          const upstream = side.provider.requests.splice(before)
          assert.deepEqual(side.provider.violations, [])
          const served = answers.filter(({ status, body }) => status === 200 && body.includes('"chat.completion"'))
          // A connection that is closed for what follows a request takes that one's answer with it.
          assert.ok(served.length <= upstream.length, `${served.length} answers for ${upstream.length} requests`)
          assert.ok(upstream.length <= bytes.split('messages').length - 1)
          for (const { body } of upstream) assert.ok(Array.isArray((JSON.parse(body) as typeof CHAT).messages))
          await eventually(() => {
            assertNothingLeaked(side.gateway)
          })
        },
      ),
      { ...RANDOM, numRuns: 300 },
    )
    await assertServes(side)
  })
})

describe('limits', BOUNDED, () => {
  test('a head that is too large is 431, in bytes and in headers', async (t) => {
    const side = await start(t, { max_request_header_kb: 2 })
    for (const headers of [[`x-a: ${'b'.repeat(2_100)}`], Array.from({ length: 500 }, (_, index) => `x-${index}: b`)]) {
      const answers = await talk(side.gateway, post(BODY, headers) + HIDDEN)
      assert.deepEqual(
        answers.map(({ status }) => status),
        [431],
      )
      assertOneToOne(side, answers)
    }
    const target = await talk(side.gateway, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`)
    assert.deepEqual(
      target.map(({ status }) => status),
      [431],
    )
    await assertServes(side)
  })

  for (const [how, begin] of [
    ['announced', 'content-length: 1000000000'],
    ['in chunks', 'transfer-encoding: chunked'],
  ] as const) {
    test(`a body without end, ${how}, is 413, and no more of it is read`, async (t) => {
      const side = await start(t, { max_request_body_mb: 1 })
      const caller = new RawCaller(side.gateway)
      caller.socket.write(lines(begin))
      const piece = 'x'.repeat(65_536)
      const more = (): void => {
        while (!caller.socket.destroyed && caller.socket.write(begin.startsWith('content') ? piece : chunk(piece)));
      }
      caller.socket.on('drain', more)
      more()
      await caller.closed
      const MIB = 1_048_576
      assert.ok(caller.socket.bytesWritten < 16 * MIB, `${caller.socket.bytesWritten} bytes written`)
      const [answer, ...others] = caller.answers()
      // The kernel may drop an answer when bytes arrive after the end.
      if (answer) assert.equal(answer.status, 413)
      assert.equal(others.length, 0)
      assert.equal(side.gateway.gateway.traffic.unlabelled.types.get('chat_completion')?.byStatus.get(413), 1)
      assertOneToOne(side, caller.answers())
      await assertServes(side)
    })
  }

  const SLOW = { request_read_timeout: 100 }
  test('a part of a request, and then silence, is 408, and so is a body that trickles in', async (t) => {
    const side = await start(t, SLOW)
    const beginnings: Record<string, string> = {
      'nothing at all': '',
      'half a request line': 'POST /v1',
      'half a head': 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n',
      'half a body': post().slice(0, -5),
      'half a chunk': lines('transfer-encoding: chunked') + chunk(BODY).slice(0, -9),
      'no last chunk': lines('transfer-encoding: chunked') + chunk(BODY),
      'a trickle': lines('content-length: 100000'),
    }
    const callers = Object.entries(beginnings).map(([name, bytes]) => {
      const caller = new RawCaller(side.gateway)
      caller.socket.write(bytes)
      return { name, caller }
    })
    const trickle = callers.at(-1)!.caller.socket
    const drip = setInterval(() => trickle.write('x'), 10)
    for (const { name, caller } of callers) {
      await caller.closed
      const answers = caller.answers()
      assert.deepEqual([name, answers.map(({ status }) => status)], [name, [408]])
      assertOneToOne(side, answers)
    }
    clearInterval(drip)
    await assertServes(side)
  })

  test('who is answered before the body has come gets one answer, and the connection ends', async (t) => {
    const side = await start(t, { ...SLOW, caller_keys: [{ name: 'a', value: 'caller-key-of-16+' }] })
    for (const [request, status] of [
      [lines('content-length: 100'), 401],
      ['POST /debug/stages/reset HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', 401],
      ['POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', 401],
      ['GET /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', 401],
      ['GET /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n', 200],
    ] as const) {
      const caller = new RawCaller(side.gateway)
      caller.socket.write(request)
      await caller.closed
      const answers = caller.answers()
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [status],
        request,
      )
    }
  })

  test('who is refused and holds the connection open loses it', async (t) => {
    const side = await start(t)
    for (const bytes of ['garbage\r\n\r\n', lines(LENGTH, LENGTH) + BODY, 'CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n']) {
      const caller = new RawCaller(side.gateway)
      // Node ends its own side when the other one does; this caller does not.
      caller.socket.allowHalfOpen = true
      caller.socket.write(bytes)
      const [peer] = (await once(side.gateway.app.server, 'connection')) as [Socket]
      if (!peer.destroyed) await once(peer, 'close')
      caller.socket.destroy()
    }
    await assertServes(side)
  })

  test('a caller that never reads its answers holds up nobody else', async (t) => {
    const side = await start(t)
    const caller = new RawCaller(side.gateway)
    caller.socket.pause()
    caller.socket.write(post().repeat(200))
    await assertServesOthers(side)
    caller.socket.destroy()
    await eventually(() => {
      assertNothingLeaked(side.gateway)
    })
    assert.deepEqual(side.provider.violations, [])
  })
})

async function assertServesOthers({ gateway }: Side): Promise<void> {
  const { status } = await gateway.chat()
  assert.equal(status, 200)
}
