import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'

import {
  BOUNDED,
  post,
  RawCaller,
  type StrictProvider,
  strictProvider,
  wireAnswer,
  type WireAnswer,
} from './hostile.test-support.ts'
import {
  assertNothingLeaked,
  CHAT,
  COMPLETION,
  eventually,
  providerFile,
  type RunningGateway,
  startGateway,
} from './test-support.ts'

/** Providers that do not keep to HTTP, or to what they were asked for. A caller gets one whole answer, or a closed connection. */

/** ASCII, so that a test may write it in any encoding. */
const JSON_TEXT = JSON.stringify({ ...COMPLETION, choices: [] })
const WHOLE = wireAnswer(JSON_TEXT)
const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n'
const CHUNK_EVENT = `data: ${JSON.stringify({ id: '1', choices: [{ index: 0, delta: { content: 'hé' } }] })}\n\n`
const EVENTS = `${CHUNK_EVENT}${CHUNK_EVENT}data: [DONE]\n\n`
const STREAMED = `${SSE}content-length: ${Buffer.byteLength(EVENTS)}\r\n\r\n${EVENTS}`

interface Side {
  provider: StrictProvider
  gateway: RunningGateway
  /** What the provider does with a request from now on. */
  behave(answer: (socket: Socket) => void): void
}

async function start(
  t: TestContext,
  network: Record<string, number> = {},
  onConnection?: (socket: Socket) => void,
): Promise<Side> {
  let present: (socket: Socket) => void = (socket) => socket.write(WHOLE)
  const provider = await strictProvider(
    t,
    (_request, socket) => {
      present(socket)
    },
    onConnection,
  )
  const gateway = await startGateway(t, {
    providers: { openai: providerFile(provider.url, { network_config: { timeout: 5_000, ...network } }) },
  })
  return { provider, gateway, behave: (answer) => (present = answer) }
}

async function ask({ gateway }: Side, stream = false): Promise<WireAnswer> {
  const caller = new RawCaller(gateway)
  caller.socket.write(post(JSON.stringify({ ...CHAT, ...(stream && { stream: true }) })))
  const [answer, ...others] = await caller.answered(1)
  caller.socket.destroy()
  assert.ok(answer, `no answer but ${JSON.stringify(caller.received)}`)
  assert.equal(others.length, 0)
  await eventually(() => {
    assertNothingLeaked(gateway)
  })
  return answer
}

async function assertServes(side: Side): Promise<void> {
  side.behave((socket) => socket.write(WHOLE))
  assert.equal((await ask(side)).status, 200)
  assert.deepEqual(side.provider.violations, [])
}

/** Writes pieces as long as the other end takes them. */
function pour(socket: Socket, first: string, piece: string): void {
  socket.write(first)
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', more)
  more()
}

const raw = (bytes: string) => (socket: Socket) => socket.end(bytes, 'latin1')
const coded = (head: string, text: string) => (socket: Socket) => {
  socket.write(`${head}content-encoding: gzip\r\n\r\n`)
  socket.end(gzipSync(text))
}

