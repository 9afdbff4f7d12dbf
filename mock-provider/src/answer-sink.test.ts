import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { closeOf, GET, readToEnd, until, withConnection } from './answer-sink.fixture.ts'
import { SlowHeadSink } from './answer-sink.ts'

const PIECES = 8
const FOR_MS = 70
const TEXT = ['content-type', 'text/plain']

/** Node's timers of a test jump to the end of a tick at once: here each goes off at its own time. */
function passMs(ms: number): void {
  for (let passed = 0; passed < ms; passed++) mock.timers.tick(1)
}

/** A sink whose ends are counted. */
function slowSink(response: ServerResponse, forMs = FOR_MS): { sink: SlowHeadSink; ends: () => number } {
  const onEnd = mock.fn()
  return { sink: new SlowHeadSink(response, forMs, onEnd), ends: () => onEnd.mock.callCount() }
}

describe('a slow head', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
  })
  afterEach(() => {
    mock.timers.reset()
  })

  test('comes in equal pieces over its time, and then the whole body and the end of the connection', async () => {
    await withConnection(async ({ caller, connection, nextResponse }) => {
      caller.write(GET)
      const { sink, ends } = slowSink(await nextResponse())
      const [whole, closed] = [readToEnd(caller), closeOf(connection)]
      sink.writeHead(200, [...TEXT, 'content-length', '5', 'keep-alive', 'timeout=600'])
      sink.end('h\u00e9llo')
      const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nconnection: close\r\n\r\n'
      for (let piece = 1; piece <= PIECES; piece++) {
        const bodyBytes = piece === PIECES ? 5 : 0
        assert.equal(connection.bytesWritten, Math.round((piece * head.length) / PIECES) + bodyBytes)
        assert.equal(ends(), 0)
        passMs(FOR_MS / (PIECES - 1) - 1)
        assert.equal(connection.bytesWritten, Math.round((piece * head.length) / PIECES) + bodyBytes)
        passMs(1)
      }
      assert.equal(await whole, `${head}h\u00e9llo`)
      await closed
      assert.equal(ends(), 1)
    })
  })

  test('holds what is written meanwhile, tells when it is out, and lets everything after that through', async () => {
    await withConnection(async ({ caller, connection, nextResponse }) => {
      caller.write(GET)
      const { sink, ends } = slowSink(await nextResponse())
      const whole = readToEnd(caller)
      sink.writeHead(200, TEXT)
      const drained = mock.fn()
      assert.equal(sink.write('one,'), false)
      sink.once('drain', drained)
      passMs(FOR_MS - 1)
      assert.equal(drained.mock.callCount(), 0)
      passMs(1)
      assert.equal(drained.mock.callCount(), 1)
      const before = connection.bytesWritten
      assert.equal(sink.write('two,'), true)
      assert.equal(connection.bytesWritten, before + 4)
      passMs(1_000)
      assert.deepEqual([drained.mock.callCount(), ends(), connection.writable], [1, 0, true])
      sink.end('three')
      assert.match(await whole, /\r\nconnection: close\r\n\r\none,two,three$/)
    })
  })

  test('behind another answer begins when that is given, which stays whole', async () => {
    await withConnection(async ({ caller, connection, nextResponse }) => {
      caller.write(GET + GET)
      const first = await nextResponse()
      const { sink, ends } = slowSink(await nextResponse())
      const [whole, closed] = [readToEnd(caller), closeOf(connection)]
      sink.writeHead(200, TEXT)
      sink.end('slow')
      passMs(FOR_MS)
      assert.equal(connection.bytesWritten, 0)
      first.end('first')
      await until(() => first.socket === null)
      assert.equal(ends(), 0)
      passMs(FOR_MS)
      assert.match(await whole, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nfirstHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nslow$/)
      await closed
      assert.equal(ends(), 1)
    })
  })

  test('ends once when the caller leaves in the middle, and writes nothing more', async () => {
    await withConnection(async ({ caller, connection, nextResponse }) => {
      caller.write(GET)
      const { sink, ends } = slowSink(await nextResponse())
      sink.writeHead(200, TEXT)
      sink.end('body')
      passMs(FOR_MS / 2)
      caller.destroy()
      await closeOf(connection)
      assert.deepEqual([ends(), sink.destroyed], [1, true])
      const before = connection.bytesWritten
      passMs(1_000)
      assert.deepEqual([ends(), connection.bytesWritten], [1, before])
    })
  })

  test('behind another answer ends once, too, when the caller leaves before its turn', async () => {
    await withConnection(async ({ caller, connection, nextResponse }) => {
      caller.write(GET + GET)
      await nextResponse()
      const { sink, ends } = slowSink(await nextResponse())
      sink.writeHead(200, TEXT)
      sink.end('body')
      caller.destroy()
      await closeOf(connection)
      assert.deepEqual([ends(), sink.destroyed], [1, true])
      passMs(1_000)
      assert.equal(connection.bytesWritten, 0)
    })
  })
})
