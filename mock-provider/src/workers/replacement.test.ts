import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, Connection, connectionToEach, eventually, listening, run } from '../program.fixture.ts'

/** More than any process can have counted up to here, and less than where the next one in its place begins. */
const FAR = 1e9

/** A connection to a worker that has replaced another one; waits for it. */
async function connectionToNew(url: string): Promise<Connection> {
  for (;;) {
    const connection = new Connection(url)
    // Until somebody listens again there may be nobody to answer; and what was just being dealt to the dead is lost.
    const answer = await Promise.race([connection.chat().catch(() => undefined), sleep(1_000)])
    if (answer && answer.sequence > FAR) return connection
    connection.close()
    await sleep(5)
  }
}

const configOf = async (worker: Connection) =>
  JSON.parse((await worker.ask('/admin/config')).text) as Record<string, unknown>

const change = async (worker: Connection, patch: unknown) => {
  const { status, text } = await worker.ask('/admin/config', patch)
  assert.equal(status, 200, text)
}

/** A scenario whose first step has been when the mock listens, and whose second one is far away. */
const SCENARIO = [
  { at: 0, set: { latency: '3ms', tokens: 30 } },
  { at: '3600s', set: { tokens: 60 } },
]

test('a worker that is killed is replaced', { timeout: 60_000 }, async (context) => {
  const program = run(context, ['--port', '0', '--workers', '2', '--scenario', JSON.stringify(SCENARIO)])
  const url = await listening(program)
  const [one, two] = (await connectionToEach(url, 2)) as [Connection, Connection]
  const opened = [one, two]
  context.after(() => {
    for (const connection of opened) connection.close()
  })
  const primary = program.child.pid!
  const pids = childrenOf(primary)
  assert.equal(pids.length, 2)

  await context.test('the scenario has begun at both', async () => {
    for (const worker of [one, two]) assert.equal((await configOf(worker)).tokens, 30)
  })

  await context.test('the other one answers all the while, alone', async () => {
    // After the scenario's step: what replaces the dead one must not take the step for the later of the two.
    await change(two, { latency: '7ms' })
    process.kill(pids[0]!, 'SIGKILL')
    const { status, text } = await two.ask('/metrics')
    assert.equal(status, 200)
    assert.match(text, /^mock_requests_total/m)
    await change(two, { tokensPerChunk: 2 })
    assert.equal((await two.chat()).plannedUs, 7_000)
  })

  await context.test('a change that meets the new one as it starts is not lost', async () => {
    await eventually(() => childrenOf(primary).some((pid) => !pids.includes(pid)))
    await change(two, { tokens: 40 })
  })

  await context.test('the new one has the config as it is by now, the scenario where it stands', async () => {
    const fresh = await connectionToNew(url)
    opened.push(fresh)
    const config = await configOf(fresh)
    assert.deepEqual(config, await configOf(two))
    assert.deepEqual([config.latency, config.tokensPerChunk, config.tokens], ['7ms', 2, 40])
    assert.equal((await fresh.chat()).plannedUs, 7_000)
  })

  await context.test('a scenario that begins now goes on at all of them', async () => {
    const [fresh] = opened.slice(-1) as [Connection]
    const scenario = [
      { at: 0, set: { tokens: 50 } },
      { at: '50ms', set: { latency: '9ms' } },
    ]
    await change(fresh, { scenario })
    for (const worker of [fresh, two]) {
      assert.equal((await configOf(worker)).tokens, 50)
      await eventually(async () => (await configOf(worker)).latency === '9ms')
    }
  })

  await context.test('both killed at once: others listen where they did, and count on', async () => {
    const before = childrenOf(primary)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    const fresh = await connectionToNew(url)
    opened.push(fresh)
    assert.equal((await configOf(fresh)).latency, '9ms')
    const { sequence } = await fresh.chat()
    assert.ok(sequence > FAR, `${sequence}`)
    await eventually(() => childrenOf(primary).length === 2)
    assert.deepEqual(
      childrenOf(primary).filter((pid) => before.includes(pid)),
      [],
    )
  })

  await context.test('of all this nothing was printed', () => {
    assert.equal(program.stdout(), `{"event":"listening","url":"${url}"}\n`)
    assert.equal(program.stderr(), '')
  })
})
