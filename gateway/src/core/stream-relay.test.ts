import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { OpenAiStream } from './providers/openai-stream.ts'
import type { StreamFailure, StreamTranslator } from './providers/provider.ts'
import { StreamRelay } from './stream-relay.ts'

const FAILURE: StreamFailure = { status: 500, type: 'server_error', code: null, message: 'broken' }

/** Takes events as they are; those that hold END, FAIL or BAD end the stream, report a failure, are malformed. */
class Recorder implements StreamTranslator {
  readonly events: string[] = []
  done = false
  failure: StreamFailure | undefined = undefined
  inputTokens = 0
  outputTokens = 0

  translate(event: string): string {
    if (event.includes('BAD')) throw new SyntaxError('bad')
    this.events.push(event)
    this.done = event.includes('END')
    if (event.includes('FAIL')) this.failure = FAILURE
    return event
  }

  end(): string {
    return 'last'
  }
}

/** What the caller gets when the stream is read in pieces that end at `seams`. */
function relayed(stream: string, seams: readonly number[], relay = new StreamRelay(new Recorder())) {
  const bytes = Buffer.from(stream)
  const ends = [...new Set(seams.map((seam) => seam % (bytes.length + 1)))].sort((a, b) => a - b)
  let sent = ''
  let start = 0
  for (const end of [...ends, bytes.length]) {
    sent += relay.push(bytes.subarray(start, end))
    start = end
  }
  const { malformed, translator } = relay
  return { text: Buffer.from(sent, 'latin1').toString(), done: translator.done, failure: translator.failure, malformed }
}

/** Each byte in a read of its own. */
const everySeam = (stream: string) => Array.from({ length: Buffer.byteLength(stream) }, (_, at) => at)

const eventsOf = (stream: string, seams: readonly number[]): string[] => {
  const recorder = new Recorder()
  relayed(stream, seams, new StreamRelay(recorder))
  return recorder.events.map((event) => Buffer.from(event, 'latin1').toString())
}

const anyLineEnd = fc.constantFrom('\n', '\r\n', '\r')
/** Lines without line breaks, never empty; the beginning keeps them from saying END, FAIL or BAD. */
const anyLine = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `data: ${text.replace(/[\r\nEFB]/g, '')}`)
const anyEvent = fc.tuple(fc.array(anyLine, { minLength: 1, maxLength: 3 }), anyLineEnd)
const anyEvents = fc.array(
  anyEvent.map(([lines, lineEnd]) => lines.map((line) => line + lineEnd).join('') + lineEnd),
  { maxLength: 6 },
)
const anySeams = fc.array(fc.nat(), { maxLength: 12 })

describe('the output does not depend on how the stream was read', () => {
  test('for whole events', () => {
    fc.assert(
      fc.property(anyEvents, anySeams, (events, seams) => {
        assert.deepEqual(eventsOf(events.join(''), seams), events)
        assert.equal(relayed(events.join(''), seams).text, events.join(''))
      }),
    )
  })

  test('for any bytes', () => {
    const piece = fc.constantFrom('\n', '\r', 'data: x', 'data: END', 'data: FAIL', 'data: BAD', 'é', '😀')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), anySeams, (pieces, seams) => {
        const stream = pieces.join('')
        assert.deepEqual(relayed(stream, seams), relayed(stream, []))
      }),
    )
  })

  test('for a stream of OpenAI, translator included', () => {
    const chunk = (choice: object) => `data: ${JSON.stringify({ id: 'é😀', choices: [{ index: 0, ...choice }] })}\n\n`
    const stream = `${chunk({ delta: { content: 'Grüße 😀' } })}: comment\r\n\r\n${chunk({ finish_reason: 'stop' })}data: [DONE]\n\n`
    const open = () => new StreamRelay(new OpenAiStream({ model: 'm', includeUsage: false }))
    assert.deepEqual(relayed(stream, everySeam(stream), open()), {
      text: stream,
      done: true,
      failure: undefined,
      malformed: undefined,
    })
  })
})

