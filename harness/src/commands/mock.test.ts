import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { processTree, readProcText } from '../process-tree.ts'

const BENCH = fileURLToPath(new URL('../../bin/bench.js', import.meta.url))

/** In a process group of its own, as a shell starts it. */
function spawnBench(context: TestContext, ...args: string[]) {
  const child = spawn(process.execPath, [BENCH, 'mock', ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  context.after(() => child.kill('SIGKILL'))
  return child
}

/** Runs `bench mock`, and waits until it listens. */
async function benchMock(context: TestContext, ...args: string[]) {
  const child = spawnBench(context, '--port', '0', ...args)
  const stderr = text(child.stderr)
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url } = JSON.parse(line) as { url: string }
  const pid = child.pid!
  return { url, stderr, exited, pids: processTree(pid, new Set()), ctrlC: () => process.kill(-pid, 'SIGINT'), pid }
}

function chat(url: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
  })
}

/** So many answers that wait for their time. */
async function waiting(url: string, count: number): Promise<Promise<Response>[]> {
  for (;;) {
    const answers = Array.from({ length: count }, () => chat(url))
    // On a slow machine they may be answered before anybody has looked: so once more.
    const isLate = Promise.all(answers).then(() => true)
    do {
      const metrics = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text()
      if (!metrics.includes(`\nmock_in_flight ${count}\n`)) continue
      isLate.catch(() => undefined)
      return answers
    } while (!(await Promise.race([isLate, sleep(5, false)])))
  }
}

/** Whether a new caller is refused: the mock drains. One that was just being dealt to a worker, nobody answers. */
function isRefused(url: string): Promise<boolean> {
  const answered = fetch(`${url}/health`, { headers: { connection: 'close' } }).then(
    () => false,
    () => true,
  )
  return Promise.race([answered, sleep(1_000, false)])
}

/** A process that has ended, and whose end nobody has looked at, is gone as well. */
async function allGone(pids: readonly number[]): Promise<void> {
  const isRunning = (pid: number) => !/\) [ZX] /.test(readProcText(`/proc/${pid}/stat`) ?? ') X ')
  while (pids.some(isRunning)) await sleep(5)
}

describe('bench mock', { timeout: 60_000 }, () => {
  test('hands its flags on as they are, those with JSON and those that begin like its own', async (context) => {
    const keys = JSON.stringify({ 'sk-a': { latency: '5ms' } })
    const flags = [
      '--latency',
      '3ms',
      '--fail-key',
      'sk-x=401',
      '--fail-key',
      'sk-y=429',
      '--keys',
      keys,
      '--seed',
      '7',
    ]
    const { url, ctrlC, exited } = await benchMock(context, ...flags)
    const config = (await (await fetch(`${url}/admin/config`)).json()) as Record<string, unknown>
    const { latency, failKeys, keys: own, seed } = config
    assert.deepEqual(
      { latency, failKeys, own, seed },
      {
        latency: '3ms',
        failKeys: ['sk-x=401', 'sk-y=429'],
        own: { 'sk-a': { latency: '5ms' } },
        seed: '7',
      },
    )
    ctrlC()
    assert.deepEqual(await exited, [0, null])
  })

  test('hands back what the mock says of wrong flags, and its code', async (context) => {
    const child = spawnBench(context, '--latency', 'fast', '--rate', '5')
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /^bench mock: 2 problems in the command line\n {2}--rate: .*\n {2}--latency: .*\n$/)
  })

  for (const workers of ['1', '2']) {
    test(`with --workers ${workers}: Ctrl-C once gives what waits, then all of it ends`, async (context) => {
      const { url, ctrlC, exited, stderr, pids } = await benchMock(context, '--latency', '1s', '--workers', workers)
      const answers = await waiting(url, 2)
      ctrlC()
      for (const answer of answers) assert.equal((await answer).status, 200)
      assert.deepEqual(await exited, [0, null])
      await allGone(pids)
      assert.equal(await stderr, '')
    })

    test(`with --workers ${workers}: Ctrl-C twice ends all of it at once`, async (context) => {
      const { url, ctrlC, exited, pids } = await benchMock(context, '--latency', '60s', '--workers', workers)
      const lost = (await waiting(url, 2)).map((answer) => assert.rejects(answer))
      ctrlC()
      while (!(await isRefused(url))) await sleep(5)
      ctrlC()
      assert.deepEqual(await exited, [130, null])
      await allGone(pids)
      await Promise.all(lost)
    })
  }

  test('takes the mock with it when it is killed, workers and all', async (context) => {
    const { pid, pids } = await benchMock(context, '--workers', '2')
    assert.ok(pids.length >= 4)
    process.kill(pid, 'SIGKILL')
    await allGone(pids)
  })
})
