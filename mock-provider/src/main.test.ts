import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const BIN = fileURLToPath(new URL('./main.ts', import.meta.url))

interface Program {
  child: ChildProcess
  stdout: () => string
  stderr: () => string
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

function run(context: TestContext, args: string[], script = MAIN): Program {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  context.after(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const exited = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  return { child, stdout: () => stdout, stderr: () => stderr, exited }
}

async function listening(program: Program): Promise<string> {
  while (!program.stdout().endsWith('\n')) {
    if (program.child.exitCode !== null) assert.fail(program.stderr())
    await sleep(5)
  }
  const { event, url } = JSON.parse(program.stdout()) as { event: string; url: string }
  assert.equal(event, 'listening')
  return url
}

function chat(url: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] }),
  })
}

async function waiting(url: string, count: number): Promise<void> {
  const health = async () => (await (await fetch(`${url}/health`)).json()) as { waiting: number }
  while ((await health()).waiting < count) await sleep(5)
}

describe('the program', { timeout: 20_000 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`gives waiting answers after ${signal}, then exits with 0, having printed one line`, async (context) => {
      const program = run(context, ['--port', '0', '--latency', '400ms', '--response-size', '1.37KB'])
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
    const program = run(context, ['--latency', 'fast', '--response-size', '10', '--nope'], BIN)
    assert.equal((await program.exited).code, 2)
    assert.match(
      program.stderr(),
      /^bench mock: 3 problems in the command line\n {2}--nope: .*\n {2}--latency: .*\n {2}--response-size: .*\n$/,
    )
    assert.equal(program.stdout(), '')
  })

  test('prints its help, and exits with 0', async (context) => {
    const program = run(context, ['--help'], BIN)
    assert.equal((await program.exited).code, 0)
    assert.match(program.stdout(), /^Usage: bench mock \[options\]\n/)
  })
})
