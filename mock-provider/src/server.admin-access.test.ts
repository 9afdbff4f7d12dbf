import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { configure } from './server.callers.fixture.ts'
import { CHAT, withMock, type Mock } from './server.fixture.ts'

const PATHS = ['/admin/config', '/admin/strict']
const STRICT = { keyShares: { 'sk-a': 1 } }

/** A request as it comes from an address. */
function from({ server }: Mock, remoteAddress: string, url: string, headers: Record<string, string> = {}) {
  return server.app.inject({ method: 'GET', url, remoteAddress, headers })
}

describe('/admin without a key', () => {
  test('is for callers of this machine', async () => {
    await withMock({ strict: STRICT }, async (mock) => {
      for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) {
        for (const path of PATHS) assert.equal((await from(mock, address, path)).statusCode, 200, address)
      }
      assert.equal((await configure(mock, { latency: 1 })).status, 200)
    })
  })

  test('refuses all others, whatever they say of themselves, and tells them nothing', async () => {
    await withMock({ strict: STRICT }, async (mock) => {
      const lies = { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', host: 'localhost' }
      for (const address of ['192.0.2.1', '10.0.0.1', '1.127.0.1', '2001:db8::1', '::ffff:192.0.2.1', '::1:1']) {
        for (const path of PATHS) {
          const response = await from(mock, address, path, lies)
          assert.equal(response.statusCode, 403, address)
          assert.deepEqual(response.json(), {
            problems: ['without --admin-key, /admin is for callers of this machine alone'],
          })
        }
      }
      const url = '/admin/config'
      const change = { method: 'POST', url, remoteAddress: '192.0.2.1', payload: { latency: 5 } } as const
      assert.equal((await mock.server.app.inject(change)).statusCode, 403)
      assert.equal(mock.server.control.running.config.answer.latency.minimum, 0)
    })
  })

  test('keeps only itself from the others: answers, metrics and health are for all', async () => {
    await withMock({}, async (mock) => {
      for (const path of ['/health', '/metrics', '/v1/models']) {
        assert.equal((await from(mock, '192.0.2.1', path)).statusCode, 200)
      }
    })
  })
})

describe('/admin with a key', () => {
  const adminKey = 'sk-admin-secret'
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

  test('is for whoever has it, from any address', async () => {
    await withMock({ adminKey, strict: STRICT }, async (mock) => {
      for (const address of ['127.0.0.1', '192.0.2.1']) {
        for (const path of PATHS) assert.equal((await from(mock, address, path, bearer(adminKey))).statusCode, 200)
      }
      const changed = await configure(mock, { latency: 2 }, bearer(adminKey))
      assert.equal(changed.status, 200)
      assert.equal(((await changed.json()) as { latency: number }).latency, 2)
    })
  })

  test('refuses everyone else, this machine included, before it reads what they want', async () => {
    await withMock({ adminKey, strict: STRICT, bodyLimit: '1KiB' }, async (mock) => {
      const wrong = [
        bearer('sk-admin-secre'),
        bearer(`${adminKey}x`),
        bearer('SK-ADMIN-SECRET'),
        { 'x-api-key': adminKey },
      ]
      for (const headers of [{}, { authorization: adminKey }, { authorization: 'Bearer ' }, ...wrong]) {
        for (const path of PATHS) {
          const response = await fetch(`${mock.url}${path}`, { headers })
          assert.equal(response.status, 401)
          assert.match(await response.text(), /^\{"problems":\["\/admin needs the header authorization: Bearer/)
        }
        for (const patch of ['{"latency":9}', '{"latency', 'x'.repeat(2_000)]) {
          assert.equal((await configure(mock, patch, headers)).status, 401)
        }
      }
      assert.equal(mock.server.control.running.config.answer.latency.minimum, 0)
    })
  })

  test('is not that of callers, who need none', async () => {
    await withMock({ adminKey }, async ({ chat }) => {
      assert.equal((await chat(CHAT)).status, 200)
    })
  })

  test('neither shows it nor changes it', async () => {
    await withMock({ adminKey }, async (mock) => {
      const shown = await (await fetch(`${mock.url}/admin/config`, { headers: bearer(adminKey) })).text()
      assert.ok(!shown.includes(adminKey) && !shown.includes('adminKey'))
      for (const other of ['sk-other', null]) {
        const refused = await configure(mock, { adminKey: other }, bearer(adminKey))
        assert.equal(refused.status, 400)
        assert.deepEqual(await refused.json(), { problems: ['adminKey: is decided when the mock starts'] })
      }
      assert.equal((await configure(mock, {}, bearer(adminKey))).status, 200)
    })
  })
})
