import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SEGMENTS } from '@gatebench/gateway/stages'
import { completionId, formatDelayHeader, MOCK_DELAY_HEADER } from '@gatebench/mock-provider/truth'
import { rawServer } from '@gatebench/gateway/http1/raw-server.test-data'
import { CHUNKED, OK, sized } from '@gatebench/gateway/http1/responses.test-data'
import type { RequestTemplate } from '../plan.ts'
import { renderRequest } from './http-transport.ts'
import { answering, clock, ending, TestTransport, until } from './test-transport.test-data.ts'

describe('an answer', () => {
  test('gives status, bytes and instants in their order', async () => {
    await using server = await answering(`${OK}content-length: 5\r\n`, '\r\nhe', 'llo')
    await using transport = new TestTransport(server.url)
    const dueNs = clock.nowNs() - 5e6
    const attempt = await transport.ask(dueNs)
    assert.partialDeepStrictEqual(attempt, {
      index: 0,
      dueNs,
      outcome: { kind: 'ok', status: 200 },
      bodyBytes: 5,
      openedConnection: true,
    })
    assert.ok(
      attempt.sentNs! > dueNs && attempt.firstByteNs! > attempt.sentNs! && attempt.endNs! > attempt.firstByteNs!,
    )
    assert.ok(attempt.endNs! < clock.nowNs())
    assert.equal('mock' in attempt || 'timingNs' in attempt, false, 'absent is absent')
  })

  for (const [name, text, kind, status, bodyBytes] of [
    ['chunked', `${CHUNKED}3\r\nabc\r\n0\r\n\r\n`, 'ok', 200, 3],
    ['201', 'HTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\nx', 'ok', 201, 1],
    ['204', 'HTTP/1.1 204 No\r\n\r\n', 'ok', 204, 0],
    ['an interim answer first', `HTTP/1.1 100 Go on\r\n\r\n${sized('a')}`, 'ok', 200, 1],
    ['302', 'HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n', 'http_error', 302, 0],
    ['429', 'HTTP/1.1 429 Slow down\r\ncontent-length: 4\r\n\r\nwait', 'http_error', 429, 4],
    ['503', 'HTTP/1.1 503 Full\r\ncontent-length: 0\r\n\r\n', 'http_error', 503, 0],
  ] as const) {
    test(`${name} is ${kind} ${status}, and its connection is used again`, async () => {
      await using server = await answering(text)
      await using transport = new TestTransport(server.url)
      for (const openedConnection of [true, false, false]) {
        const attempt = await transport.ask()
        assert.partialDeepStrictEqual(attempt, { outcome: { kind, status }, bodyBytes, openedConnection })
        assert.ok(attempt.firstByteNs! > attempt.sentNs!, "not an earlier answer's instant")
      }
      assert.equal(server.accepted, 1)
    })
  }

  test('until the close is whole at the close', async () => {
    await using server = await ending(`${OK}\r\nab`, 'cd')
    await using transport = new TestTransport(server.url)
    for (let i = 0; i < 2; i++) {
      assert.partialDeepStrictEqual(await transport.ask(), {
        outcome: { kind: 'ok', status: 200 },
        bodyBytes: 4,
        openedConnection: true,
      })
    }
  })

  for (const [name, text] of [
    ['that says close', `${OK}connection: close\r\ncontent-length: 1\r\n\r\nx`],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx'],
    ['that something follows', `${sized('x')}HTTP/1.1 200 OK`],
  ] as const) {
    test(`${name} ends its connection`, async () => {
      await using server = await answering(text)
      await using transport = new TestTransport(server.url)
      for (let i = 1; i <= 3; i++) {
        assert.partialDeepStrictEqual(await transport.ask(), {
          outcome: { kind: 'ok', status: 200 },
          openedConnection: true,
        })
        await until(() => server.sockets.size === 0)
        assert.equal(server.accepted, i)
      }
    })
  }
})

describe('the truth about the delay', () => {
  const delay = { plannedUs: 1_500_000, actualUs: 1_500_312 }
  const body = JSON.stringify({ object: 'chat.completion', id: completionId(7, delay) })

  test('is read from the header', async () => {
    await using server = await answering(
      `${OK}${MOCK_DELAY_HEADER}: ${formatDelayHeader(delay)}\r\ncontent-length: 2\r\n\r\n{}`,
    )
    await using transport = new TestTransport(server.url)
    assert.deepEqual((await transport.ask()).mock, delay)
  })

  for (const [name, pieces] of [
    ['one piece', [sized(body)]],
    ['pieces', Array.from(sized(body))],
    [
      'chunks',
      [
        `${CHUNKED}28\r\n${body.slice(0, 40)}\r\n`,
        `${(body.length - 40).toString(16)}\r\n${body.slice(40)}\r\n0\r\n\r\n`,
      ],
    ],
    ['front of a long text', [sized(body + ' '.repeat(100_000))]],
  ] as const) {
    test(`is read from the id in a body that comes in ${name}`, async () => {
      await using server = await answering(...pieces)
      await using transport = new TestTransport(server.url)
      assert.deepEqual((await transport.ask()).mock, delay)
    })
  }

  test('is not carried over to the next answer', async () => {
    const answers = [sized(body), sized('{}')]
    await using server = await rawServer((socket) => void socket.write(answers.shift()!))
    await using transport = new TestTransport(server.url)
    assert.deepEqual((await transport.ask()).mock, delay)
    assert.equal('mock' in (await transport.ask()), false)
  })
})

