import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'

import { answerCompletion, CHAT, eventually, providerFile, startProvider } from './http/test-support.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

function configFile(t: TestContext, content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-main-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'config.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

function start(t: TestContext, ...flags: string[]) {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => {
    child.kill('SIGKILL')
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { child, exited, stderr: text(child.stderr) }
}

/** Starts and waits for the one line on stdout. */
async function listening(t: TestContext, ...flags: string[]) {
  const process = start(t, ...flags)
  const [line] = (await once(process.child.stdout, 'data')) as [Buffer]
  const announced = JSON.parse(line.toString()) as { event: string; url: string }
  assert.equal(announced.event, 'listening')
  return { ...process, url: announced.url, line: line.toString() }
}

async function ended(t: TestContext, ...flags: string[]) {
  const { child, exited, stderr } = start(t, ...flags)
  const stdout = await text(child.stdout)
  return { code: await exited, stdout, stderr: await stderr }
}

describe('main', { concurrency: true }, () => {
  test('opens ahead, announces one line, serves, drains on SIGTERM and exits 0', async (t) => {
    let connections = 0
    const provider = await startProvider(t, (request, response) => {
      setTimeout(() => {
        answerCompletion(request, response)
      }, 200)
    })
    provider.server.on('connection', () => connections++)
    const file = configFile(t, {
      providers: { openai: providerFile(provider.url, { network_config: { open_ahead: 7 } }) },
    })
    // One dash here, two in the next test: both are in use.
    const gateway = await listening(t, '-config', file, '-port', '0', '-pool-size', '3')
    assert.equal(gateway.line, `{"event":"listening","url":"${gateway.url}"}\n`)
    assert.equal(connections, 7)
    const stages = (await (await fetch(`${gateway.url}/debug/stages`)).json()) as {
      pool: { contexts: { total: number } }
    }
    assert.equal(stages.pool.contexts.total, 3)
    const answer = fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(CHAT) })
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    gateway.child.kill('SIGTERM')
    assert.equal((await answer).status, 200)
    assert.equal(await gateway.exited, 0)
    assert.equal(await gateway.stderr, '')
  })

  test('a second signal ends it at once', async (t) => {
    const provider = await startProvider(t, () => undefined)
    const file = configFile(t, { providers: { openai: providerFile(provider.url) } })
    const gateway = await listening(t, '--config', file, '--port', '0')
    const answer = fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(CHAT) })
    const failed = assert.rejects(answer)
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    gateway.child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(gateway.child.exitCode, null)
    gateway.child.kill('SIGINT')
    assert.equal(await gateway.exited, 1)
    await failed
  })

  test('a configuration that cannot be used: every problem on stderr, exit 2', async (t) => {
    const file = configFile(t, {
      providers: { mine: { keys: [{ value: 'env.GATEBENCH_NO_SUCH' }] } },
    })
    const { code, stdout, stderr } = await ended(t, '--config', file)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /2 problems in .*config\.json/)
    assert.match(stderr, /providers\.mine\.keys\.0\.value: environment variable GATEBENCH_NO_SUCH is not set/)
    assert.match(stderr, /providers\.mine\.network_config\.base_url/)
  })

  test('no such file, and a file that is not JSON: exit 2 and the name of the file', async (t) => {
    for (const file of [join(tmpdir(), 'gatebench-no-such.json'), configFile(t, '{"providers":')]) {
      const { code, stderr } = await ended(t, '--config', file)
      assert.equal(code, 2)
      assert.ok(stderr.includes(file), stderr)
    }
  })

  test('flags that make no sense: exit 2', async (t) => {
    for (const flags of [[], ['--port', 'x'], ['--nonsense'], ['--log-level', 'loud']]) {
      assert.equal((await ended(t, ...flags)).code, 2, flags.join(' '))
    }
  })

  test('a port that is in use: exit 3 and the port', async (t) => {
    const other = createServer().listen(0, '127.0.0.1')
    t.after(() => other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const file = configFile(t, { providers: { openai: { keys: [{ value: 'x' }] } } })
    const { code, stdout, stderr } = await ended(t, '--config', file, '--port', String(port))
    assert.deepEqual([code, stdout], [3, ''])
    assert.match(stderr, new RegExp(`port ${port} of 127\\.0\\.0\\.1 is in use`))
  })

  test('help shows examples, and exits 0', async (t) => {
    const { code, stdout } = await ended(t, '--help')
    assert.equal(code, 0)
    assert.match(stdout, /Examples:\n {2}node gateway\/src\/main\.ts -config/)
  })
})
