import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { HeapSnapshotFilter } from './heap-snapshot.ts'
import { knownSecrets, SECRETS } from './secrets.test-data.ts'
import { Secrets } from './secrets.ts'

const META = { meta: { node_fields: ['type', 'name'], node_types: [['hidden', 'string']] }, node_count: 2 }

function snapshotOf(strings: readonly string[]): string {
  return JSON.stringify({ snapshot: META, nodes: [0, 1, 9, 12], edges: [3, 12], strings })
}

function filtered(chunks: readonly Buffer[], secrets = knownSecrets()): Promise<string> {
  return text(Readable.from(chunks).pipe(new HeapSnapshotFilter(secrets)))
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length))
}

/** As V8 writes them: what is not ASCII escaped. */
function asciiOnly(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`)
}

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(...SECRETS),
    fc.constantFrom('\\', '"', 'Bearer ', '\n', '\u2028', 'strings', '":["', 'é', '\ud800'),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  ),
  { maxLength: 6 },
)
const strings = fc.array(
  pieces.map((parts) => parts.join('')),
  { maxLength: 8 },
)
const places = fc.array(fc.nat(), { maxLength: 20 })

describe('HeapSnapshotFilter', () => {
  test('no secret passes, everything else does, however the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(strings, places, async (strings, places) => {
        const out = await filtered(cutAt(Buffer.from(asciiOnly(snapshotOf(strings))), places))
        const read = JSON.parse(out) as { strings: string[]; nodes: number[]; snapshot: unknown }
        assert.deepEqual([read.snapshot, read.nodes], [META, [0, 1, 9, 12]])
        const secrets = knownSecrets()
        assert.deepEqual(
          read.strings,
          strings.map((string) => secrets.redact(string)),
        )
        for (const [index, string] of read.strings.entries()) {
          assert.equal(string.length, strings[index]!.length)
          for (const secret of SECRETS) assert.ok(!string.includes(secret), secret)
        }
      }),
    )
  })

  test('a snapshot without secrets passes byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(strings, places, async (strings, places) => {
        const bytes = Buffer.from(asciiOnly(snapshotOf(strings)))
        assert.equal(await filtered(cutAt(bytes, places), new Secrets()), bytes.toString())
      }),
    )
  })

  test('a secret like a word of the format leaves the format alone', async () => {
    const secrets = new Secrets()
    secrets.addValues(['type', '1', 'n'])
    const out = await filtered([Buffer.from(snapshotOf(['my type', 'n']))], secrets)
    assert.deepEqual(JSON.parse(out), {
      snapshot: META,
      nodes: [0, 1, 9, 12],
      edges: [3, 12],
      strings: ['my [key', '['],
    })
  })

  test('a snapshot that breaks off within a string ends before it', async () => {
    const whole = snapshotOf(['fine', SECRETS[0]])
    const out = await filtered([Buffer.from(whole.slice(0, whole.indexOf(SECRETS[0]) + SECRETS[0].length))])
    assert.ok(out.endsWith('"fine",'), out)
  })
})
