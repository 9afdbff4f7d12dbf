import { HttpSyntaxError, ResponseParser, type ResponseParserOptions } from './response-parser.ts'

/** What a parser made of some bytes. */
export interface Parsed {
  /** Body bytes as latin1 text. */
  body: string
  status: number
  keepAlive: boolean
  headers: (string | undefined)[]
  bodyStart: string
  /** What came after the response. */
  rest: string
  end: 'complete' | 'complete at close' | 'incomplete' | 'refused'
}

/**
 * Feeds pieces as a socket would: each is read into the same buffer, whose other bytes are what earlier reads left there.
 */
export function parsePieces(pieces: readonly string[], options: ResponseParserOptions = {}): Parsed {
  const body: string[] = []
  const parser = new ResponseParser({
    ...options,
    onBody: (bytes, start, end) => body.push(bytes.toString('latin1', start, end)),
  })
  const longest = Math.max(1, ...pieces.map((piece) => piece.length))
  // Stale bytes that would complete a head, were they taken for part of what was read.
  const readBuffer = Buffer.alloc(longest + 64, '\r\n\r\n')
  let rest = ''
  let end: Parsed['end'] = 'incomplete'
  try {
    for (const piece of pieces) {
      const byteCount = readBuffer.write(piece, 'latin1')
      const consumed = parser.complete ? 0 : parser.execute(readBuffer, 0, byteCount)
      rest += piece.slice(consumed)
    }
    if (parser.complete) end = 'complete'
    else if (parser.finish()) end = 'complete at close'
  } catch (error) {
    if (!(error instanceof HttpSyntaxError)) throw error
    end = 'refused'
  }
  const { status, keepAlive, bodyStart } = parser
  return { body: body.join(''), status, keepAlive, headers: [...parser.headers], bodyStart, rest, end }
}

/** Cuts a text at positions between its characters; positions that do not fall inside are left out. */
export function cutAt(text: string, positions: readonly number[]): string[] {
  const cuts = [...new Set(positions)].filter((at) => at > 0 && at < text.length).sort((a, b) => a - b)
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i] ?? text.length))
}
