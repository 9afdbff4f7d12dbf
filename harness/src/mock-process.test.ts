import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { delayFromText } from '@gatebench/mock-provider/truth'
import { DEFAULTS } from './config.ts'
import { InterruptedError, TargetError } from './errors.ts'
import { startMock } from './mock-process.ts'

const NEVER = new AbortController().signal

describe('startMock', () => {
  test("a mock of the run's own delay and size, which ends when it is told to", async () => {
    const config = { ...DEFAULTS, mockLatencyMs: 20.5, mockJitterMs: 0, responseBytes: 700, seed: 7 }
    const mock = await startMock(config, NEVER)
    try {
      assert.match(mock.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      const response = await fetch(`${mock.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
      })
      const body = await response.text()
      assert.equal(response.status, 200)
      assert.equal(Buffer.byteLength(body), 700)
      const delay = delayFromText(body)
      assert.equal(delay?.plannedUs, 20_500)
      assert.ok(delay.actualUs >= 20_500)
    } finally {
      await mock.stop()
    }
    assert.deepEqual(await mock.exited, { code: 0, signal: undefined })
    assert.throws(() => process.kill(mock.pid, 0), { code: 'ESRCH' })
  })

  test("a configuration that the mock refuses is a TargetError with the mock's words", async () => {
    await assert.rejects(startMock({ ...DEFAULTS, responseBytes: 1 }, NEVER), (error) => {
      assert.ok(error instanceof TargetError)
      assert.match(error.message, /^mock: .*--response-size/s)
      return true
    })
  })

  test('with an aborted signal none is started', async () => {
    await assert.rejects(startMock(DEFAULTS, AbortSignal.abort(new InterruptedError())), InterruptedError)
  })
})
