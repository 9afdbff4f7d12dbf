import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { cutAt, parsePieces } from './parsed.test-data.ts'
import { ResponseParser } from './response-parser.ts'
import { CHUNKED, OK, REFUSED, sized, WHOLE } from './responses.test-data.ts'

const KEEP = { keepHeaders: ['kept'] }

describe('a whole response', () => {
  for (const { name, text, is } of WHOLE) {
    test(name, () => {
      const whole = parsePieces([text], KEEP)
      assert.partialDeepStrictEqual(whole, { end: 'complete', status: 200, ...is })
      for (let at = 1; at < text.length; at++)
        assert.deepEqual(parsePieces(cutAt(text, [at]), KEEP), whole, `cut at ${at}`)
      assert.deepEqual(parsePieces(Array.from(text), KEEP), whole, 'byte by byte')
    })
  }
})

describe('refused', () => {
  for (const { name, text } of REFUSED) {
    test(name, () => {
      assert.equal(parsePieces([text]).end, 'refused')
      // Long texts at a few places only: each byte costs the whole text.
      const step = Math.ceil(text.length / 200)
      for (let at = 1; at < text.length; at += step)
        assert.equal(parsePieces(cutAt(text, [at])).end, 'refused', `cut at ${at}`)
    })
  }
})

test('what is cut short is incomplete, at every byte but those of a body that lasts until the close', () => {
  for (const text of [sized('hello'), `${CHUNKED}5;x\r\nhello\r\n0\r\nt: u\r\n\r\n`, 'HTTP/1.1 204 No\r\n\r\n']) {
    for (let end = 0; end < text.length; end++)
      assert.equal(parsePieces([text.slice(0, end)]).end, 'incomplete', text.slice(0, end))
  }
})

test('the longest head that is read has 65,536 bytes', () => {
  const head = (bytes: number): string => {
    const rest = `${OK}content-length: 0\r\na: \r\n\r\n`
    return rest.replace('a: ', `a: ${'x'.repeat(bytes - rest.length)}`)
  }
  for (const cuts of [[], [100], [65_535], [40_000, 65_000]]) {
    assert.equal(parsePieces(cutAt(head(65_536), cuts)).end, 'complete')
    assert.equal(parsePieces(cutAt(head(65_537), cuts)).end, 'refused')
  }
})

test('a head in single bytes costs no more than its lines', () => {
  const text = `${OK}${'name: a value of some length\r\n'.repeat(1_000)}content-length: 0\r\n\r\n`
  assert.equal(parsePieces(Array.from(text)).end, 'complete')
})

test('the start of the body is kept up to its limit, and only where the named header is missing', () => {
  const options = { keepHeaders: ['truth'], bodyStartBytes: 4, keepBodyStartUnless: 0 }
  assert.equal(parsePieces([sized('abcdef')], options).bodyStart, 'abcd')
  assert.equal(parsePieces(Array.from(sized('abcdef')), options).bodyStart, 'abcd')
  assert.equal(parsePieces([sized('ab')], options).bodyStart, 'ab')
  assert.equal(parsePieces([`${OK}truth: 1\r\ncontent-length: 3\r\n\r\nabc`], options).bodyStart, '')
  assert.equal(parsePieces([sized('abcdef')]).bodyStart, '')
})

test('the start of the body is kept where the named bytes are in it, however it is cut', () => {
  const options = { bodyStartBytes: 6, keepBodyStartWith: Buffer.from('id-') }
  const text = sized('x id-1 y')
  for (let at = 1; at < text.length; at++) assert.equal(parsePieces(cutAt(text, [at]), options).bodyStart, 'x id-1')
  assert.equal(parsePieces([sized('x no-1 y')], options).bodyStart, '')
  assert.equal(parsePieces([sized('nothing id-1')], options).bodyStart, '', 'beyond the start')
  assert.equal(parsePieces([`${CHUNKED}3\r\nx i\r\n3\r\nd-1\r\n0\r\n\r\n`], options).bodyStart, 'x id-1')
})

test('after a reset nothing of the last response is left, however it ended', () => {
  const fresh = parseWith(new ResponseParser(KEEP), sized('ok'))
  for (const { text } of [...WHOLE, ...REFUSED]) {
    for (const length of [text.length, text.length >> 1, 20]) {
      const parser = new ResponseParser(KEEP)
      try {
        parseWith(parser, text.slice(0, length))
      } catch {
        // Refused, as it may be.
      }
      parser.reset()
      assert.deepEqual(parseWith(parser, sized('ok')), fresh, text.slice(0, length))
    }
  }
})

function parseWith(parser: ResponseParser, text: string): object {
  const bytes = Buffer.from(text, 'latin1')
  const consumed = parser.execute(bytes, 0, bytes.length)
  const { status, keepAlive, bodyBytes, headers, complete } = parser
  return { consumed, status, keepAlive, bodyBytes, headers: [...headers], complete }
}

describe('properties', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 40 })
  const cuts = fc.array(fc.nat(400), { maxLength: 12 })

  test('no segmentation changes what is read of a chunked response', () => {
    const chunks = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), { maxLength: 8 })
    fc.assert(
      fc.property(chunks, fc.stringMatching(/^(;[a-z]{0,5})?$/), text, cuts, (parts, extension, rest, at) => {
        const framed = parts.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`).join('')
        const whole = `${CHUNKED}${framed}0${extension}\r\n\r\n${rest}`
        const parsed = parsePieces(cutAt(whole, at))
        assert.partialDeepStrictEqual(parsed, { end: 'complete', body: parts.join(''), rest })
      }),
    )
  })

  test('no segmentation changes what is read of a sized response', () => {
    fc.assert(
      fc.property(text, text, cuts, (body, rest, at) => {
        assert.partialDeepStrictEqual(parsePieces(cutAt(sized(body) + rest, at)), { end: 'complete', body, rest })
      }),
    )
  })

  test('bytes that were tampered with are read the same in any segmentation, and never end in another error', () => {
    const mutation = fc.record({
      at: fc.nat(120),
      remove: fc.nat(3),
      insert: fc.string({
        unit: fc.constantFrom('\r', '\n', ' ', ':', ';', '0', '1', 'f', 'x', '\0', ','),
        maxLength: 4,
      }),
    })
    fc.assert(
      fc.property(
        fc.constantFrom(...WHOLE),
        fc.array(mutation, { maxLength: 3 }),
        cuts,
        ({ text: original }, mutations, at) => {
          const tampered = mutations.reduce(
            (bytes, m) => bytes.slice(0, m.at) + m.insert + bytes.slice(m.at + m.remove),
            original,
          )
          const whole = parsePieces([tampered], KEEP)
          const cut = parsePieces(cutAt(tampered, at), KEEP)
          if (whole.end === 'refused') assert.equal(cut.end, 'refused')
          else assert.deepEqual(cut, whole)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
