import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'

import { answerCompletion, providerFile, startProvider } from '../http/test-support.ts'
import { chat, configFile, eventually, isAlive, type Program, running } from '../program/program.test-support.ts'

interface Stages {
  requests: number
  segments: Record<string, { count: number }>
}

/** Two workers and a provider that answers `held` models when it is told to, and others at once. */
async function twoWorkers(t: TestContext, ...flags: string[]) {
  const held: (() => void)[] = []
  const provider = await startProvider(t, (request, response) => {
    const { body } = provider.requests.at(-1)!
    if (!body.includes('"held"')) {
      answerCompletion(request, response)
      return
    }
    held.push(() => {
      answerCompletion(request, response)
    })
  })
  const file = configFile(t, { providers: { openai: providerFile(provider.url) } })
  const gateway = await running(t, '-config', file, '-port', '0', '-workers', '2', ...flags)
  return {
    gateway,
    release: () => {
      for (const answer of held.splice(0)) answer()
    },
    /** One request at each worker: connections are dealt in turn. */
    oneAtEach: async () => {
      const answers = [1, 2].map(() =>
        chat(gateway.url, false, 'openai/held').catch((error: unknown) => error as Error),
      )
      await eventually(() => {
        assert.equal(held.length, 2)
      })
      return answers
    },
  }
}

async function shows(gateway: Program, ...lines: string[]): Promise<void> {
  const metrics = await gateway.metrics()
  for (const line of lines) assert.ok(metrics.includes(`\n${line}\n`), `${line} not in\n${metrics}`)
}

const successes = (count: number) => `gateway_success_requests_total{provider="openai",model="m"} ${count}`

async function stages({ url }: Program): Promise<Stages> {
  return (await (await fetch(`${url}/debug/stages`)).json()) as Stages
}

async function noneAlive(pids: readonly number[]): Promise<void> {
  await eventually(() => {
    assert.deepEqual(pids.filter(isAlive), [])
  })
}

describe('workers', { concurrency: 3 }, () => {
  test('share a port; whoever is asked shows the counters of all, and resets the stages of all', async (t) => {
    const { gateway } = await twoWorkers(t)
    for (let index = 0; index < 6; index++) assert.equal((await chat(gateway.url)).status, 200)
    // fetch keeps its connection: these are answers of one worker.
    await shows(gateway, successes(6), 'gateway_workers 2', 'gateway_worker_restarts_total 0')
    const { requests, segments } = await stages(gateway)
    assert.deepEqual([requests, segments.http_request!.count], [6, 6])
    assert.equal((await fetch(`${gateway.url}/debug/stages/reset`, { method: 'POST' })).status, 200)
    assert.equal((await stages(gateway)).requests, 0)
    await shows(gateway, successes(6))
  })

  test('one that is killed takes its own requests with it, and nothing else; it is replaced', async (t) => {
    const { gateway, oneAtEach, release } = await twoWorkers(t)
    for (let index = 0; index < 4; index++) await chat(gateway.url)
    await shows(gateway, successes(4))
    const answers = await oneAtEach()
    const [victim] = gateway.workerPids()
    process.kill(victim!, 'SIGKILL')
    await gateway.hasSaid(
      new RegExp(`worker 1 \\(pid ${victim!}\\) ended with its requests \\(SIGKILL\\); another one starts`),
    )
    assert.equal((await chat(gateway.url)).status, 200)
    release()
    const ends = (await Promise.all(answers)).map((end) => (end instanceof Error ? 'failed' : end.status))
    assert.deepEqual(ends.sort(), [200, 'failed'])
    await eventually(() => shows(gateway, 'gateway_workers 2', 'gateway_worker_restarts_total 1', successes(5)))
    for (let index = 0; index < 4; index++) assert.equal((await chat(gateway.url)).status, 200)
    gateway.child.kill('SIGTERM')
    assert.equal(await gateway.exited, 0)
  })

  test('a connection that a hanging worker was given, and never took, is served by another when it dies', async (t) => {
    const { gateway } = await twoWorkers(t)
    const [hanging] = gateway.workerPids()
    process.kill(hanging!, 'SIGSTOP')
    // Among two connections one is dealt to it; the other one's worker answers all the time.
    const answers = [chat(gateway.url), chat(gateway.url), chat(gateway.url), chat(gateway.url)]
    await Promise.any(answers)
    assert.equal((await chat(gateway.url)).status, 200)
    process.kill(hanging!, 'SIGKILL')
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status }) => status),
      [200, 200, 200, 200],
    )
  })

  test('a drain lets each worker end what it has, takes nothing new, and replaces nobody', async (t) => {
    const { gateway, oneAtEach, release } = await twoWorkers(t)
    const pids = gateway.workerPids()
    const answers = await oneAtEach()
    gateway.child.kill('SIGTERM')
    await eventually(() => assert.rejects(fetch(gateway.url)))
    release()
    for (const answer of await Promise.all(answers)) {
      assert.ok(!(answer instanceof Error))
      assert.deepEqual([answer.status, answer.connection], [200, 'close'])
    }
    assert.equal(await gateway.exited, 0)
    assert.equal(await gateway.stderr, '')
    await noneAlive(pids)
  })

  test('at the drain limit the requests of all are cut and counted', async (t) => {
    const { gateway, oneAtEach } = await twoWorkers(t, '-drain-limit', '200ms')
    const answers = await oneAtEach()
    gateway.child.kill('SIGTERM')
    assert.equal(await gateway.exited, 1)
    assert.equal(await gateway.stderr, 'gateway: 2 requests were cut at the drain limit of 0.2 s\n')
    for (const answer of await Promise.all(answers)) assert.ok(answer instanceof Error)
  })

  for (const [how, ...signals] of [
    ['killed', 'SIGKILL'],
    ['told twice', 'SIGTERM', 'SIGTERM'],
  ] as const) {
    test(`no worker outlives a primary that is ${how}`, async (t) => {
      const { gateway, oneAtEach } = await twoWorkers(t)
      const pids = gateway.workerPids()
      const answers = await oneAtEach()
      assert.equal(pids.length, 2)
      for (const signal of signals) {
        gateway.child.kill(signal)
        if (signal === 'SIGTERM') await eventually(() => assert.rejects(fetch(gateway.url)))
      }
      await gateway.exited
      await noneAlive(pids)
      for (const answer of await Promise.all(answers)) assert.ok(answer instanceof Error)
    })
  }

  test('callers who send too slowly are cut off by workers too', async (t) => {
    const file = configFile(t, {
      request_read_timeout: 100,
      providers: { openai: { keys: [{ value: 'x' }] } },
    })
    const gateway = await running(t, '-config', file, '-port', '0', '-workers', '2')
    const answer = await slowly(gateway.url)
    assert.match(answer, /^HTTP\/1\.1 408 /)
  })
})

/** What comes back for half a head. */
function slowly(url: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('POST /v1/chat/comp')
  return text(socket)
}
