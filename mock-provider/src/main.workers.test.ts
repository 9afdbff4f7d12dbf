import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import {
  childrenOf,
  Connection,
  connectionToEach,
  eventually,
  isRunning,
  listening,
  newCaller,
  oneWaitingAtEach,
  run,
  type Program,
} from './program.fixture.ts'

const WORKERS = ['--port', '0', '--workers', '2']

/** The program with two workers and a connection to each, and the workers' pids. */
async function twoWorkers(context: TestContext, ...args: string[]) {
  const program = run(context, [...WORKERS, ...args])
  const url = await listening(program)
  const connections = await connectionToEach(url, 2)
  context.after(() => {
    for (const connection of connections) connection.close()
  })
  const [one, two] = connections as [Connection, Connection]
  return { program, url, one, two, pids: childrenOf(program.child.pid!) }
}

async function allGone(pids: readonly number[]): Promise<void> {
  assert.equal(pids.length, 2)
  await eventually(() => !pids.some(isRunning))
}

describe('the program with workers', { timeout: 60_000 }, () => {
  test('gives waiting answers of all after SIGTERM, drops what hangs, then exits with 0', async (context) => {
    const { program, url, one, two, pids } = await twoWorkers(context, '--latency', '400ms')
    const hanging = new Connection(url)
    const dropped = assert.rejects(hanging.chat({ 'x-mock-fault': 'hang' }))
    await eventually(async () => /^mock_hanging 1$/m.test((await one.ask('/metrics')).text))
    const answers = await oneWaitingAtEach(url, [one, two])
    program.child.kill('SIGTERM')
    for (const answer of answers) assert.equal((await answer).plannedUs, 400_000)
    await dropped
    assert.deepEqual(await program.exited, { code: 0, signal: null })
    await allGone(pids)
    assert.equal(program.stdout(), `{"event":"listening","url":"${url}"}\n`)
    assert.equal(program.stderr(), '')
  })

  test('on a second signal all of them end at once', async (context) => {
    const { program, url, one, two, pids } = await twoWorkers(context)
    await one.ask('/admin/config', { latency: '60s' })
    const lost = (await oneWaitingAtEach(url, [one, two])).map((answer) => assert.rejects(answer))
    program.child.kill('SIGINT')
    // The first signal has arrived.
    await eventually(async () => (await newCaller(url)) === 'refused')
    assert.equal(program.child.exitCode, null)
    program.child.kill('SIGINT')
    assert.equal((await program.exited).code, 130)
    await allGone(pids)
    await Promise.all(lost)
  })

  test('leaves no orphans when it is killed', async (context) => {
    const { program, pids } = await twoWorkers(context)
    program.child.kill('SIGKILL')
    await allGone(pids)
    assert.equal(program.stderr(), '')
  })

  test('told to end before any worker listens, it ends with 0 and leaves nothing', async (context) => {
    const program = run(context, WORKERS)
    await eventually(() => childrenOf(program.child.pid!).length > 0)
    const pids = childrenOf(program.child.pid!)
    program.child.kill('SIGTERM')
    assert.deepEqual(await program.exited, { code: 0, signal: null })
    await eventually(() => !pids.some(isRunning))
    assert.equal(program.stdout(), '')
    assert.equal(program.stderr(), '')
  })

  test('says of a busy port what one process says, and exits with 3', async (context) => {
    const other = createServer().listen(0, '127.0.0.1')
    context.after(() => other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const program = run(context, ['--port', String(port), '--workers', '2'])
    assert.equal((await program.exited).code, 3)
    assert.equal(
      program.stderr(),
      `bench mock: --port: ${port} on 127.0.0.1 is taken by another program; choose another port, or 0 for any free one\n`,
    )
    assert.equal(program.stdout(), '')
  })

  test('refuses connections at all workers, while open ones are served, and lets in again where it did', async (context) => {
    const { program, url, one, two, pids } = await twoWorkers(context)
    await one.ask('/admin/config', { refuseConnections: true })
    await eventually(async () => (await newCaller(url)) === 'refused')
    for (const open of [one, two]) assert.equal((await open.ask('/health')).status, 200)
    // As fast as can be: some workers still close when others open.
    for (let i = 0; i < 10; i++) await two.ask('/admin/config', { refuseConnections: i % 2 === 0 })
    await eventually(async () => (await newCaller(url)) === 'served')
    for (const connection of await connectionToEach(url, 2)) connection.close()
    assert.deepEqual(childrenOf(program.child.pid!), pids)
    assert.equal(program.stderr(), '')
  })

  test('every process of it keeps the young generation at its first two semi-spaces of 1 MiB', async (context) => {
    assert.deepEqual(await youngGenerationsMiB(context, '--workers', '1'), [2])
    assert.deepEqual(await youngGenerationsMiB(context, '--workers', '2'), [2, 2, 2])
  })
})

/** Tells, asked by a signal, how large V8 has made the young generation by then. */
const TELL = `data:text/javascript,${encodeURIComponent(`
  import { getHeapSpaceStatistics } from 'node:v8'
  process.on('SIGUSR2', () => {
    const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    process.stderr.write(space_size / 1_048_576 + '\\n')
  })
`)}`

/** Of all processes of the program, workers included, once it listens. */
async function youngGenerationsMiB(context: TestContext, ...args: string[]): Promise<number[]> {
  const program: Program = run(context, ['--port', '0', ...args], { nodeFlags: ['--import', TELL] })
  await listening(program)
  const { pid } = program.child
  const pids = [pid!, ...childrenOf(pid!)]
  for (const each of pids) process.kill(each, 'SIGUSR2')
  const lines = () => program.stderr().split('\n').slice(0, -1)
  await eventually(() => lines().length === pids.length)
  return lines().map(Number)
}
