import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { WrittenConfig } from './config.ts'
import { ANTHROPIC, ask, CALLERS, OPENAI, rawAsk, reader, until, type Caller } from './server.callers.fixture.ts'
import { open, withMock, type Mock } from './server.fixture.ts'

/** What an error says, as both dialects have it. */
interface ErrorBody {
  type?: string
  error: { type: string; code?: string | null; message: string; param?: string | null }
}

/** The answers to so many requests, one after the other. */
async function answersTo(
  mock: Mock,
  caller: Caller,
  count: number,
): Promise<{ status: number; retryAfter: string | null; body: ErrorBody }[]> {
  const answers = []
  for (let i = 0; i < count; i++) {
    const response = await ask(mock, caller)
    const retryAfter = response.headers.get('retry-after')
    answers.push({ status: response.status, retryAfter, body: (await response.json()) as ErrorBody })
  }
  return answers
}

describe('errors by status', () => {
  const config = { errorRates: { 429: 0.3, 503: '30%', 529: 0.4 }, retryAfter: '2.1s' }

  test('are those of OpenAI, in its shape, and ask for the wait of 429 alone', async () => {
    const kinds = new Map([
      [429, { type: 'requests', code: 'rate_limit_exceeded' }],
      [503, { type: 'server_error', code: null }],
      [529, { type: 'server_error', code: null }],
    ])
    await withMock(config, async (mock) => {
      const answers = await answersTo(mock, OPENAI, 30)
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(kinds.keys()))
      for (const { status, retryAfter, body } of answers) {
        const message = `the mock provider was told to answer this request with ${status}`
        assert.deepEqual(body, { error: { message, param: null, ...kinds.get(status) } })
        assert.equal(retryAfter, status === 429 ? '3' : null)
      }
    })
  })

  test('are those of Anthropic, in its shape, and ask for the wait of 429 alone', async () => {
    const types = new Map([
      [429, 'rate_limit_error'],
      [503, 'api_error'],
      [529, 'overloaded_error'],
    ])
    await withMock(config, async (mock) => {
      const answers = await answersTo(mock, ANTHROPIC, 30)
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(types.keys()))
      for (const { status, retryAfter, body } of answers) {
        assert.equal(body.type, 'error')
        assert.equal(body.error.type, types.get(status))
        assert.equal(retryAfter, status === 429 ? '3' : null)
      }
    })
  })

  test('may be written in one text, and come beside errorRate and its status', async () => {
    await withMock({ errorRates: '503=25%,429=0.25', errorRate: 0.5, errorStatus: 418 }, async (mock) => {
      const answers = await answersTo(mock, OPENAI, 40)
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([418, 429, 503]))
    })
  })

  for (const caller of CALLERS) {
    test(`come to a stream of ${caller.name} as to any request: no stream, but the error`, async () => {
      await withMock({ errorRates: { 503: 1 } }, async (mock) => {
        const response = await ask(mock, caller, { body: { stream: true } })
        assert.equal(response.status, 503)
        assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
        assert.match(((await response.json()) as ErrorBody).error.message, /503/)
      })
    })
  }
})

/** What becomes of a request on a connection of its own. */
async function outcome({ url, server }: Mock, caller: Caller, stream: boolean): Promise<string> {
  const socket = await open(url)
  let ended: string | undefined
  socket.once('end', () => (ended ??= 'end')).once('error', (error: NodeJS.ErrnoException) => (ended ??= error.code))
  const read = reader(socket)
  const asking = { body: { stream, max_tokens: 8 } }
  socket.write(rawAsk(caller, asking).replace('host: mock', 'host: mock\r\nconnection: close'))
  await until(() => ended !== undefined || server.hanging() > 0)
  const text = await read(() => true)
  if (ended === undefined) {
    socket.destroy()
    await once(socket, 'close')
    await until(() => server.hanging() === 0)
    return 'hang'
  }
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  // Without what tells of real time: the delay given, the stamps, the date.
  const size = stream ? body.split('"t').length - 1 : body.length
  return [ended, text.slice(9, 12), /content-length: \d+/i.exec(text)?.[0], size].join(' ')
}

describe('the same seed', () => {
  const config: WrittenConfig = {
    ...{ errorRates: { 429: 0.1, 503: 0.1 }, resetRate: 0.1, hangRate: 0.1, cutRate: 0.1 },
    ...{ truncateRate: 0.1, garbleRate: 0.1, stallRate: 0.1, stall: 1, slowHeadersRate: 0.1, slowHeaders: 1 },
    ...{ responseSize: 'uniform:1000:2000', tokens: 'uniform:2:20' },
  }
  const outcomes = async (seed: number) => {
    const all: string[] = []
    await withMock({ ...config, seed }, async (mock) => {
      for (let i = 0; i < 60; i++) all.push(await outcome(mock, CALLERS[i % 2]!, i % 3 === 0))
    })
    return all
  }

  test('gives the same sequence of outcomes, another one another', async () => {
    const first = await outcomes(1)
    for (const kind of [/^hang$/, /^ECONNRESET /, /^end 200 /, /^end 429 /, /^end 503 /]) {
      assert.ok(
        first.some((each) => kind.test(each)),
        `${String(kind)} in ${first.join('; ')}`,
      )
    }
    assert.deepEqual(await outcomes(1), first)
    assert.notDeepEqual(await outcomes(2), first)
  })

  test('set anew over HTTP begins that sequence again', async () => {
    await withMock({ ...config, seed: 1 }, async (mock) => {
      const some = async () => {
        const all: string[] = []
        for (let i = 0; i < 20; i++) all.push(await outcome(mock, OPENAI, false))
        return all
      }
      const first = await some()
      assert.notDeepEqual(await some(), first)
      const headers = { 'content-type': 'application/json' }
      await fetch(`${mock.url}/admin/config`, { method: 'POST', headers, body: '{"seed":1}' })
      assert.deepEqual(await some(), first)
    })
  })
})
