import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import type { JsonObject } from '../json-object.ts'
import { addStrict, MockAdmin, type StrictCounts } from './mock-admin.ts'

/** A stand-in for the mock's control: answers by method and path, and remembers what it was asked. */
async function control(answers: Record<string, { status?: number; body: unknown }>) {
  const asked: { at: string; body: unknown }[] = []
  const server = createServer((request, answer) => {
    const at = `${request.method} ${request.url}`
    let text = ''
    request.on('data', (piece: Buffer) => (text += piece.toString()))
    request.on('end', () => {
      asked.push({ at, body: text === '' ? undefined : (JSON.parse(text) as unknown) })
      const { status = 200, body } = answers[at] ?? { status: 404, body: {} }
      answer.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    admin: new MockAdmin(`http://127.0.0.1:${address.port}`),
    asked,
    [Symbol.dispose]: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

const EXPECTED = [{ path: '/v1/chat/completions', body: { model: 'm' } satisfies JsonObject, ignore: ['model'] }]

describe("the mock's control", () => {
  test('begins a new report: the old expectation goes first, settings come with the new one', async () => {
    using mock = await control({ 'POST /admin/config': { body: {} } })
    assert.equal(await mock.admin.expect(EXPECTED, { tokens: '40' }), true)
    assert.deepEqual(mock.asked, [
      { at: 'POST /admin/config', body: { strict: null } },
      { at: 'POST /admin/config', body: { tokens: '40', strict: { requests: EXPECTED } } },
    ])
  })

  test('ends strict mode and puts settings back in one go', async () => {
    using mock = await control({ 'POST /admin/config': { body: {} } })
    await mock.admin.end({ responseSize: 'exact' })
    assert.deepEqual(mock.asked, [{ at: 'POST /admin/config', body: { responseSize: 'exact', strict: null } }])
  })

  test('says what a setting is, and what was counted, with examples in words', async () => {
    const examples = [{ at: 'messages[0].content', problem: 'sent "a", got "b"', more: 1 }]
    using mock = await control({
      'GET /admin/config': { body: { responseSize: 'exact' } },
      'GET /admin/strict': { body: { checked: 7, wrong: 1, byKind: { changed: 1 }, examples } },
    })
    assert.deepEqual(await mock.admin.settings(['responseSize', 'nothing']), {
      responseSize: 'exact',
      nothing: undefined,
    })
    assert.deepEqual(await mock.admin.report(), {
      ...{ checked: 7, wrong: 1, byKind: { changed: 1 } },
      examples: ['messages[0].content: sent "a", got "b"'],
    })
  })

  for (const [what, answer] of [
    ['refuses', { status: 403, body: { error: 'closed' } }],
    ['answers with something that is not JSON', { body: 'hello' }],
  ] as const) {
    test(`that ${what} is done without`, async () => {
      using mock = await control({
        'POST /admin/config': answer,
        'GET /admin/config': answer,
        'GET /admin/strict': answer,
      })
      assert.equal(await mock.admin.expect(EXPECTED), false)
      assert.equal(mock.asked.length, 1, 'once refused is enough')
      assert.equal(await mock.admin.settings(['responseSize']), undefined)
      assert.equal(await mock.admin.report(), undefined)
      await mock.admin.end()
    })
  }

  test('that has no report of strict mode gives none', async () => {
    using mock = await control({ 'GET /admin/strict': { body: { strict: null } } })
    assert.equal(await mock.admin.report(), undefined)
  })
})

describe('two counts of strict mode', () => {
  const one: StrictCounts = { checked: 10, wrong: 2, byKind: { changed: 2, added: 1 }, examples: ['a', 'b'] }

  test('add up, kind by kind, each example once', () => {
    const other = { checked: 5, wrong: 1, byKind: { added: 3, lost: 1 }, examples: ['b', 'c'] }
    assert.deepEqual(addStrict(one, other), {
      checked: 15,
      wrong: 3,
      byKind: { changed: 2, added: 4, lost: 1 },
      examples: ['a', 'b', 'c'],
    })
  })

  test('of which one is not known are the other, and of which none is known are nothing', () => {
    assert.deepEqual(addStrict(one, undefined), one)
    assert.deepEqual(addStrict(undefined, one), one)
    assert.equal(addStrict(undefined, undefined), undefined)
  })
})