describe('an event ends at an empty line', () => {
  for (const end of ['\n\n', '\r\n\r\n', '\r\r', '\n\r\n', '\r\n\n']) {
    test(`written ${JSON.stringify(end)}`, () => {
      const events = [`data: 1${end}`, `data: 2${end}`]
      assert.deepEqual(eventsOf(events.join(''), []), events)
      assert.deepEqual(eventsOf(events.join(''), everySeam(events.join(''))), events)
    })
  }

  test('and a single line end ends none', () => {
    assert.deepEqual(eventsOf('event: a\r\ndata: 1\ndata: 2\rdata: 3\n', []), [])
  })
})

test('nothing is held back but an event whose end has not come', () => {
  fc.assert(
    fc.property(anyEvents, anyLine, (events, beginning) => {
      const relay = new StreamRelay(new Recorder())
      assert.equal(relayed(events.join('') + beginning, [], relay).text, events.join(''))
      const rest = Buffer.from(beginning).toString('latin1')
      assert.equal(relay.push(Buffer.from('\n\n')), `${rest}\n\n`)
    }),
  )
})

describe('nothing is relayed any more', () => {
  for (const [after, stream, expected] of [
    ['the event that ends the stream', 'data: 1\n\ndata: END\n\ndata: 2\n\n', 'data: 1\n\ndata: END\n\n'],
    ['a failure, which is not relayed itself', 'data: 1\n\ndata: FAIL\n\ndata: 2\n\n', 'data: 1\n\n'],
    ['a malformed event, which is not relayed itself', 'data: 1\n\ndata: BAD\n\ndata: 2\n\n', 'data: 1\n\n'],
  ] as const) {
    for (const [how, seams] of [
      ['in one read', []],
      ['byte by byte', everySeam(stream)],
    ] as const) {
      test(`after ${after}, ${how}`, () => {
        const relay = new StreamRelay(new Recorder())
        assert.equal(relayed(stream, seams, relay).text, expected)
        assert.equal(relay.push(Buffer.from('data: 3\n\n')), '')
        assert.equal(relay.end(), '')
      })
    }
  }

  test('and why can be told', () => {
    assert.equal(relayed('data: END\n\n', []).done, true)
    assert.equal(relayed('data: FAIL\n\n', []).failure, FAILURE)
    assert.ok(relayed('data: BAD\n\n', []).malformed instanceof SyntaxError)
  })
})

test('a translator that trips over an event makes it malformed', () => {
  const translator = new Recorder()
  translator.translate = () => {
    throw new TypeError('not an object')
  }
  assert.ok(relayed('data: 1\n\n', [], new StreamRelay(translator)).malformed instanceof SyntaxError)
})

test('a stream that was closed properly may have a last event', () => {
  assert.equal(new StreamRelay(new Recorder()).end(), 'last')
})

describe('an event that does not end', () => {
  const MAX = 4 * 1024 * 1024
  const read = Buffer.alloc(64 * 1024, 'x')

  test('is a SyntaxError beyond 4 MiB, and is let go of', () => {
    const relay = new StreamRelay(new Recorder())
    for (let bytes = 0; bytes < MAX; bytes += read.length) {
      assert.equal(relay.push(read), '')
      assert.equal(relay.malformed, undefined)
    }
    relay.push(Buffer.from('x'))
    assert.match(relay.malformed?.message ?? '', /longer than 4194304 bytes/)
    assert.equal(relay.push(Buffer.from('\n\n')), '')
  })

  test('passes at 4 MiB', () => {
    const relay = new StreamRelay(new Recorder())
    for (let bytes = 0; bytes < MAX; bytes += read.length) relay.push(read)
    assert.equal(relay.push(Buffer.from('\n\n')).length, MAX + 2)
  })
})
