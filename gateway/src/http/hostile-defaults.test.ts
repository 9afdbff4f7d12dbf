import assert from 'node:assert/strict'
import { test } from 'node:test'

import { configFile, running } from '../program/program.test-support.ts'
import { RawCaller, talk } from './hostile.test-support.ts'
import { CHAT, startGateway } from './test-support.ts'

/** What a gateway does that was told nothing but its provider. */

const PROVIDERS = { openai: { keys: [{ value: 'sk-secret' }] } }

test('it listens on the loopback address alone', async (t) => {
  const { url } = await running(t, '-config', configFile(t, { providers: PROVIDERS }), '-port', '0')
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
})

test('it waits 60 s for a request, head and body', async (t) => {
  const { server } = (await startGateway(t, { providers: PROVIDERS })).app
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [60_000, 60_000])
})

test('it takes heads of 16 KiB', async (t) => {
  const gateway = await startGateway(t, { providers: PROVIDERS })
  const statuses = async (sizeBytes: number) =>
    (await talk(gateway, `GET /health HTTP/1.1\r\nhost: x\r\nx-a: ${'b'.repeat(sizeBytes)}\r\n\r\n`)).map(
      ({ status }) => status,
    )
  assert.deepEqual(await statuses(16_000), [200])
  assert.deepEqual(await statuses(16_400), [431])
})

test('it takes bodies of 10 MiB', async (t) => {
  const gateway = await startGateway(t, { providers: PROVIDERS })
  const MAX_BYTES = 10 * 1_048_576
  const statusOf = async (sizeBytes: number): Promise<number> => {
    // What comes after the announcement does not matter: a length that is too much is refused before the body comes.
    const caller = new RawCaller(gateway)
    const body = JSON.stringify({ ...CHAT, model: 'nowhere/m' })
    caller.socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${sizeBytes}\r\n\r\n`)
    if (sizeBytes <= MAX_BYTES) caller.socket.write(body.padEnd(sizeBytes, ' '))
    const [answer] = await caller.answered(1)
    caller.socket.destroy()
    return answer?.status ?? 0
  }
  assert.equal(await statusOf(MAX_BYTES), 400)
  assert.equal(await statusOf(MAX_BYTES + 1), 413)
})
