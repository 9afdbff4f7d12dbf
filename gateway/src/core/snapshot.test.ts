import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { EMPTY_SNAPSHOT, mergeSnapshots, resetStages, retire } from './merge-snapshots.ts'
import type { RequestType } from './providers/provider.ts'
import { type GatewaySnapshot, type SnapshotSource, takeSnapshot } from './snapshot.ts'
import { encodeStages, StageHistograms } from './stage-histograms.ts'
import { SEGMENTS } from './stages.ts'
import { Traffic } from './traffic.ts'

const IDLE = { residentBytes: 0, cpuS: 0, eventLoopActiveS: 0, eventLoopIdleS: 0, openFds: 0 }

/** One request as the counters see it. Times in ns are whole, sums of seconds are multiples of 2^-10: no rounding. */
interface Request {
  team: string
  provider: string
  model: string
  type: RequestType
  status: number
  totalNs: number
  latencyS: number
  retries: number
  rotation: 'rate_limited' | 'dead' | 'none'
}

const MS_AS_S = 2 ** -10
const request: fc.Arbitrary<Request> = fc.record({
  team: fc.constantFrom('', 'blue', 'red'),
  provider: fc.constantFrom('openai', 'groq'),
  model: fc.constantFrom('m', 'n', '__proto__'),
  type: fc.constantFrom('chat_completion', 'chat_completion_stream', 'embedding'),
  status: fc.constantFrom(200, 429, 503),
  totalNs: fc.integer({ min: 1, max: 60 }).map((s) => s * 1e9),
  latencyS: fc.integer({ min: 0, max: 5_000 }).map((ms) => ms * MS_AS_S),
  retries: fc.nat({ max: 12 }),
  rotation: fc.constantFrom('rate_limited', 'dead', 'none'),
})
const requests = fc.array(request, { maxLength: 25 })

/** A worker that has served these, and holds as much of everything as `held` says. */
function worker(served: readonly Request[], held = 0): SnapshotSource {
  const traffic = new Traffic(['team'])
  const histograms = new StageHistograms()
  for (const { team, provider, model, type, status, totalNs, latencyS, retries, rotation } of served) {
    const labels = traffic.labelSet([team])
    labels.finished(type, status, totalNs, totalNs - 1_000)
    const route = labels.route(provider, model)
    route.upstreamRequests += retries + 1
    if (status === 200) route.successes++
    else route.failed(status)
    route.inputTokens += 3
    route.outputTokens += 5
    route.upstreamLatencyS.observe(latencyS)
    route.retried(retries)
    if (rotation !== 'none') route.keyRotated('k1', rotation)
    if (type === 'chat_completion_stream') {
      route.firstTokenS.observe(latencyS)
      route.betweenTokensS.observe(MS_AS_S)
      histograms.recordStream('first_token', totalNs)
      histograms.recordStream('between_tokens', 1_000)
    }
    histograms.record(new Float64Array(SEGMENTS.length).fill(totalNs))
  }
  return {
    traffic,
    histograms,
    providers: ['openai', 'groq'].map((name) => {
      return {
        name,
        queue: { active: held, buffered: held, waitingForRoom: held },
        pool: { counters: { open: held, idle: 0, inUse: held, waiting: 0, openedTotal: served.length } },
        deadlines: { pending: held },
      }
    }),
    contexts: { inUse: held, total: 2 * held, grown: held },
    waitingBodyBytes: held,
    clockCostNs: 40,
    batchMeansNs: { json_marshaling: 500, queue_wait: 64 },
    requestLog: { counters: { written: served.length, dropped: 1, waiting: held, failures: 2, batches: 3 } },
  }
}

const snapshotOf = (served: readonly Request[], held?: number): GatewaySnapshot =>
  takeSnapshot(worker(served, held), IDLE)

/** What counts requests, without what describes the processes. */
function counted({ types, routes, stages, requests: recorded }: GatewaySnapshot): unknown {
  return { types, routes, stages, recorded }
}

const ONE: Request = {
  team: 'blue',
  provider: 'openai',
  model: 'm',
  type: 'chat_completion_stream',
  status: 200,
  totalNs: 2e9,
  latencyS: 0.5,
  retries: 1,
  rotation: 'dead',
}

describe('takeSnapshot', () => {
  test('holds what was counted, by label set', () => {
    const { types, routes, requests: recorded } = snapshotOf([ONE, { ...ONE, team: '', status: 429 }])
    assert.equal(recorded, 2)
    assert.deepEqual(
      types.map(({ labels, type, byStatus }) => [labels, type, byStatus]),
      [
        [{ team: 'blue' }, 'chat_completion_stream', { 200: 1 }],
        [{}, 'chat_completion_stream', { 429: 1 }],
      ],
    )
    const blue = routes.find(({ labels }) => labels.team === 'blue')
    assert.deepEqual([blue?.upstreamRequests, blue?.successes, blue?.inputTokens, blue?.outputTokens], [2, 1, 3, 5])
    assert.deepEqual(blue?.rotations, [{ keyName: 'k1', reason: 'dead', count: 1 }])
    assert.deepEqual(blue.firstTokenS, { counts: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], sum: 0.5, count: 1 })
  })

  test('stays as it was taken', () => {
    const source = worker([ONE])
    const snapshot = takeSnapshot(source, IDLE)
    const text = JSON.stringify(snapshot)
    source.traffic.labelSet(['blue']).route('openai', 'm').firstTokenS.observe(1)
    source.traffic.labelSet(['blue']).finished('chat_completion_stream', 500, 1, 1)
    source.histograms.record(new Float64Array(SEGMENTS.length).fill(5))
    assert.equal(JSON.stringify(snapshot), text)
  })

  test('property: JSON carries it whole', () => {
    fc.assert(
      fc.property(requests, (served) => {
        const snapshot = snapshotOf(served, 2)
        assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot)
      }),
      { numRuns: 30 },
    )
  })
})