describe('what is no answer is 502, whole or streamed', BOUNDED, () => {
  const HUGE = 'x'.repeat(70_000)
  const cases: Record<string, (socket: Socket) => void> = {
    nothing: raw(''),
    'another protocol': raw('SSH-2.0-OpenSSH_9\r\n\r\n'),
    'a status line alone': raw('HTTP/1.1 200 OK\r\n'),
    'a version of its own': raw(WHOLE.replace('HTTP/1.1', 'HTTP/2')),
    'a status of two digits': raw(WHOLE.replace('200', '20')),
    'a length and chunks': raw(WHOLE.replace('\r\n', '\r\ntransfer-encoding: chunked\r\n')),
    'two lengths': raw(WHOLE.replace('\r\n', '\r\ncontent-length: 1\r\n')),
    'a negative length': raw(WHOLE.replace('length: ', 'length: -')),
    'a line feed in a header that passes': raw(WHOLE.replace('\r\n', '\r\nx-request-id: a\nset-cookie: b\r\n')),
    'a carriage return in a header that passes': raw(WHOLE.replace('\r\n', '\r\nx-request-id: a\rset-cookie: b\r\n')),
    'a folded header': raw(WHOLE.replace('\r\n', '\r\nx-request-id: a\r\n set-cookie: b\r\n')),
    'a switch of protocols': raw('HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n'),
    'a huge head': raw(WHOLE.replace('\r\n', `\r\nx-a: ${HUGE}\r\n`)),
    'a huge head of small headers': raw(WHOLE.replace('\r\n', `\r\n${'x: y\r\n'.repeat(12_000)}`)),
    'a head without end': (socket) => {
      pour(socket, 'HTTP/1.1 200 OK\r\nx-a: ', HUGE)
    },
    'a chunk size without end': (socket) => {
      pour(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '0'.repeat(65_536))
    },
    'a chunk extension without end': (socket) => {
      pour(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;', HUGE)
    },
    'trailers without end': (socket) => {
      pour(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n', 't: u\r\n'.repeat(10_000))
    },
    'a 204': raw('HTTP/1.1 204 No Content\r\n\r\n'),
    'a 204 with a body': raw(`HTTP/1.1 204 No Content\r\n${WHOLE.slice(WHOLE.indexOf('content-type'))}`),
    'a 304 with a body': raw(`HTTP/1.1 304 Not Modified\r\n${WHOLE.slice(WHOLE.indexOf('content-type'))}`),
    'an empty success': raw('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
    'JSON that is no object': raw(wireAnswer('["no", "object"]')),
    'half of the JSON': raw(wireAnswer(JSON_TEXT.slice(0, -9))),
    'JSON and more': raw(wireAnswer(`${JSON_TEXT}}`)),
    'JSON too deep to say again': raw(
      wireAnswer(`{"extra_fields":1,"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    ),
    HTML: raw(WHOLE.replace('application/json', 'text/html').replace('{"', '<p')),
    'a gzipped success': coded('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n', JSON_TEXT),
    'a gzipped stream': coded(SSE, EVENTS),
    'a readable stream that says it is not': raw(STREAMED.replace('\r\n', '\r\ncontent-encoding: br\r\n')),
    'readable JSON that says it is not': raw(WHOLE.replace('\r\n', '\r\ncontent-encoding: br\r\n')),
    'an event without end': (socket) => {
      pour(socket, `${SSE}\r\n`, 'x'.repeat(65_536))
    },
    'an event that is no JSON': raw(`${SSE}\r\ndata: {"error": nonsense}\n\n`),
  }
  for (const stream of [false, true]) {
    test(stream ? 'streamed' : 'whole', async (t) => {
      const side = await start(t)
      for (const [name, answer] of Object.entries(cases)) {
        // To who asked for no stream an event without end is a body without end: below.
        if (!stream && name === 'an event without end') continue
        side.behave(answer)
        const { status, body } = await ask(side, stream)
        assert.deepEqual([name, status], [name, 502])
        assert.equal((JSON.parse(body) as { is_gateway_error: boolean }).is_gateway_error, true, name)
        if (/gzip|says it is not/.test(name)) assert.match(body, /encoded .* which was not asked for/)
      }
      await assertServes(side)
    })
  }

  test('64 MiB of anything but a stream', async (t) => {
    const side = await start(t)
    const megabyte = 'x'.repeat(1_048_576)
    for (const [head, piece, stream] of [
      ['HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n', megabyte, false],
      ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `100000\r\n${megabyte}\r\n`, true],
      ['HTTP/1.1 500 Oops\r\n\r\n', megabyte, false],
    ] as const) {
      side.behave((socket) => {
        pour(socket, head, piece)
      })
      const { status, body } = await ask(side, stream)
      assert.equal(status, 502)
      assert.match(body, /larger than 67108864 bytes/)
    }
    await assertServes(side)
  })
})

describe('what is odd but an answer', BOUNDED, () => {
  for (const [name, bytes, status] of [
    ['interim answers first', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${WHOLE}`, 200],
    ['a content type that is wrong', WHOLE.replace('application/json', 'text/plain'), 200],
    ['identity, said aloud', WHOLE.replace('\r\n', '\r\nContent-Encoding: Identity\r\n'), 200],
    ['blanks around the JSON', wireAnswer(` \n${JSON_TEXT}\n `), 200],
    ['an error with another body than JSON', 'HTTP/1.1 400 Bad\r\ncontent-length: 4\r\n\r\n\xff\0\r\n', 400],
    ['a status that nobody knows', wireAnswer('{}').replace('200', '599'), 599],
    ['a header beyond ASCII', WHOLE.replace('\r\n', '\r\nx-request-id: \xfc\r\n'), 200],
  ] as const) {
    test(name, async (t) => {
      const side = await start(t)
      side.behave(raw(bytes))
      assert.equal((await ask(side)).status, status)
      await assertServes(side)
    })
  }

  test('of an error that is gzipped the status is told, and nothing of the bytes', async (t) => {
    const side = await start(t)
    side.behave(coded('HTTP/1.1 429 Slow\r\n', '{"error":{"message":"slow"}}'))
    const { status, body } = await ask(side)
    assert.equal(status, 429)
    assert.equal((JSON.parse(body) as { error: { message: string } }).error.message, 'openai answered 429')
    await assertServes(side)
  })

  test('redirects are 502, and nobody goes where they lead', async (t) => {
    const side = await start(t)
    const elsewhere = await strictProvider(t)
    for (const status of [301, 302, 303, 307, 308]) {
      for (const stream of [false, true]) {
        side.behave(
          raw(
            `HTTP/1.1 ${status} Moved\r\nlocation: ${elsewhere.url}/v1/chat/completions\r\ncontent-length: 0\r\n\r\n`,
          ),
        )
        const answer = await ask(side, stream)
        assert.equal(answer.status, 502)
        assert.doesNotMatch(answer.head, /location/i)
      }
    }
    assert.deepEqual([elsewhere.requests.length, elsewhere.sockets.size], [0, 0])
    await assertServes(side)
  })

  test('silence, and interim answers for ever, end with the timeout', async (t) => {
    const side = await start(t, { timeout: 100 })
    const drips: NodeJS.Timeout[] = []
    for (const answer of [
      () => undefined,
      (socket: Socket) => drips.push(setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 5)),
      (socket: Socket) =>
        drips.push(setInterval(() => socket.write(' '), 5)) && socket.write('HTTP/1.1 200 OK\r\n\r\n'),
    ]) {
      side.behave(answer)
      assert.equal((await ask(side)).status, 504)
    }
    for (const drip of drips) clearInterval(drip)
    await assertServes(side)
  })
})

describe('an answer goes to who asked for it, or to nobody', BOUNDED, () => {
  const own = (id: string): string => wireAnswer(`{"id":"${id}"}`)
  const idOf = ({ body }: WireAnswer): string => (JSON.parse(body) as { id: string }).id

  for (const [how, second] of [
    ['at once', (socket: Socket, bytes: string) => socket.write(bytes)],
    ['in the next turn', (socket: Socket, bytes: string) => setImmediate(() => socket.write(bytes))],
  ] as const) {
    test(`the second of two answers, ${how}, is dropped with its connection`, async (t) => {
      const side = await start(t)
      for (let request = 0; request < 20; request++) {
        side.behave((socket) => {
          socket.write(own(`own-${request}`))
          second(socket, own(`stray-${request}`))
        })
        assert.equal(idOf(await ask(side)), `own-${request}`)
        // Whoever asks next may be sent on another connection only: this one is closed once it is seen to be out of step.
        await eventually(() => {
          assert.equal(side.gateway.gateway.providers[0]!.pool.counters.open, 0)
        })
      }
      await assertServes(side)
    })
  }

  test('two answers in one write: the one who waits for the connection gets a new one', async (t) => {
    let count = 0
    const provider = await strictProvider(t, ({ body }, socket) => {
      count++
      const { user } = JSON.parse(body) as { user: string }
      socket.write(own(user) + own(`stray-${count}`))
    })
    const gateway = await startGateway(t, {
      providers: { openai: providerFile(provider.url, { network_config: { max_conns_per_host: 1 } }) },
    })
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`)
    const ids = await Promise.all(
      users.map(async (user) => ((await (await gateway.chat({ ...CHAT, user })).json()) as { id: string }).id),
    )
    assert.deepEqual(ids, users)
    assert.equal(gateway.gateway.providers[0]!.pool.counters.openedTotal, 20)
  })

  test('an answer before the request closes a connection that was opened ahead', async (t) => {
    let greetings = 3
    const side = await start(t, { open_ahead: 3 }, (socket) => greetings-- > 0 && socket.write(own('stray')))
    await eventually(() => {
      assert.equal(side.gateway.gateway.providers[0]!.pool.counters.open, 0)
    })
    side.behave((socket) => socket.write(own('own')))
    assert.equal(idOf(await ask(side)), 'own')
    await assertServes(side)
  })

  test('an answer to a caller who has left is nobody’s', async (t) => {
    const side = await start(t)
    const late: Socket[] = []
    side.behave((socket) => late.push(socket))
    const caller = new RawCaller(side.gateway)
    caller.socket.write(post())
    await eventually(() => {
      assert.equal(late.length, 1)
    })
    caller.socket.destroy()
    await eventually(() => {
      assertNothingLeaked(side.gateway)
    })
    late[0]!.write(own('late'))
    side.behave((socket) => socket.write(own('own')))
    for (let request = 0; request < 5; request++) assert.equal(idOf(await ask(side)), 'own')
    await assertServes(side)
  })
})

describe('at random', BOUNDED, () => {
  /** One whole answer or none, and the gateway goes on. */
  async function assertOneAnswer(side: Side, stream: boolean): Promise<void> {
    const caller = new RawCaller(side.gateway)
    caller.socket.write(post(JSON.stringify({ ...CHAT, ...(stream && { stream: true }) })))
    const answers = await caller.answered(1)
    // What comes after it would have come by the time that the gateway has forgotten the request.
    await eventually(() => {
      assertNothingLeaked(side.gateway)
    })
    await turn()
    caller.socket.destroy()
    assert.equal(answers.length, 1, caller.received)
    assert.equal(caller.answers().length, 1)
    const [{ status, body }] = answers as [WireAnswer]
    if (!stream || status !== 200) assert.doesNotThrow(() => JSON.parse(body))
  }

  test('bytes are 502', async (t) => {
    const side = await start(t)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), fc.boolean(), async (bytes, stream) => {
        side.behave((socket) => socket.end(bytes))
        assert.equal((await ask(side, stream)).status, 502)
      }),
      { numRuns: 60, endOnFailure: true },
    )
    await assertServes(side)
  })

  test('an answer that is cut short anywhere is 502, and a stream is one whole answer', async (t) => {
    const side = await start(t)
    for (let end = 0; end < WHOLE.length; end += 3) {
      side.behave(raw(Buffer.from(WHOLE).subarray(0, end).toString('latin1')))
      assert.equal((await ask(side)).status, 502, `cut at ${end}`)
    }
    const streamed = Buffer.from(STREAMED)
    for (let end = 0; end < streamed.length; end += 3) {
      side.behave((socket) => socket.end(streamed.subarray(0, end)))
      await assertOneAnswer(side, true)
    }
    await assertServes(side)
  })

  test('answers, tampered with: one whole answer each', async (t) => {
    const side = await start(t)
    const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const text = fc.oneof(
      fc.constantFrom('\r\n', '\n', '\0', ' ', ':', '\r\n\r\n', 'data: ', '{', '}', '"', '0\r\n\r\n', WHOLE, EVENTS),
      fc.constantFrom(
        'transfer-encoding: chunked\r\n',
        'connection: close\r\n',
        'content-length: 1\r\n',
        'data: [DONE]\n\n',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 5 }),
    )
    const change = fc.record({ at, remove: fc.nat(20), text, flip: fc.nat(7) })
    const cut = fc.boolean()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(
          [WHOLE, false] as const,
          [STREAMED, true] as const,
          [STREAMED, false] as const,
          [WHOLE, true] as const,
        ),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        cut,
        async ([whole, stream], changes, inPieces) => {
          const bytes = changes.reduce((answer, { at: where, remove, text: inserted, flip }) => {
            const from = Math.floor(where * answer.length)
            if (inserted !== '') return answer.slice(0, from) + inserted + answer.slice(from + remove)
            const flipped = String.fromCharCode(answer.charCodeAt(from) ^ (1 << flip))
            return answer.slice(0, from) + flipped + answer.slice(from + 1)
          }, Buffer.from(whole).toString('latin1'))
          side.behave((socket) => {
            const half = Math.floor(bytes.length / 2)
            if (!inPieces) socket.end(bytes, 'latin1')
            else {
              socket.write(bytes.slice(0, half), 'latin1')
              setImmediate(() => socket.end(bytes.slice(half), 'latin1'))
            }
          })
          await assertOneAnswer(side, stream)
        },
      ),
      { numRuns: 300, endOnFailure: true },
    )
    await assertServes(side)
  })
})
