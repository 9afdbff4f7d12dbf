import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { rawServer, type RawServer } from '@gatebench/gateway/http1/raw-server.test-data'
import { CHUNKED, OK, sized } from '@gatebench/gateway/http1/responses.test-data'
import type { Attempt } from '../outcome.ts'
import { answering, ending, TestTransport, until } from './test-transport.test-data.ts'

describe('connections', () => {
  test('are opened ahead, all of them, and then no request has to', async () => {
    await using server = await answering(sized('x'))
    await using transport = new TestTransport(server.url, { connections: 300 })
    await transport.open()
    await until(() => server.accepted === 300)
    const attempts = await Promise.all(Array.from({ length: 300 }, () => transport.ask()))
    assert.deepEqual(new Set(attempts.map(({ openedConnection }) => openedConnection)), new Set([false]))
    assert.equal(server.accepted, 300)
  })

  test('are reused last in, first out', async () => {
    const held: Socket[] = []
    await using server = await rawServer((socket) => void held.push(socket))
    await using transport = new TestTransport(server.url)
    const [first, second, third] = [transport.ask(), transport.ask(), transport.ask()]
    await until(() => held.length === 3)
    const [a, b, c] = held.splice(0) as [Socket, Socket, Socket]
    // Freed in the order b, a, c.
    for (const [socket, attempt] of [
      [b, second],
      [a, first],
      [c, third],
    ] as const) {
      socket.write(sized(''))
      await attempt
    }
    for (const expected of [c, a, b]) {
      void transport.ask()
      await until(() => held.length === 1)
      assert.equal(held.pop(), expected)
    }
  })

  test('are free again before the caller hears of the answer, so that a closed loop opens none', async () => {
    await using server = await answering(sized('x'))
    await using transport = new TestTransport(server.url, { connections: 1 })
    await new Promise<void>((resolve) => {
      let left = 20
      const again = (): void => {
        assert.equal(transport.inFlight, 0)
        if (left-- > 0) transport.send(left, 0, again)
        else resolve()
      }
      transport.send(left, 0, again)
    })
    assert.equal(server.accepted, 1)
  })

  test('that the server has closed while idle are not used', async () => {
    await using server = await answering(sized('x'))
    await using transport = new TestTransport(server.url)
    await transport.open()
    await until(() => server.sockets.size === 4)
    for (const socket of server.sockets) socket.end()
    await until(() => server.sockets.size === 0)
    assert.partialDeepStrictEqual(await transport.ask(), {
      outcome: { kind: 'ok', status: 200 },
      openedConnection: true,
    })
    assert.equal(server.accepted, 5)
  })

  test('on which something comes unasked are not used', async () => {
    await using server = await rawServer((socket) => void socket.write(sized('asked')), {
      onAccept: (socket) => {
        if (server.accepted <= 4) socket.write(sized('never asked'))
      },
    })
    await using transport = new TestTransport(server.url)
    await transport.open()
    await until(() => server.accepted === 4 && server.sockets.size === 0)
    assert.partialDeepStrictEqual(await transport.ask(), {
      outcome: { kind: 'ok' },
      bodyBytes: 5,
      openedConnection: true,
    })
  })

  test('that have just been given up are not used, even before the system has closed them', async () => {
    const unused: Socket[] = []
    await using server = await rawServer(
      (socket) => {
        // Both are read in one turn: the idle connection first, then the answer whose `done` sends again.
        for (const other of unused.filter((one) => one !== socket)) other.write('never asked')
        unused.length = 0
        socket.write(`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`)
      },
      { onAccept: (socket) => void unused.push(socket) },
    )
    await using transport = new TestTransport(server.url, { connections: 2 })
    await transport.open()
    await until(() => server.accepted === 2)
    const again = await new Promise<Attempt>((resolve) => {
      transport.send(0, 0, () => {
        transport.send(1, 0, resolve)
      })
    })
    assert.partialDeepStrictEqual(again, { outcome: { kind: 'ok' }, openedConnection: true })
  })

  test('that a server closes at once are opened once each, not for ever', async () => {
    await using server = await rawServer(() => undefined, { onAccept: (socket) => void socket.end() })
    await using transport = new TestTransport(server.url, { connections: 20 })
    await transport.open()
    await until(() => server.accepted === 20)
    await sleep(20)
    assert.equal(server.accepted, 20)
  })

  test('that are refused make opening fail with the reason, and requests too', async () => {
    const server = await answering()
    await server[Symbol.asyncDispose]()
    await using transport = new TestTransport(server.url, { connections: 300 })
    await assert.rejects(transport.open(), { message: 'ECONNREFUSED' })
    const attempt = await transport.ask()
    assert.deepEqual(attempt.outcome, { kind: 'transport_error', code: 'ECONNREFUSED' })
    assert.equal('firstByteNs' in attempt, false)
  })
})

