import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { cutAt, parsePieces } from './parsed.test-data.ts'
import { rawServer, writePieces, type RawServer } from './raw-server.test-data.ts'
import { HttpSyntaxError, ResponseParser } from './response-parser.ts'
import { CHUNKED, OK, REFUSED, sized, WHOLE } from './responses.test-data.ts'

/** The same bytes, over real sockets, to our parser and to Node's own client (llhttp): both must see the same. */

/** Undefined: not a whole response. */
type Seen = { status: number; body: string } | undefined

let server: RawServer
let pieces: readonly string[] = []

before(async () => {
  server = await rawServer(async (socket) => {
    await writePieces(socket, pieces)
    socket.end()
  })
})
after(() => server[Symbol.asyncDispose]())

function seenByNode(): Promise<Seen> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port: server.port, agent: false }, (response) => {
      const body: string[] = []
      response.setEncoding('latin1').on('data', (text: string) => body.push(text))
      response.once('error', () => {
        resolve(undefined)
      })
      response.once('close', () => {
        resolve(response.complete ? { status: response.statusCode!, body: body.join('') } : undefined)
      })
    })
    call.once('error', () => {
      resolve(undefined)
    })
    call.once('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode!, body: '' })
    })
    call.end()
  })
}

function seenByOurs(): Promise<Seen> {
  return new Promise((resolve) => {
    const body: string[] = []
    const parser = new ResponseParser({
      onBody: (bytes, start, end) => body.push(bytes.toString('latin1', start, end)),
    })
    const socket = connect(server.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    socket.on('data', (bytes) => {
      try {
        if (!parser.complete) parser.execute(bytes, 0, bytes.length)
      } catch (error) {
        assert.ok(error instanceof HttpSyntaxError)
        socket.destroy()
      }
    })
    socket.once('end', () => parser.finish())
    socket.once('close', () => {
      resolve(parser.complete ? { status: parser.status, body: body.join('') } : undefined)
    })
  })
}

async function seenByBoth(sent: readonly string[]): Promise<{ ours: Seen; node: Seen }> {
  pieces = sent
  return { ours: await seenByOurs(), node: await seenByNode() }
}

/** Whole for us alone, and why. */
const LAXER: Record<string, string> = {
  'an equal second length changes nothing': 'RFC 9112, section 6.3, lets a recipient take equal lengths for one',
  'blanks after a chunk size are skipped': 'servers that pad their sizes exist, and nothing can be smuggled by it',
}

/** Refused by us alone, and why. */
const STRICTER: Record<string, string> = {
  'an empty line before the status line': 'a peer that sends a stray line between answers is out of step',
  'HTTP/2 in plain text': 'a version that was not asked for; llhttp looks at its form only',
  'a status below 100': 'there is no such class; llhttp looks at its form only',
  'a switch of protocols': "nobody asked for one; Node's client leaves it to who listens for it",
}

describe('whole responses are whole for both', () => {
  for (const { name, text, is } of WHOLE) {
    test(name, async () => {
      // Node's client takes what follows an answer for an error of its connection, not of the answer.
      const { ours, node } = await seenByBoth(cutAt(text.slice(0, text.length - (is.rest ?? '').length), [7, 30, 60]))
      assert.deepEqual(ours, { status: is.status ?? 200, body: ours?.body })
      if (name in LAXER) assert.equal(node, undefined, 'no longer differs')
      else assert.deepEqual(ours, node)
    })
  }
})

describe('what is refused is refused by both', () => {
  for (const { name, text } of REFUSED) {
    test(name, async () => {
      const { ours, node } = await seenByBoth(cutAt(text, [7, 30, 60]))
      assert.equal(ours, undefined)
      if (name in STRICTER) assert.notEqual(node, undefined, 'no longer differs')
      else assert.equal(node, undefined)
    })
  }
})

describe('at random', () => {
  const body = fc.string({ unit: 'binary-ascii', maxLength: 300 })
  const chunk = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 100 })
  const extension = fc.constantFrom('', ';a', ';a=b', ';a="b c"')
  const headers = fc.array(fc.constantFrom('a: b', 'Server: x/1', 'date:\tnow \t', 'x-empty:', 'connection: close'), {
    maxLength: 4,
  })
  const framed = fc.oneof(
    body.map((text) => ({ text, framing: `content-length: ${text.length}\r\n\r\n${text}` })),
    body.map((text) => ({ text, framing: `\r\n${text}` })),
    fc
      .tuple(fc.array(chunk, { maxLength: 6 }), extension, fc.constantFrom('', 't: u\r\n'))
      .map(([parts, ext, trailer]) => ({
        text: parts.join(''),
        framing: `Transfer-Encoding: chunked\r\n\r\n${parts
          .map((part) => `${part.length.toString(16)}${ext}\r\n${part}\r\n`)
          .join('')}0\r\n${trailer}\r\n`,
      })),
  )
  const response = fc.record({
    interim: fc.constantFrom('', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'),
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0'),
    status: fc.constantFrom(200, 201, 400, 429, 500, 503),
    headers,
    framed,
    cuts: fc.array(fc.nat(600), { maxLength: 10 }),
  })

  test('both see the same status and the same bytes, however the answer is framed and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        response,
        async ({ interim, version, status, headers: lines, framed: { text, framing }, cuts }) => {
          const head = [`${version} ${status} Reason`, ...lines].map((line) => `${line}\r\n`).join('')
          const { ours, node } = await seenByBoth(cutAt(interim + head + framing, cuts))
          assert.deepEqual(ours, { status, body: text })
          assert.deepEqual(node, ours)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('an answer that is cut short is whole for neither, unless only the close could end it', async () => {
    const whole = fc.constantFrom(sized('hello'), `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, `${OK}\r\nhello`)
    await fc.assert(
      fc.asyncProperty(whole, fc.nat(80), async (text, at) => {
        const { ours, node } = await seenByBoth([text.slice(0, Math.min(at, text.length))])
        assert.deepEqual(ours, node)
      }),
      { numRuns: 100 },
    )
  })

  test('an answer whose headers were tampered with is the same to both', async () => {
    // Not in a status line, where ours is stricter: about versions, classes, and control characters in the
    // reason; and not after the head, where it skips what extensions and trailers say and llhttp reads it.
    const insert = fc.string({
      unit: fc.constantFrom('\r', '\n', ' ', ':', ';', '0', '1', 'f', 'x', ','),
      maxLength: 4,
    })
    const mutation = fc.record({
      at: fc.integer({ min: 'HTTP/1.1 200 OK'.length, max: 120 }),
      remove: fc.nat(3),
      insert,
    })
    const alike = fc.constantFrom(...WHOLE.filter(({ name }) => !(name in LAXER) && !name.startsWith('interim')))
    await fc.assert(
      fc.asyncProperty(alike, fc.array(mutation, { minLength: 1, maxLength: 2 }), async ({ text }, mutations) => {
        const headEnd = text.indexOf('\r\n\r\n') + 2
        const tampered = mutations.reduce((bytes, { at, remove, insert }) => {
          const from = Math.min(at, headEnd)
          return bytes.slice(0, from) + insert + bytes.slice(from + remove)
        }, text)
        // With something after the answer Node's client fails; ours keeps the answer and closes the connection.
        fc.pre(parsePieces([tampered]).rest === '')
        const { ours, node } = await seenByBoth([tampered])
        assert.deepEqual(ours, node)
      }),
      { numRuns: 300 },
    )
  })
})
