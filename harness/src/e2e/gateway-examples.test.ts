import assert from 'node:assert/strict'
import { execa } from 'execa'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RunningProgram } from '../processes.ts'
import { startMock } from './gateway.test-support.ts'

/** The library's examples do what they say, against the mock that their comments name. */

let mock: RunningProgram

before(async () => {
  mock = await startMock('--fail-key', 'sk-dead=401', '--fail-key', 'sk-broken=500', '--tokens', '5')
})

after(() => (mock as RunningProgram | undefined)?.stop())

function example(name: string, env: Record<string, string> = {}) {
  const file = fileURLToPath(new URL(`../../../gateway/examples/${name}`, import.meta.url))
  return execa(process.execPath, [file], {
    reject: false,
    stdin: 'ignore',
    env: { OPENAI_BASE_URL: mock.url, ANTHROPIC_BASE_URL: mock.url, ...env },
  })
}

describe('example', { concurrency: true }, () => {
  test('chat.ts prints the answer and who gave it', async () => {
    const { stdout, stderr, exitCode } = await example('chat.ts')
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.match(stdout, /\S+[^]*\n\d+ tokens from openai$/)
  })

  test('chat.ts says what went wrong', async () => {
    const { stderr, exitCode } = await example('chat.ts', { OPENAI_API_KEY: 'sk-dead' })
    assert.equal(exitCode, 1)
    assert.match(stderr, /^failed with 502 \(upstream_credentials_exhausted\): /)
  })

  test('stream.ts prints the answer as it comes, then the usage', async () => {
    const { stdout, stderr, exitCode } = await example('stream.ts')
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.match(stdout, /\S+[^]*\n5 tokens$/)
  })

  test('fallbacks.ts is answered by the other provider', async () => {
    const { stdout, stderr, exitCode } = await example('fallbacks.ts')
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.match(stdout, /^answered by anthropic with claude-sonnet-4-5 after \d+ ms$/m)
  })
})