describe('a failure', () => {
  for (const [name, server, code, bodyBytes] of [
    ['a close instead of an answer', () => ending(), 'CONNECTION_CLOSED', 0],
    ['a close inside the head', () => ending('HTTP/1.1 200 OK\r\ncont'), 'CONNECTION_CLOSED', 0],
    ['a close inside the body', () => ending(`${OK}content-length: 5\r\n\r\n`, 'he'), 'CONNECTION_CLOSED', 2],
    ['a close inside the chunks', () => ending(CHUNKED, '5\r\nhello\r\n'), 'CONNECTION_CLOSED', 5],
    ['a reset inside the body', () => resetting(`${OK}content-length: 5\r\n\r\nhe`), 'ECONNRESET', 2],
    ['a reset of a body that the close would end', () => resetting(`${OK}\r\nhe`), 'ECONNRESET', 2],
    ['something else than HTTP', () => answering('SSH-2.0-OpenSSH_9.2\r\n'), 'HTTP_SYNTAX', 0],
    ['nothing but an empty line', () => answering('\r\n', '\r\n\r\n\r\n\r\n\r\n\r\n\r\n'), 'HTTP_SYNTAX', 0],
  ] as const) {
    test(`by ${name} is ${code}, and the next request gets another connection`, async () => {
      await using raw = await server()
      await using transport = new TestTransport(raw.url)
      for (let i = 1; i <= 2; i++) {
        const attempt = await transport.ask()
        assert.deepEqual(attempt.outcome, { kind: 'transport_error', code })
        assert.equal(attempt.bodyBytes, bodyBytes)
        assert.ok(attempt.endNs! >= attempt.sentNs!)
        await until(() => raw.sockets.size === 0)
        assert.equal(raw.accepted, i)
      }
    })
  }

  test('by timeout comes on time, with what had come by then, and ends the connection', async () => {
    await using server = await answering(`${OK}content-length: 5\r\n\r\nhe`)
    await using transport = new TestTransport(server.url, { timeoutMs: 60 })
    const attempt = await transport.ask()
    assert.partialDeepStrictEqual(attempt, { outcome: { kind: 'timeout', afterMs: 60 }, bodyBytes: 2 })
    assert.ok(attempt.endNs! - attempt.sentNs! >= 60e6)
    assert.ok('firstByteNs' in attempt)
    await until(() => server.sockets.size === 0)
  })

  test('by timeout does not touch requests that are younger', async () => {
    const held: Socket[] = []
    await using server = await rawServer((socket) => void held.push(socket))
    await using transport = new TestTransport(server.url, { timeoutMs: 400 })
    const old = transport.ask()
    await sleep(250)
    const young = transport.ask()
    assert.equal((await old).outcome.kind, 'timeout')
    await until(() => held.length === 2)
    held[1]!.write(sized('x'))
    assert.equal((await young).outcome.kind, 'ok')
  })
})

function resetting(text: string): Promise<RawServer> {
  return rawServer(async (socket) => {
    socket.write(text)
    // What was written is to be read before the reset: a reset may take it away.
    await sleep(20)
    socket.resetAndDestroy()
  })
}

describe('the end', () => {
  test('close() leaves no connection, and interrupts what is in flight', async () => {
    await using server = await rawServer(() => undefined)
    const transport = new TestTransport(server.url, { connections: 10, timeoutMs: 10_000 })
    await transport.open()
    const attempts = [transport.ask(), transport.ask(), transport.ask()]
    await turn()
    assert.equal(transport.inFlight, 3)
    await transport.close()
    for (const { outcome } of await Promise.all(attempts)) {
      assert.deepEqual(outcome, { kind: 'transport_error', code: 'INTERRUPTED' })
    }
    assert.equal(transport.inFlight, 0)
    await until(() => server.sockets.size === 0)
    await transport.close()
  })

  test('close() while connections are being opened ends that too', async () => {
    await using server = await rawServer(() => undefined)
    const transport = new TestTransport(server.url, { connections: 2_000 })
    const opened = transport.open().catch((error: unknown) => String(error))
    await until(() => server.accepted > 0)
    await transport.close()
    assert.match(String(await opened), /CONNECTION_CLOSED/)
    await until(() => server.sockets.size === 0)
    assert.ok(server.accepted < 2_000)
  })

  test('abandon() interrupts what is in flight and lets the others be', async () => {
    const held: Socket[] = []
    await using server = await rawServer((socket) => void held.push(socket))
    await using transport = new TestTransport(server.url)
    await transport.open()
    const attempts = [transport.ask(), transport.ask()]
    await until(() => held.length === 2)
    transport.abandon()
    for (const { outcome } of await Promise.all(attempts)) {
      assert.deepEqual(outcome, { kind: 'transport_error', code: 'INTERRUPTED' })
    }
    await until(() => server.sockets.size === 2)
    const next = transport.ask()
    await until(() => held.length === 3)
    held[2]!.write(sized(''))
    assert.partialDeepStrictEqual(await next, { outcome: { kind: 'ok' }, openedConnection: false })
  })
})

test('in flight counts each request once, through answers, failures and timeouts', async () => {
  let asked = 0
  const ways: ((socket: Socket) => void)[] = [
    (socket) => void socket.write(sized('x')),
    (socket) => void socket.write(`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`),
    (socket) => void socket.end(),
    (socket) => void socket.resetAndDestroy(),
    (socket) => void socket.write('no HTTP at all\r\n\r\n'),
    () => undefined,
  ]
  await using server = await rawServer((socket) => {
    ways[asked++ % ways.length]!(socket)
  })
  await using transport = new TestTransport(server.url, { timeoutMs: 40, connections: 60 })
  let ended = 0
  const attempts = Array.from({ length: 60 }, () =>
    transport.ask().then(({ outcome }) => {
      ended++
      assert.ok(transport.inFlight >= 0 && transport.inFlight <= 60)
      return outcome.kind
    }),
  )
  assert.equal(transport.inFlight, 60)
  const kinds = await Promise.all(attempts)
  assert.equal(ended, 60)
  assert.equal(transport.inFlight, 0)
  assert.deepEqual([...new Set(kinds)].sort(), ['ok', 'timeout', 'transport_error'])
  await sleep(60)
  assert.equal(transport.inFlight, 0, 'nothing is counted again by a later sweep')
})

test('once closed, nothing of a transport keeps the process', async () => {
  const before = process.getActiveResourcesInfo().length
  {
    await using server = await answering(sized('x'))
    await using transport = new TestTransport(server.url, { timeoutMs: 1_000 })
    await transport.open()
    await transport.ask()
  }
  await until(() => process.getActiveResourcesInfo().length <= before)
})
