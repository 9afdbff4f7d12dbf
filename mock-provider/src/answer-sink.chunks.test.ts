import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { GET, readToEnd, until, withConnection } from './answer-sink.fixture.ts'
import { ChunkSink, type AnswerSink } from './answer-sink.ts'

const HEAD = ['content-type', 'text/event-stream', 'date', 'today']
const CHUNKS = ['a', 'h\u00e9llo', 'x'.repeat(300), 'z\r\n\r\n']

/** Gives a stream of chunks, all at once. */
function give(sink: AnswerSink): void {
  sink.writeHead(200, HEAD)
  for (const chunk of CHUNKS) sink.write(chunk, 'latin1')
  sink.end('end', 'latin1')
}

/** All that comes of answers that end the connection. */
async function answered(requests: string, answer: (nextResponse: () => Promise<ServerResponse>) => Promise<void>) {
  let text = ''
  await withConnection(async ({ caller, nextResponse }) => {
    const whole = readToEnd(caller)
    caller.write(requests)
    await answer(nextResponse)
    text = await whole
  })
  return text
}

const LAST = GET.replace('host: mock', 'host: mock\r\nconnection: close')

describe('a stream of chunks', () => {
  test('is the same to the byte as node writes it', async () => {
    const byNode = await answered(LAST, async (next) => {
      give(await next())
    })
    assert.match(byNode, /\r\n5\r\nh\u00e9llo\r\n12c\r\nx+\r\n5\r\nz\r\n\r\n\r\n3\r\nend\r\n0\r\n\r\n$/)
    const bySink = await answered(LAST, async (next) => {
      give(new ChunkSink(await next()))
    })
    assert.equal(bySink, byNode)
  })

  test('behind another answer comes after that, whole, be it begun before its turn or ended before', async () => {
    for (const endsBefore of [true, false]) {
      const text = await answered(GET + LAST, async (next) => {
        const [first, second] = [await next(), await next()]
        const sink = new ChunkSink(second)
        sink.writeHead(200, HEAD)
        sink.write('one')
        sink.write('two')
        if (endsBefore) sink.end('end')
        first.end('first')
        await until(() => first.socket === null)
        if (endsBefore) return
        sink.write('three')
        sink.end('end')
      })
      const [, ...chunks] = text.split(/\r\n\r\nfirst[^]*?\r\n\r\n/)
      const third = endsBefore ? '' : '5\r\nthree\r\n'
      assert.deepEqual(chunks, [`3\r\none\r\n3\r\ntwo\r\n${third}3\r\nend\r\n0\r\n\r\n`])
    }
  })

  test('to a caller who knows no chunks has none', async () => {
    const text = await answered('GET / HTTP/1.0\r\n\r\n', async (next) => {
      give(new ChunkSink(await next()))
    })
    assert.ok(text.endsWith(`\r\n\r\n${CHUNKS.join('')}end`))
  })

  test('waits for a slow reader, and goes on when that has taken what was written', async () => {
    await withConnection(async ({ caller, nextResponse }) => {
      caller.pause()
      caller.write(LAST)
      const sink = new ChunkSink(await nextResponse())
      sink.writeHead(200, HEAD)
      const piece = 'q'.repeat(65_536)
      for (let i = 0; i < 99; i++) sink.write(piece)
      assert.equal(sink.write(piece), false)
      let drained = false
      sink.once('drain', () => (drained = true))
      const whole = readToEnd(caller)
      caller.resume()
      await until(() => drained)
      sink.end('end')
      assert.equal((await whole).split('q').length - 1, 100 * piece.length)
    })
  })
})
