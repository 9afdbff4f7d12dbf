import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, listening, run } from './program.fixture.ts'

function chat(url: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] }),
  })
}

async function waiting(url: string, count: number): Promise<void> {
  const health = async () => (await (await fetch(`${url}/health`)).json()) as { waiting: number }
  await eventually(async () => (await health()).waiting >= count)
}

describe('the program', { timeout: 20_000 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`gives waiting answers after ${signal}, then exits with 0, having printed one line`, async (context) => {
      const program = run(context, ['--port', '0', '--latency', '1s', '--response-size', '1.37KB'])
      const url = await listening(program)
      const answers = [chat(url), chat(url), chat(url)]
      await waiting(url, 3)
      program.child.kill(signal)
      for (const answer of answers) {
        const response = await answer
        assert.equal(response.status, 200)
        assert.equal((await response.text()).length, 1_370)
      }
      assert.deepEqual(await program.exited, { code: 0, signal: null })
      assert.equal(program.stdout(), `{"event":"listening","url":"${url}"}\n`)
      assert.equal(program.stderr(), '')
    })
  }

  test('exits at once on a second signal', async (context) => {
    const program = run(context, ['--port', '0', '--latency', '60s'])
    const url = await listening(program)
    const answer = assert.rejects(chat(url))
    await waiting(url, 1)
    program.child.kill('SIGTERM')
    await sleep(50)
    assert.equal(program.child.exitCode, null)
    program.child.kill('SIGTERM')
    assert.equal((await program.exited).code, 143)
    await answer
  })

  test('refuses connections for as long as it is told to, and does not end over that', async (context) => {
    const scenario = [{ at: '100ms', set: { refuseConnections: false } }]
    const program = run(context, [
      '--port',
      '0',
      '--refuse-connections',
      'true',
      '--scenario',
      JSON.stringify(scenario),
    ])
    const url = await listening(program)
    await eventually(async () => {
      assert.equal(program.child.exitCode, null)
      const health = await fetch(`${url}/health`).catch(() => undefined)
      return health?.status === 200
    })
  })

  test('on a busy port says which and what would be right, and exits with 3', async (context) => {
    const other = createServer().listen(0, '127.0.0.1')
    context.after(() => other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const program = run(context, ['--port', String(port)])
    assert.equal((await program.exited).code, 3)
    assert.equal(
      program.stderr(),
      `bench mock: --port: ${port} on 127.0.0.1 is taken by another program; choose another port, or 0 for any free one\n`,
    )
    assert.equal(program.stdout(), '')
  })

  test('on an address of another machine says so, and exits with 3', async (context) => {
    const program = run(context, ['--host', '192.0.2.1', '--port', '0'])
    assert.equal((await program.exited).code, 3)
    assert.match(program.stderr(), /^bench mock: --host: 192\.0\.2\.1 is not an address of this machine; .*\n$/)
  })

  test('reports all bad flags together, and exits with 2', async (context) => {
    const program = run(context, ['--latency', 'fast', '--response-size', '10', '--nope'])
    assert.equal((await program.exited).code, 2)
    assert.match(
      program.stderr(),
      /^bench mock: 3 problems in the command line\n {2}--nope: .*\n {2}--latency: .*\n {2}--response-size: .*\n$/,
    )
    assert.equal(program.stdout(), '')
  })

  test('prints its help, and exits with 0', async (context) => {
    const program = run(context, ['--help'])
    assert.equal((await program.exited).code, 0)
    assert.match(program.stdout(), /^Usage: bench mock \[options\]\n/)
  })
})
