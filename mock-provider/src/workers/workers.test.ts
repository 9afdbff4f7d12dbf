import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionToEach, listening, run, type Connection } from '../program.fixture.ts'
import type { StrictReport } from '../strict-tally.ts'

const ADMIN = { authorization: 'Bearer sk-admin' }
const WORKERS = ['--port', '0', '--workers', '2']

/** The same of both workers, asked one after the other. */
function ofBoth<T>(workers: readonly Connection[], ask: (worker: Connection) => Promise<T>): Promise<[T, T]> {
  const [one, two] = workers
  return ask(one!).then(async (first) => [first, await ask(two!)])
}

const configOf = async (worker: Connection) => {
  const { status, text } = await worker.ask('/admin/config', undefined, ADMIN)
  assert.equal(status, 200, text)
  return JSON.parse(text) as Record<string, unknown>
}

test('two workers answer as one mock', { timeout: 30_000 }, async (context) => {
  const program = run(context, [...WORKERS, '--admin-key', 'sk-admin', '--latency', 'uniform:1ms:3ms'])
  const url = await listening(program)
  const workers = await connectionToEach(url, 2)
  context.after(() => {
    for (const worker of workers) worker.close()
  })
  const [one, two] = workers as [Connection, Connection]

  await context.test('one counts its answers in odd numbers, the other in even ones', async () => {
    const before = await ofBoth(workers, async (worker) => (await worker.chat()).sequence)
    for (const step of [2, 4, 6]) {
      const now = await ofBoth(workers, async (worker) => (await worker.chat()).sequence)
      assert.deepEqual(now, [before[0] + step, before[1] + step])
    }
    assert.deepEqual([before[0] % 2, before[1] % 2], [1, 0])
  })

  await context.test('each draws for itself', async () => {
    assert.equal((await one.ask('/admin/config', { seed: 1 }, ADMIN)).status, 200)
    const delaysOf = async (worker: Connection) => {
      const delaysUs: number[] = []
      for (let i = 0; i < 5; i++) delaysUs.push((await worker.chat()).plannedUs)
      return delaysUs
    }
    const [first, second] = await ofBoth(workers, delaysOf)
    assert.equal(new Set([...first, ...second]).size, 10)
  })

  await context.test('whichever is asked for metrics, they are those of both', async () => {
    const counts = async (worker: Connection) => {
      const { text } = await worker.ask('/metrics')
      const valueOf = (line: RegExp) => Number(line.exec(text)?.[1])
      return [
        valueOf(/^mock_requests_total\{key="none",status="200"\} (\d+)$/m),
        valueOf(/^mock_delay_error_seconds_count (\d+)$/m),
      ]
    }
    const [before, same] = await ofBoth(workers, counts)
    assert.deepEqual(before, same)
    await one.chat()
    await two.chat()
    await two.chat()
    const now = before.map((count) => count + 3)
    assert.deepEqual(await ofBoth(workers, counts), [now, now])
  })

  await context.test('a change over HTTP at either is there at both when it is answered', async () => {
    for (const [at, latency] of [
      [one, '2ms'],
      [two, '4ms'],
    ] as const) {
      const { status, text } = await at.ask('/admin/config', { latency, keys: { 'sk-a': { tokens: 7 } } }, ADMIN)
      assert.equal(status, 200)
      assert.equal((JSON.parse(text) as { latency: unknown }).latency, latency)
      const plannedUs = Number.parseInt(latency) * 1_000
      assert.deepEqual(await ofBoth(workers, async (worker) => (await worker.chat()).plannedUs), [plannedUs, plannedUs])
      const [first, second] = await ofBoth(workers, configOf)
      assert.deepEqual(first, second)
    }
  })

  await context.test('a change that is refused tells all problems, and changes neither', async () => {
    const before = await ofBoth(workers, configOf)
    const patch = { latency: '8ms', errorRate: 2, tokens: 'many', workers: 3 }
    for (const worker of workers) {
      const { status, text } = await worker.ask('/admin/config', patch, ADMIN)
      assert.equal(status, 400)
      const { problems } = JSON.parse(text) as { problems: string[] }
      assert.deepEqual(
        problems.map((problem) => problem.replace(/:.*/, '')),
        ['workers', 'tokens', 'errorRate'],
      )
    }
    assert.deepEqual(await ofBoth(workers, configOf), before)
    assert.deepEqual(await ofBoth(workers, async (worker) => (await worker.chat()).plannedUs), [4_000, 4_000])
  })

  await context.test('what GET shows can be sent back as it is: the port is as it was written', async () => {
    const shown = await configOf(two)
    assert.equal(shown.port, '0')
    const { status, text } = await two.ask('/admin/config', shown, ADMIN)
    assert.equal(status, 200, text)
    assert.deepEqual(await ofBoth(workers, configOf), [shown, shown])
  })

  await context.test('without the admin key neither shows or changes anything', async () => {
    const statuses = async (worker: Connection) => [
      (await worker.ask('/admin/config')).status,
      (await worker.ask('/admin/config', { latency: 0 })).status,
      (await worker.ask('/admin/strict')).status,
    ]
    const refused = [401, 401, 401]
    assert.deepEqual(await ofBoth(workers, statuses), [refused, refused])
  })

  await context.test('strict mode, off: both say so; on: both count, and either reports for both', async () => {
    const report = (worker: Connection) => worker.ask('/admin/strict', undefined, ADMIN)
    assert.deepEqual(await ofBoth(workers, async (worker) => (await report(worker)).status), [404, 404])
    const strict = { keyShares: { 'sk-a': 3, 'sk-b': 1 } }
    assert.equal((await two.ask('/admin/config', { strict }, ADMIN)).status, 200)
    const send = async (worker: Connection, key: string) => worker.chat({ authorization: `Bearer ${key}` })
    await send(one, 'sk-a')
    await send(one, 'sk-b')
    await send(two, 'sk-a')
    await send(two, 'sk-unknown')
    const [first, second] = await ofBoth(
      workers,
      async (worker) => JSON.parse((await report(worker)).text) as StrictReport,
    )
    assert.deepEqual(first, second)
    assert.equal(first.checked, 4)
    assert.equal(first.byKind.wrong_key, 1)
    assert.deepEqual(
      first.keyShares.map(({ seen }) => seen),
      [2, 1],
    )
  })

  await context.test('all of this came from one program, which said one line', () => {
    assert.equal(program.stdout(), `{"event":"listening","url":"${url}"}\n`)
    assert.equal(program.stderr(), '')
  })
})
