import type { Parsed } from './parsed.test-data.ts'

export const OK = 'HTTP/1.1 200 OK\r\n'
export const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`
export const sized = (body: string): string => `${OK}content-length: ${body.length}\r\n\r\n${body}`

/** Every response here is whole or refused: no cut of it may change which. */
export interface Case {
  name: string
  text: string
  is: Partial<Parsed>
}

/** Responses that are whole once their last byte has come, or the connection has closed. */
export const WHOLE: Case[] = [
  { name: 'a body of a stated length ends there', text: sized('hello') + 'next', is: { body: 'hello', rest: 'next' } },
  { name: 'a length of zero is complete with the head', text: sized('') + 'x', is: { body: '', rest: 'x' } },
  {
    name: 'an equal second length changes nothing',
    text: `${OK}content-length: 2\r\nContent-Length: 2\r\n\r\nab`,
    is: {},
  },
  { name: 'the length may have zeros in front', text: `${OK}content-length: 0002\r\n\r\nab`, is: { body: 'ab' } },
  { name: 'names are read in any case', text: `${OK}CONTENT-Length: 2\r\n\r\nab!`, is: { body: 'ab', rest: '!' } },
  {
    name: 'blanks around a value are not part of it',
    text: `${OK}content-length:\t 2 \t\r\n\r\nab`,
    is: { body: 'ab' },
  },
  { name: 'chunks are joined', text: `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nX`, is: { body: 'abcde', rest: 'X' } },
  { name: 'no chunk but the last is an empty body', text: `${CHUNKED}0\r\n\r\n`, is: { body: '' } },
  {
    name: 'chunk sizes are hexadecimal in any case',
    text: `${CHUNKED}A\r\n0123456789\r\n0b\r\n0123456789a\r\n0\r\n\r\n`,
    is: { body: '01234567890123456789a' },
  },
  {
    name: 'zeros before a chunk size do not count',
    text: `${CHUNKED}${'0'.repeat(40)}1\r\na\r\n000\r\n\r\n`,
    is: { body: 'a' },
  },
  { name: 'chunk extensions are skipped', text: `${CHUNKED}1;a=b;c="d"\r\nx\r\n0;z\r\n\r\n`, is: { body: 'x' } },
  { name: 'blanks after a chunk size are skipped', text: `${CHUNKED}1  \r\nx\r\n0 ;e\r\n\r\n`, is: { body: 'x' } },
  {
    name: 'trailers are skipped',
    text: `${CHUNKED}1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\nnext`,
    is: { body: 'x', rest: 'next' },
  },
  {
    name: 'chunked after another coding frames the body',
    text: `${OK}transfer-encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    is: { body: 'x' },
  },
  {
    name: 'the last of several codings counts',
    text: `${OK}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    is: { body: '' },
  },
  {
    name: 'without a length the body lasts until the close',
    text: `${OK}\r\nabc`,
    is: { body: 'abc', end: 'complete at close', keepAlive: false },
  },
  {
    name: 'a coding other than chunked lasts until the close',
    text: `${OK}transfer-encoding: gzip\r\n\r\nabc`,
    is: { body: 'abc', end: 'complete at close' },
  },
  {
    name: 'chunked that is not last lasts until the close',
    text: `${OK}transfer-encoding: chunked, gzip\r\n\r\nab`,
    is: { body: 'ab', end: 'complete at close' },
  },
  { name: '204 has no body', text: 'HTTP/1.1 204 No Content\r\n\r\nnext', is: { status: 204, body: '', rest: 'next' } },
  {
    name: '304 has no body whatever its length says',
    text: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n',
    is: { status: 304, body: '' },
  },
  {
    name: 'interim responses come before the final one',
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nkept: no\r\n\r\n${sized('ok')}`,
    is: { status: 200, body: 'ok', headers: [undefined] },
  },
  { name: 'a reason is not needed', text: 'HTTP/1.1 503\r\ncontent-length: 0\r\n\r\n', is: { status: 503 } },
  {
    name: 'a reason may hold any text',
    text: "HTTP/1.1 418 I'm a\tteapot \xfc\r\ncontent-length: 0\r\n\r\n",
    is: { status: 418 },
  },
  {
    name: 'HTTP/1.0 closes',
    text: 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx',
    is: { body: 'x', keepAlive: false },
  },
  {
    name: 'HTTP/1.0 stays open when it says so',
    text: 'HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\nx',
    is: { keepAlive: true },
  },
  {
    name: 'HTTP/1.1 closes when it says so',
    text: `${OK}connection: Close\r\ncontent-length: 0\r\n\r\n`,
    is: { keepAlive: false },
  },
  {
    name: 'close is found among options',
    text: `${OK}connection: x-a , close\r\ncontent-length: 0\r\n\r\n`,
    is: { keepAlive: false },
  },
  {
    name: 'close wins over a later keep-alive',
    text: `HTTP/1.0 200 OK\r\nconnection: close\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n`,
    is: { keepAlive: false },
  },
  {
    name: 'an option that only contains close is another one',
    text: `${OK}connection: close-ish\r\ncontent-length: 0\r\n\r\n`,
    is: { keepAlive: true },
  },
  {
    name: 'the kept header is found',
    text: `${OK}a: b\r\nKept:  some value \r\ncontent-length: 0\r\n\r\n`,
    is: { headers: ['some value'] },
  },
  { name: 'an empty value is a value', text: `${OK}kept:\r\ncontent-length: 0\r\n\r\n`, is: { headers: [''] } },
]

