import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { COMPARE_DEFAULTS } from '../compare/config.ts'
import type { Entry } from '../compare/rounds.ts'
import type { TurnSetting } from '../compare/turn.ts'
import { describeEnvironment } from '../environment.ts'
import type { ProgramExit } from '../processes.ts'
import { relayTarget } from '../targets/relay.ts'
import type { RunningTarget, Target } from '../targets/target.ts'
import { measureFrontier } from './frontier.ts'
import { frontierPoints } from './search.ts'

const DELAY_MS = 20
/** Longer than a trial, so that the requests of one are counted together. */
const WINDOW_MS = 900
const OPTIONS = {
  boundsMs: [1_000, null],
  lowestPerSec: 1,
  highestPerSec: 1_000,
  precision: 2,
  maxTrials: 6,
  trialMs: 500,
  trialWarmupMs: 300,
  closedLoopMs: 1_200,
}
const ANSWER = `{"id":"chatcmpl-1-${DELAY_MS * 1_000}-${DELAY_MS * 1_000}","choices":[]}`

/** Answers like the mock, with 503 beyond `mostInWindow` right answers within WINDOW_MS; `onRequest` hears each, by number. */
async function serve(mostInWindow = Infinity, onRequest: (count: number) => void = () => undefined) {
  let count = 0
  let rightAtMs: number[] = []
  const server = createServer((request, response) => {
    request.resume()
    const nowMs = performance.now()
    rightAtMs = rightAtMs.filter((atMs) => atMs > nowMs - WINDOW_MS)
    const right = rightAtMs.length < mostInWindow
    if (right) rightAtMs.push(nowMs)
    setTimeout(() => response.writeHead(right ? 200 : 503).end(right ? ANSWER : 'too much'), DELAY_MS)
    onRequest(++count)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = () => {
    server.closeAllConnections()
    server.close()
    return Promise.resolve()
  }
  return { url, stop }
}

function entryOf(name: string, start: Target['start']): Entry {
  const settings = { name, title: name, needsMock: true, settings: [], install: [] }
  return { name, kind: name, target: { ...settings, find: () => Promise.resolve({ installed: true }), start } }
}

/** A setting with a mock of its own, for as long as `use` takes. */
async function withSetting<T>(use: (setting: TurnSetting, controller: AbortController) => Promise<T>): Promise<T> {
  const mock = await serve()
  const controller = new AbortController()
  const config = { ...COMPARE_DEFAULTS, ratePerSec: 40, mockLatencyMs: DELAY_MS }
  const rest = { connections: 50, environment: await describeEnvironment(), runsDir: '', command: [] }
  try {
    return await use({ ...rest, config, mock: { url: mock.url }, signal: controller.signal }, controller)
  } finally {
    await mock.stop()
  }
}

describe('the frontier', { concurrency: true }, () => {
  test('is searched from the rate of the comparison, on one process that is stopped, and a closed loop follows', () =>
    withSetting(async (setting) => {
      let started = 0
      let stopped = 0
      // A trial at 80/s has 64 requests, one at 160/s has 128.
      const entry = entryOf('limited', async () => {
        started++
        const { url, stop } = await serve(100)
        return { name: 'limited', url, managed: true, stop: () => (stopped++, stop()) }
      })
      const said: [string, number][] = []
      const onTrial = (name: string, ratePerSec: number) => said.push([name, ratePerSec])
      const { name, points, trials, closedLoop, reason } = await measureFrontier(entry, setting, { onTrial }, OPTIONS)
      assert.equal(reason, undefined)
      assert.equal(name, 'limited')
      assert.deepEqual([started, stopped], [1, 1])
      assert.equal(trials[0]!.ratePerSec, 40)
      assert.deepEqual(
        said,
        trials.map(({ ratePerSec }) => ['limited', ratePerSec]),
      )
      for (const { ratePerSec, failed, completedPerSec } of trials) {
        assert.equal(failed > 0, ratePerSec > 100, `${failed} failed at ${ratePerSec}/s`)
        assert.ok(completedPerSec > 0)
      }
      assert.deepEqual(points, frontierPoints(OPTIONS.boundsMs, trials))
      assert.match(closedLoop!.tool, /^autocannon /)
      assert.equal(closedLoop!.connections, 64)
      assert.ok(closedLoop!.perSec > 0 && closedLoop!.errors > 0)
    }))

  test('counts a trial in which the target died as failed, and starts it anew for the next', () =>
    withSetting(async (setting) => {
      let started = 0
      let stopped = 0
      const entry = entryOf('mortal', async () => {
        const first = ++started === 1
        const dead = Promise.withResolvers<ProgramExit>()
        const server = await serve(Infinity, (count) => {
          if (!first || count !== 10) return
          void server.stop()
          dead.resolve({ code: 7, signal: undefined })
        })
        const stop = () => (stopped++, server.stop())
        return { name: 'mortal', url: server.url, managed: true, exited: dead.promise, stop }
      })
      const options = { ...OPTIONS, maxTrials: 2 }
      const { trials, reason } = await measureFrontier(entry, setting, { onTrial: () => undefined }, options)
      assert.equal(reason, undefined)
      assert.deepEqual(
        trials.map(({ ratePerSec }) => ratePerSec),
        [40, 20],
      )
      assert.ok(trials[0]!.failed > 0)
      assert.equal(trials[1]!.failed, 0)
      assert.deepEqual([started, stopped], [2, 2])
    }))

  test('of a target that never answers rightly has a reason, and no points', () =>
    withSetting(async (setting) => {
      let stopped = 0
      const entry = entryOf('wrong', async () => {
        const { url, stop } = await serve(0)
        return { name: 'wrong', url, managed: true, stop: () => (stopped++, stop()) }
      })
      const frontier = await measureFrontier(entry, setting, { onTrial: () => undefined }, OPTIONS)
      assert.match(frontier.reason!, /answered 503: too much/)
      assert.deepEqual([frontier.trials, frontier.points], [[], [{ boundMs: 1_000 }, { boundMs: null }]])
      assert.equal(stopped, 1)
    }))

  test('is ended by an abort in the middle of a trial, whose reason is passed on, and leaves no process', () =>
    withSetting(async (setting, controller) => {
      const reason = new Error('enough')
      const relays: RunningTarget[] = []
      const entry = entryOf('splice', async (context) => {
        const relay = await relayTarget(0).start(context)
        relays.push(relay)
        return relay
      })
      const onTrial = () =>
        void sleep(1_500).then(() => {
          controller.abort(reason)
        })
      const options = { ...OPTIONS, trialMs: 60_000 }
      await assert.rejects(measureFrontier(entry, setting, { onTrial }, options), reason)
      for (const { exited } of relays) assert.deepEqual(await exited, { code: 0, signal: undefined })
    }))
})
