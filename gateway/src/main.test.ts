import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'

import { answerCompletion, CHAT, providerFile, startProvider } from './http/test-support.ts'
import { chat, configFile, eventually, folder, Program, rewrite, running } from './program/program.test-support.ts'

async function ended(t: TestContext, ...flags: string[]) {
  const program = new Program(t, flags)
  return { code: await program.exited, stdout: await program.stdout, stderr: await program.stderr }
}

/** A provider whose answers wait until they are released. */
async function heldProvider(t: TestContext) {
  const held: (() => void)[] = []
  const provider = await startProvider(t, (request, response) => {
    held.push(() => {
      answerCompletion(request, response)
    })
  })
  const release = (): void => {
    for (const answer of held.splice(0)) answer()
  }
  const holds = (count: number) =>
    eventually(() => {
      assert.equal(held.length, count)
    })
  return { url: provider.url, provider, release, holds }
}

function connected({ url }: Program): Socket {
  // Cut while something is unread, a connection ends in an error.
  return connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined)
}

describe('main', { concurrency: 3 }, () => {
  test('opens ahead, announces one line, serves, drains on SIGTERM and exits 0', async (t) => {
    let connections = 0
    const held = await heldProvider(t)
    held.provider.server.on('connection', () => connections++)
    const file = configFile(t, {
      providers: { openai: providerFile(held.url, { network_config: { open_ahead: 7 } }) },
    })
    // One dash here, two in the next test: both are in use.
    const gateway = await running(t, '-config', file, '-port', '0', '-pool-size', '3')
    await eventually(() => {
      assert.equal(connections, 7)
    })
    const stages = (await (await fetch(`${gateway.url}/debug/stages`)).json()) as {
      pool: { contexts: { total: number } }
    }
    assert.equal(stages.pool.contexts.total, 3)
    const answer = chat(gateway.url, new Agent({ keepAlive: true }))
    // Connected ahead and silent, as a load test does; and half a head.
    const [silent, half] = [connected(gateway), connected(gateway)]
    half.write('POST /v1/chat/comp')
    await Promise.all([once(silent, 'connect'), once(half, 'connect'), held.holds(1)])
    gateway.child.kill('SIGTERM')
    await eventually(() => assert.rejects(fetch(gateway.url)))
    held.release()
    const { status, connection } = await answer
    assert.deepEqual([status, connection], [200, 'close'])
    assert.equal(await gateway.exited, 0)
    assert.equal(await gateway.stderr, '')
    assert.equal(await gateway.stdout, `{"event":"listening","url":"${gateway.url}"}\n`)
  })

  test('while it drains, a request that comes on an open connection gets 503; the limit cuts what runs, exit 1', async (t) => {
    const held = await heldProvider(t)
    const file = configFile(t, { providers: { openai: providerFile(held.url) } })
    const gateway = await running(t, '--config', file, '--port', '0', '--drain-limit', '3s')
    const cut = assert.rejects(chat(gateway.url))
    const socket = connected(gateway)
    const body = JSON.stringify(CHAT)
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`
    // Not idle, so it stays open; not yet a request either.
    socket.write(head.slice(0, 20))
    await held.holds(1)
    gateway.child.kill('SIGTERM')
    await eventually(() => assert.rejects(fetch(gateway.url)))
    socket.write(head.slice(20) + body)
    const answer = await text(socket)
    assert.match(answer, /^HTTP\/1\.1 503 /)
    assert.match(answer, /\r\nconnection: close\r\n/i)
    assert.match(answer, /"code":"shutting_down"/)
    assert.equal(await gateway.exited, 1)
    assert.equal(await gateway.stderr, 'gateway: 1 request was cut at the drain limit of 3 s\n')
    await cut
  })

  test('a second signal ends it at once', async (t) => {
    const held = await heldProvider(t)
    const file = configFile(t, { providers: { openai: providerFile(held.url) } })
    const gateway = await running(t, '--config', file, '--port', '0')
    const failed = assert.rejects(chat(gateway.url))
    await held.holds(1)
    gateway.child.kill('SIGINT')
    await eventually(() => assert.rejects(fetch(gateway.url)))
    assert.equal(gateway.child.exitCode, null)
    gateway.child.kill('SIGINT')
    assert.equal(await gateway.exited, 1)
    await failed
  })

  test('the environment speaks where the flags are silent', async (t) => {
    const held = await heldProvider(t)
    const file = configFile(t, { providers: { openai: providerFile(held.url) } })
    const env = { GATEWAY_CONFIG: file, GATEWAY_PORT: 'x', GATEWAY_DROP_EXCESS_REQUESTS: 'false', GATEWAY_CHECK: 'no' }
    const gateway = await new Program(t, ['-port', '0'], env).listening()
    assert.equal((await fetch(`${gateway.url}/health`)).status, 200)
    const wrong = new Program(t, [], env)
    assert.equal(await wrong.exited, 2)
    assert.match(await wrong.stderr, /'x' from env 'GATEWAY_PORT' is invalid/)
  })

  test('--check says ok, or every problem, and starts nothing', async (t) => {
    const good = configFile(t, { providers: { openai: { keys: [{ value: 'x' }] } }, nonsense: 1 })
    assert.deepEqual(await ended(t, '-config', good, '-check'), {
      code: 0,
      stdout: 'ok\n',
      stderr: `gateway: warning: ${good}: nonsense: not a setting of this gateway; it changes nothing\n`,
    })
    const bad = configFile(t, { providers: { openai: { keys: [{ value: 'env.GATEBENCH_NO_SUCH' }] } } })
    const { code, stdout, stderr } = await ended(t, '-config', bad, '-check')
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /1 problem in .*\n.*GATEBENCH_NO_SUCH is not set/)
  })

  for (const workers of [1, 2]) {
    test(`SIGHUP takes the new configuration, not a wrong one; requests end as they began; ${workers} at work`, async (t) => {
      const [before, after] = [await heldProvider(t), await heldProvider(t)]
      const file = configFile(t, { providers: { openai: providerFile(before.url) } })
      const gateway = await running(t, '-config', file, '-port', '0', '-workers', String(workers))
      const begun = Array.from({ length: 2 }, () => chat(gateway.url))
      await before.holds(2)

      rewrite(file, '{"providers":')
      gateway.child.kill('SIGHUP')
      await gateway.hasSaid(/1 problem in .*\n.*is not JSON.*\ngateway: the configuration stays as it was\n/)

      rewrite(file, { max_request_body_mb: 7, providers: { openai: providerFile(after.url) } })
      gateway.child.kill('SIGHUP')
      await gateway.hasSaid(/gateway: reloaded .*config\.json\n/)
      assert.match(gateway.said, /warning: .*config\.json: max_request_body_mb has changed, which takes a restart/)
      const next = Array.from({ length: 2 }, () => chat(gateway.url))
      await after.holds(2)
      before.release()
      after.release()
      assert.deepEqual(
        (await Promise.all([...begun, ...next])).map(({ status }) => status),
        [200, 200, 200, 200],
      )
      gateway.child.kill('SIGTERM')
      assert.equal(await gateway.exited, 0)
    })

    test(`the request log has a row for each request after the drain; ${workers} at work`, async (t) => {
      const provider = await startProvider(t)
      const path = join(folder(t), 'requests.db')
      const file = configFile(t, {
        request_log: { store: 'sqlite', path, batch_interval: 60_000 },
        providers: { openai: providerFile(provider.url) },
      })
      const gateway = await running(t, '-config', file, '-port', '0', '-workers', String(workers))
      for (let index = 0; index < 4; index++) assert.equal((await chat(gateway.url)).status, 200)
      gateway.child.kill('SIGTERM')
      assert.equal(await gateway.exited, 0)
      const database = new DatabaseSync(path, { readOnly: true })
      assert.deepEqual({ ...database.prepare('SELECT count(*) AS rows FROM gateway_requests').get() }, { rows: 4 })
      database.close()
    })

    test(`a request log that cannot be opened: exit 2 and the reason, once; ${workers} at work`, async (t) => {
      const file = configFile(t, {
        request_log: { store: 'sqlite', path: join(folder(t), 'no-such', 'requests.db') },
        providers: { openai: { keys: [{ value: 'x' }] } },
      })
      const { code, stdout, stderr } = await ended(t, '-config', file, '-port', '0', '-workers', String(workers))
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^gateway: request log: path: the folder .*no-such.* does not exist[^\n]*\n$/)
    })

    test(`a port that is in use: exit 3 and the port; ${workers} at work`, async (t) => {
      const other = createServer().listen(0, '127.0.0.1')
      t.after(() => other.close())
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      const file = configFile(t, { providers: { openai: { keys: [{ value: 'x' }] } } })
      const flags = ['--config', file, '--port', String(port), '-workers', String(workers)]
      const { code, stdout, stderr } = await ended(t, ...flags)
      assert.deepEqual([code, stdout], [3, ''])
      assert.match(stderr, new RegExp(`port ${port} of 127\\.0\\.0\\.1 is in use`))
    })
  }

  test('profiles on the debug port, and only there', async (t) => {
    const file = configFile(t, { providers: { openai: { keys: [{ value: 'sk-never-to-be-seen' }] } } })
    const gateway = await running(t, '-config', file, '-port', '0', '-debug-port', '0')
    await gateway.hasSaid(/profiles of this process: http:\/\/127\.0\.0\.1:\d+\/debug\/\n/)
    const [debugUrl] = /http:\S+/.exec(gateway.said)!
    const heap = await (await fetch(`${debugUrl}heap`)).text()
    assert.ok(heap.includes('"strings":[') && !heap.includes('sk-never-to-be-seen'))
    assert.equal((await fetch(`${gateway.url}/debug/heap`)).status, 404)
    gateway.child.kill('SIGTERM')
    assert.equal(await gateway.exited, 0)
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

  test('help shows examples, variables, and exits 0', async (t) => {
    const { code, stdout } = await ended(t, '--help')
    assert.equal(code, 0)
    assert.match(stdout, /Examples:\n {2}node gateway\/src\/main\.ts -config/)
    assert.match(stdout, /GATEWAY_DRAIN_LIMIT/)
  })
})