/** What is not a response of HTTP/1.1, each known as such by its last byte. */
export const REFUSED: Omit<Case, 'is'>[] = [
  { name: 'something that is not HTTP', text: '220 mail.example ESMTP ready\r\n' },
  { name: 'an empty line before the status line', text: `\r\n${sized('x')}` },
  { name: 'HTTP/2 in plain text', text: 'HTTP/2.0 200 OK\r\n\r\n' },
  { name: 'HTTP/1.2', text: 'HTTP/1.2 200 OK\r\n\r\n' },
  { name: 'a status of two digits', text: 'HTTP/1.1 20 OK\r\n\r\n' },
  { name: 'a status of four digits', text: 'HTTP/1.1 2000 OK\r\n\r\n' },
  { name: 'a status below 100', text: 'HTTP/1.1 099 OK\r\n\r\n' },
  { name: 'a switch of protocols', text: 'HTTP/1.1 101 Switching\r\n\r\n' },
  { name: 'a bare line feed after the status line', text: 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n' },
  { name: 'a bare line feed after a header', text: `${OK}a: b\ncontent-length: 0\r\n\r\n` },
  { name: 'a bare carriage return inside a header', text: `${OK}a: b\rc\r\n\r\n` },
  { name: 'a bare carriage return where a header would begin', text: `${OK}\rcontent-length: 0\r\n\r\n` },
  { name: 'a NUL in a header', text: `${OK}a: b\0\r\n\r\n` },
  { name: 'a DEL in a header', text: `${OK}a: b\x7f\r\n\r\n` },
  { name: 'a header without a colon', text: `${OK}content-length\r\n\r\n` },
  { name: 'a header without a name', text: `${OK}: 5\r\n\r\n` },
  { name: 'a blank before the colon', text: `${OK}content-length : 5\r\n\r\nhello` },
  { name: 'a header that is folded', text: `${OK}a: b\r\n c\r\n\r\n` },
  { name: 'a name with a character that names do not have', text: `${OK}a(b: c\r\n\r\n` },
  { name: 'conflicting lengths', text: `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab` },
  { name: 'lengths in a list', text: `${OK}content-length: 2, 2\r\n\r\nab` },
  { name: 'a negative length', text: `${OK}content-length: -1\r\n\r\n` },
  { name: 'a signed length', text: `${OK}content-length: +1\r\n\r\nx` },
  { name: 'a length that is no number', text: `${OK}content-length: 1x\r\n\r\nx` },
  { name: 'an empty length', text: `${OK}content-length: \r\n\r\n` },
  { name: 'a length beyond exact integers', text: `${OK}content-length: ${'9'.repeat(16)}\r\n\r\n` },
  { name: 'a length beside chunks', text: `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n` },
  { name: 'an empty chunk size', text: `${CHUNKED}\r\nx` },
  { name: 'an extension without a size', text: `${CHUNKED};a\r\nx` },
  { name: 'a blank before a chunk size', text: `${CHUNKED} 1\r\nx` },
  { name: 'a chunk size that is not hexadecimal', text: `${CHUNKED}g\r\nx` },
  { name: 'a chunk size with a prefix', text: `${CHUNKED}0x1\r\nx` },
  { name: 'a negative chunk size', text: `${CHUNKED}-1\r\nx` },
  { name: 'two chunk sizes on one line', text: `${CHUNKED}1 1\r\nx` },
  { name: 'a chunk size beyond exact integers', text: `${CHUNKED}1${'0'.repeat(12)}\r\nx` },
  { name: 'a bare line feed after a chunk size', text: `${CHUNKED}1\nx` },
  { name: 'a bare line feed after an extension', text: `${CHUNKED}1;a\nx` },
  { name: 'a bare carriage return in an extension', text: `${CHUNKED}1;a\rb\r\nx` },
  { name: 'a chunk longer than its size', text: `${CHUNKED}1\r\nxy\r\n` },
  { name: 'a chunk that a bare line feed ends', text: `${CHUNKED}1\r\nx\n` },
  { name: 'a chunk that two carriage returns end', text: `${CHUNKED}1\r\nx\r\r\n` },
  { name: 'a bare line feed after a trailer', text: `${CHUNKED}0\r\na: b\n` },
  { name: 'a bare carriage return in a trailer', text: `${CHUNKED}0\r\na\rb\r\n` },
  { name: 'an endless head', text: `${OK}a: ${'x'.repeat(70_000)}` },
  { name: 'a whole head that is too long', text: `${OK}a: ${'x'.repeat(70_000)}\r\n\r\n` },
  { name: 'an endless chunk extension', text: `${CHUNKED}1;${'x'.repeat(70_000)}` },
  { name: 'endless trailers', text: `${CHUNKED}0\r\n${'a: b\r\n'.repeat(12_000)}` },
]