test("the gateway's account is read from Server-Timing", async () => {
  const header = [...SEGMENTS.map(({ name }) => name), 'total'].map((name, i) => `${name};dur=${i}`).join(', ')
  await using server = await answering(`${OK}Server-Timing: ${header}\r\ncontent-length: 0\r\n\r\n`)
  await using transport = new TestTransport(server.url)
  assert.deepEqual(
    (await transport.ask()).timingNs,
    Float64Array.from({ length: SEGMENTS.length + 1 }, (_, i) => i * 1e6),
  )
})

describe('a 2xx answer that is to hold a mark', () => {
  const request: RequestTemplate = {
    method: 'POST',
    path: '/v1/x',
    headers: {},
    body: '{}',
    answerHolds: '"choices"',
  }
  const truth = `${MOCK_DELAY_HEADER}: ${formatDelayHeader({ plannedUs: 10, actualUs: 11 })}\r\n`
  const late = `{"padding":"${'x'.repeat(3_000)}","choices":[]}`

  for (const [what, text, kind] of [
    ['that holds it is ok', sized('{"choices":[]}'), 'ok'],
    ['that holds it further on is ok', sized(late), 'ok'],
    ['without it, but from the mock, is ok', `${OK}${truth}content-length: 2\r\n\r\n{}`, 'ok'],
    ['that is an error in a body is a wrong answer', sized('{"error":{"message":"no"}}'), 'wrong_answer'],
    ['that is empty is a wrong answer', sized(''), 'wrong_answer'],
    ['with another status is that error', 'HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}', 'http_error'],
  ] as const) {
    test(`${what}, and its connection is used again`, async () => {
      await using server = await answering(text)
      await using transport = new TestTransport(server.url, { request })
      for (let i = 0; i < 2; i++) assert.equal((await transport.ask()).outcome.kind, kind)
      assert.equal(server.accepted, 1)
    })
  }

  test('has its truth read from the id, and nothing of it is carried over to the next', async () => {
    const delay = { plannedUs: 1_500, actualUs: 1_512 }
    const answers = [sized(JSON.stringify({ id: completionId(7, delay), choices: [] })), sized('{"error":"no"}')]
    await using server = await rawServer((socket) => void socket.write(answers.shift()!))
    await using transport = new TestTransport(server.url, { request })
    assert.partialDeepStrictEqual(await transport.ask(), { outcome: { kind: 'ok', status: 200 }, mock: delay })
    const second = await transport.ask()
    assert.deepEqual(second.outcome, { kind: 'wrong_answer', status: 200 })
    assert.equal('mock' in second, false)
  })
})

describe("a target's own figure", () => {
  const request: RequestTemplate = {
    method: 'POST',
    path: '/v1/x',
    headers: {},
    body: '{}',
    selfReport: { header: 'x-own-duration-ms', unit: 'ms' },
  }

  for (const [what, header, selfReportedNs] of [
    ['is read from its header, in ns', 'X-Own-Duration-Ms: 1.25', 1.25e6],
    ['may be below zero', 'x-own-duration-ms: -0.5', -0.5e6],
    ['is absent where the header says none', 'x-own-duration-ms: None', undefined],
    ['is absent where there is no header', 'x-other: 1.25', undefined],
  ] as const) {
    test(what, async () => {
      await using server = await answering(`${OK}${header}\r\ncontent-length: 0\r\n\r\n`)
      await using transport = new TestTransport(server.url, { request })
      const attempt = await transport.ask()
      assert.equal(attempt.selfReportedNs, selfReportedNs)
      assert.equal('selfReportedNs' in attempt, selfReportedNs !== undefined)
    })
  }

  test('is not looked for when nobody asks', async () => {
    await using server = await answering(`${OK}x-own-duration-ms: 1\r\ncontent-length: 0\r\n\r\n`)
    await using transport = new TestTransport(server.url)
    assert.equal('selfReportedNs' in (await transport.ask()), false)
  })
})

describe('the request', () => {
  async function requestTo(suffix: string, host?: string): Promise<string> {
    const requests: string[] = []
    await using server = await rawServer(
      (socket, request) => {
        requests.push(request)
        socket.write(sized(''))
      },
      host === undefined ? {} : { host },
    )
    await using transport = new TestTransport(server.url + suffix)
    assert.equal((await transport.ask()).outcome.kind, 'ok')
    return requests.join('').replace(String(server.port), 'PORT')
  }
  const rendered = (path: string, host = '127.0.0.1'): string =>
    `POST ${path} HTTP/1.1\r\nhost: ${host}:PORT\r\na: b\r\ncontent-length: 8\r\n\r\n${Buffer.from('{"é":1}').toString('latin1')}`

  test('is the template, its length counted in bytes', async () => {
    assert.equal(await requestTo(''), rendered('/v1/x'))
  })

  test("has the URL's path before its own", async () => {
    assert.equal(await requestTo('/'), rendered('/v1/x'))
    assert.equal(await requestTo('/some/where'), rendered('/some/where/v1/x'))
    assert.equal(await requestTo('/some/where/'), rendered('/some/where/v1/x'))
  })

  test('of a GET has neither body nor length', () => {
    const template = { method: 'GET', path: '/health', headers: {}, body: '' } as const
    const rendered = renderRequest(new URL('http://h:1/base'), template)
    assert.equal(rendered.toString(), 'GET /base/health HTTP/1.1\r\nhost: h:1\r\n\r\n')
  })

  test('finds an IPv6 address', async () => {
    assert.equal(await requestTo('', '::1'), rendered('/v1/x', '[::1]'))
  })
})
