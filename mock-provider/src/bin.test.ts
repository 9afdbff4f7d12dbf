import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  Connection,
  descendantsOf,
  eventually,
  isRunning,
  listening,
  newCaller,
  oneWaitingAtEach,
  run,
  type Program,
} from './program.fixture.ts'

const BIN = fileURLToPath(new URL('../bin/mock-provider.js', import.meta.url))
const PINNED = createRequire(import.meta.url).resolve('node/bin/node')
const PATH = process.env.PATH ?? ''

const versionOf = (node: string) => {
  try {
    return execFileSync(node, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return undefined
  }
}

/** A node of this machine that is not the pinned one; undefined for none. */
function anotherNode(): string | undefined {
  const pinned = versionOf(PINNED)
  return PATH.split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((node) => ![undefined, pinned].includes(versionOf(node)))
}

/** The bin as a shell would run it, for somebody who has this node first on the path. */
function runBin(context: TestContext, node: string, ...args: string[]): Program {
  const path = `PATH=${dirname(node)}${delimiter}${PATH}`
  return run(context, args, { node: '/usr/bin/env', nodeFlags: [path], script: BIN })
}

/** Once it listens: where, and all of its processes. */
async function up(program: Program) {
  const url = await listening(program)
  const pid = program.child.pid!
  return { url, pids: [pid, ...descendantsOf(pid)] }
}

const allGone = (pids: readonly number[]) => eventually(() => !pids.some(isRunning))

const another = anotherNode()
const CALLERS = [
  { name: 'the pinned node', node: PINNED, skip: false },
  { name: 'another node', node: another ?? '', skip: another === undefined && 'this machine has no other node' },
]

for (const { name, node, skip } of CALLERS) {
  describe(`gatebench-mock, for a caller with ${name}`, { timeout: 60_000, skip }, () => {
    test('prints its help, and exits with 0', async (context) => {
      const program = runBin(context, node, '--help')
      assert.deepEqual(await program.exited, { code: 0, signal: null })
      assert.match(program.stdout(), /^Usage: /)
      assert.equal(program.stderr(), '')
    })

    test('exits with 2 over wrong flags, and with 3 where it cannot listen', async (context) => {
      const wrong = runBin(context, node, '--latency', 'fast')
      assert.equal((await wrong.exited).code, 2)
      assert.match(wrong.stderr(), /--latency: /)
      const elsewhere = runBin(context, node, '--host', '192.0.2.1', '--port', '0')
      assert.equal((await elsewhere.exited).code, 3)
      assert.match(elsewhere.stderr(), /--host: /)
    })

    test('runs the mock under the pinned node, answers what waits after SIGTERM, and exits with 0', async (context) => {
      const program = runBin(context, node, '--port', '0', '--latency', '1s')
      const { url, pids } = await up(program)
      assert.equal(realpathSync(`/proc/${pids.at(-1)!}/exe`), realpathSync(PINNED))
      const caller = new Connection(url)
      const [answer] = await oneWaitingAtEach(url, [caller])
      program.child.kill('SIGTERM')
      assert.equal((await answer)?.plannedUs, 1_000_000)
      caller.close()
      assert.deepEqual(await program.exited, { code: 0, signal: null })
      await allGone(pids)
      assert.equal(program.stdout(), `{"event":"listening","url":"${url}"}\n`)
      assert.equal(program.stderr(), '')
    })

    test('passes a second signal on, and exits as the mock does', async (context) => {
      const program = runBin(context, node, '--port', '0', '--latency', '60s')
      const { url, pids } = await up(program)
      const caller = new Connection(url)
      const [answer] = await oneWaitingAtEach(url, [caller])
      const lost = assert.rejects(answer!)
      program.child.kill('SIGINT')
      await eventually(async () => (await newCaller(url)) === 'refused')
      assert.equal(program.child.exitCode, null)
      program.child.kill('SIGINT')
      assert.deepEqual(await program.exited, { code: 130, signal: null })
      await lost
      await allGone(pids)
    })

    test('takes the mock with it when it is killed, workers and all', async (context) => {
      const program = runBin(context, node, '--port', '0', '--workers', '2')
      const { pids } = await up(program)
      assert.ok(pids.length >= 3)
      program.child.kill('SIGKILL')
      await allGone(pids)
      assert.equal(program.stderr(), '')
    })
  })
}