describe('mergeSnapshots', () => {
  test('property: the counts are those of one worker that had seen all requests', () => {
    fc.assert(
      fc.property(fc.array(requests, { minLength: 1, maxLength: 4 }), (perWorker) => {
        const merged = mergeSnapshots(perWorker.map((served) => snapshotOf(served)))
        const whole = snapshotOf(perWorker.flat())
        assert.deepEqual(counted(merged), counted(whole))
        assert.deepEqual(encodeStages(merged.stages), encodeStages(whole.stages))
      }),
      { numRuns: 30 },
    )
  })

  test('property: order and grouping do not matter, and one alone is itself', () => {
    fc.assert(
      fc.property(requests, requests, requests, (x, y, z) => {
        const [a, b, c] = [snapshotOf(x, 1), snapshotOf(y, 2), snapshotOf(z, 4)]
        assert.deepEqual(mergeSnapshots([a]), a)
        assert.deepEqual(mergeSnapshots([EMPTY_SNAPSHOT, a]), a)
        assert.deepEqual(mergeSnapshots([a, b]), mergeSnapshots([b, a]))
        assert.deepEqual(mergeSnapshots([mergeSnapshots([a, b]), c]), mergeSnapshots([a, mergeSnapshots([b, c])]))
      }),
      { numRuns: 30 },
    )
  })

  test('gauges are added, of the clock’s cost the largest is taken, batch means keep what they are the mean of', () => {
    const slow = { ...snapshotOf([], 3), clockCostNs: 55 }
    const { workers, clockCostNs, batchMeans, providers, contexts, waitingBodyBytes, requestLog } = mergeSnapshots([
      snapshotOf([ONE], 2),
      slow,
    ])
    assert.deepEqual([workers, clockCostNs, waitingBodyBytes], [2, 55, 5])
    assert.deepEqual(batchMeans, [
      { stage: 'json_marshaling', sumNs: 1_000, processes: 2 },
      { stage: 'queue_wait', sumNs: 128, processes: 2 },
    ])
    assert.deepEqual(contexts, { inUse: 5, total: 10, grown: 5 })
    assert.deepEqual(providers[1], {
      name: 'openai',
      queue: { active: 5, buffered: 5, waitingForRoom: 5 },
      connections: { open: 5, idle: 0, inUse: 5, waiting: 0, openedTotal: 1 },
      deadlinesPending: 5,
    })
    assert.deepEqual(requestLog, { written: 1, dropped: 2, waiting: 5, failures: 4, batches: 6 })
  })

  test('a gateway without a request log has none, one among others with it adds nothing', () => {
    const { requestLog, ...without } = snapshotOf([])
    assert.deepEqual(mergeSnapshots([without, without]).requestLog, undefined)
    assert.deepEqual(mergeSnapshots([without, snapshotOf([])]).requestLog, requestLog)
  })
})

describe('retire', () => {
  test('property: what the dead counted stays, what it held is gone', () => {
    fc.assert(
      fc.property(requests, requests, (dead, alive) => {
        const base = retire(EMPTY_SNAPSHOT, snapshotOf(dead, 7))
        const merged = mergeSnapshots([base, snapshotOf(alive, 2)])
        assert.deepEqual(counted(merged), counted(snapshotOf([...dead, ...alive])))
        const { workers, clockCostNs, batchMeans, contexts, waitingBodyBytes, providers } = merged
        const one = snapshotOf(alive, 2)
        assert.deepEqual(
          { workers, clockCostNs, batchMeans, contexts, waitingBodyBytes },
          {
            workers: 1,
            clockCostNs: one.clockCostNs,
            batchMeans: one.batchMeans,
            contexts: one.contexts,
            waitingBodyBytes: 2,
          },
        )
        for (const { queue, connections, deadlinesPending } of providers) {
          assert.deepEqual(queue, { active: 2, buffered: 2, waitingForRoom: 2 })
          assert.deepEqual([connections.open, connections.inUse, deadlinesPending], [2, 2, 2])
          assert.equal(connections.openedTotal, dead.length + alive.length)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('time on the CPU and rows in the log were spent and written; memory and waiting rows are gone', () => {
    const facts = { residentBytes: 64e6, cpuS: 1.5, eventLoopActiveS: 1, eventLoopIdleS: 9, openFds: 30 }
    const { process, requestLog } = retire(EMPTY_SNAPSHOT, takeSnapshot(worker([ONE], 4), facts))
    assert.deepEqual(process, { residentBytes: 0, cpuS: 1.5, eventLoopActiveS: 1, eventLoopIdleS: 9, openFds: 0 })
    assert.deepEqual(requestLog, { written: 1, dropped: 1, waiting: 0, failures: 2, batches: 3 })
  })
})

describe('resetStages', () => {
  test('does to a snapshot what a reset does to the histograms that it was taken of', () => {
    const source = worker([ONE, ONE])
    const before = takeSnapshot(source, IDLE)
    source.histograms.reset()
    assert.deepEqual(resetStages(before), takeSnapshot(source, IDLE))
    assert.equal(resetStages(before).stages[0]?.total.count, 2)
  })
})
