import assert from 'node:assert/strict'
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'

import { startDebugServer } from './debug-server.ts'
import { knownSecrets, SECRETS } from './secrets.test-data.ts'

async function debugServer(t: TestContext): Promise<string> {
  const server = await startDebugServer({ port: 0, secrets: knownSecrets() })
  t.after(() => {
    server.close()
  })
  return server.url
}

/** fetch does not let a caller choose the Host header. */
function askAs(host: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (response) => {
      text(response).then(() => {
        resolve(response.statusCode!)
      }, reject)
    }).once('error', reject)
  })
}

describe('the profiling port', () => {
  test('a CPU profile', async (t) => {
    const url = await debugServer(t)
    const answer = await fetch(`${url}profile?seconds=1`)
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-disposition')!, /\.cpuprofile/)
    const profile = (await answer.json()) as { nodes: unknown[]; samples: number[]; timeDeltas: number[] }
    assert.ok(profile.nodes.length > 0 && profile.samples.length === profile.timeDeltas.length)
  })

  test('a heap snapshot that holds strings, but no secret', async (t) => {
    const url = await debugServer(t)
    const inMemory = { marker: 'a string to be found', head: `Bearer ${SECRETS[0]}` }
    const answer = await fetch(`${url}heap`)
    const snapshot = await answer.text()
    assert.equal(inMemory.head.length, 7 + SECRETS[0].length)
    const { strings } = JSON.parse(snapshot) as { strings: string[] }
    assert.ok(strings.includes(inMemory.marker))
    for (const secret of SECRETS) assert.ok(!strings.some((string) => string.includes(secret)), secret)
    assert.ok(strings.some((string) => string.includes('[key]****')))
  })

  test('one at a time: 409; the next one when the first has left', async (t) => {
    const url = await debugServer(t)
    const leaving = new AbortController()
    const first = fetch(`${url}profile?seconds=300`, { signal: leaving.signal })
    const failed = assert.rejects(first)
    for (;;) {
      const { status } = await fetch(`${url}profile?seconds=1`)
      if (status === 409) break
    }
    leaving.abort()
    await failed
    for (;;) {
      const { status } = await fetch(`${url}profile?seconds=1`)
      if (status === 200) break
    }
  })

  test('a name that is not this machine: 403, whatever it points to', async (t) => {
    const url = await debugServer(t)
    for (const host of ['attacker.example', 'attacker.example:80', '127.0.0.1.attacker.example', 'localhost.example']) {
      assert.equal(await askAs(host, `${url}heap`), 403, host)
    }
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:2', 'LOCALHOST']) {
      assert.equal(await askAs(host, `${url}nothing`), 404, host)
    }
  })

  test('what cannot be answered', async (t) => {
    const url = await debugServer(t)
    for (const seconds of ['0', '301', 'x', '-1', '', 'Infinity']) {
      const answer = await fetch(`${url}profile?seconds=${seconds}`)
      assert.equal(answer.status, 400, seconds)
      assert.match(await answer.text(), /seconds: must be a number from 1 to 300, got "/)
    }
    assert.equal((await fetch(`${url}profile`, { method: 'POST' })).status, 405)
    assert.equal((await fetch(url)).status, 404)
  })
})
