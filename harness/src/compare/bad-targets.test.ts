import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { describeEnvironment } from '../environment.ts'
import { startProgram } from '../processes.ts'
import type { Target } from '../targets/target.ts'
import { withMock } from './compare.ts'
import { COMPARE_DEFAULTS, type CompareConfig } from './config.ts'
import { drawUpComparison } from './draw-up.ts'
import type { CompareRecord, Flag, TargetRecord } from './record.ts'
import { takeRounds } from './rounds.ts'
import type { TurnFigures } from './turn.ts'

const STAND_IN = fileURLToPath(new URL('stand-in.test-support.ts', import.meta.url))
const SHORT: CompareConfig = {
  ...COMPARE_DEFAULTS,
  ratePerSec: 50,
  durationMs: 1_000,
  warmupMs: 200,
  mockLatencyMs: 20,
  rounds: 2,
  cooldownMs: 0,
  controls: false,
}
const CONNECTIONS = 50
const REPLICATES = 50

let runsDir = ''
before(async () => {
  runsDir = await mkdtemp(join(tmpdir(), 'gatebench-test-'))
})
after(() => rm(runsDir, { recursive: true, force: true }))

/** A gateway that misbehaves as its flags say. */
function standIn(args: readonly string[], name = 'stand-in', readyTimeoutMs = 60_000): Target {
  return {
    name,
    title: 'a stand-in',
    needsMock: true,
    settings: args,
    install: [],
    find: () => Promise.resolve({ installed: true }),
    start: async ({ mockUrl, signal }) => {
      const program = await startProgram({
        ...{ name, script: STAND_IN, args: ['--upstream', mockUrl, ...args], readyTimeoutMs },
        ...(signal && { signal }),
      })
      return { ...program, managed: true, stderrTail: () => program.stderrTail(), stop: () => program.stop() }
    },
  }
}

/** All rounds and what is drawn up from them; a mock of its own, since its strict mode counts for one target at a time. */
async function comparisonOf(targets: readonly Target[], change: Partial<CompareConfig> = {}): Promise<CompareRecord> {
  const config = { ...SHORT, ...change }
  const scene = { config, connections: CONNECTIONS, command: [], environment: await describeEnvironment() }
  const signal = new AbortController().signal
  const entries = targets.map((target) => ({ name: target.name, kind: target.name, target }))
  const order = Array.from({ length: config.rounds }, () => entries.map(({ name }) => name))
  const turns = new Map<string, TurnFigures[]>()
  const observer = { onTurn: () => undefined, onTurnEnd: () => undefined, onRoundEnd: () => Promise.resolve() }
  const startedAt = new Date()
  await withMock({ config, signal }, (mock) =>
    takeRounds(order, entries, { ...scene, mock, runsDir, signal }, turns, observer, true),
  )
  const input = {
    ...{ ...scene, id: 'bad-targets', requestBytes: config.requestBytes, order, interrupted: false },
    ...{ startedAt, finishedAt: new Date(), machine: { limitPct: 15, overridden: true } },
    targets: entries.map(({ name, kind, target: { title, settings } }) => {
      return { name, kind, title, settings, turns: turns.get(name) ?? [] }
    }),
  }
  return drawUpComparison(input, REPLICATES)
}

async function recordOf(args: readonly string[], change?: Partial<CompareConfig>): Promise<TargetRecord> {
  const { targets } = await comparisonOf([standIn(args)], change)
  return targets[0]!
}

function sentence({ flags }: TargetRecord, name: Flag['name']): string | undefined {
  return flags.find((flag) => flag.name === name)?.means
}

/** Flags that speak of the target; others speak of the machine, which may have other work just now. */
const OF_TARGETS: readonly Flag['name'][] = [
  ...(['died', 'truth_stripped', 'cached_answers', 'error_bodies', 'failures', 'memory_grows'] as const),
]

function flagsOfTarget({ flags }: TargetRecord): string[] {
  return flags.map(({ name }) => name).filter((name) => OF_TARGETS.includes(name))
}

describe('a target that', { concurrency: true }, () => {
  test('dies in the middle keeps what was measured, and says how it ended', async () => {
    const record = await recordOf(['--dies-after', '40'])
    assert.equal(record.turns.length, 2)
    for (const { problem, run } of record.turns) {
      assert.match(problem!, /ended in the middle of the run \(code 7\).*had enough/s)
      assert.ok(run !== undefined)
    }
    assert.equal(record.reason, record.turns[0]!.problem)
    assert.match(sentence(record, 'died')!, /in 2 of 2 turns/)
    assert.equal(sentence(record, 'cached_answers'), undefined, 'what was lost did not come from a cache')
    assert.ok(record.requests!.ok > 0 && record.requests!.ok < 100)
  })

  test('is never ready, or refuses, says why and is given up after two tries; others have all their turns', async () => {
    const targets = [standIn(['--silent'], 'silent', 500), standIn(['--fails-every', '1'], 'refuses'), standIn([])]
    const record = await comparisonOf(targets, { rounds: 3 })
    const [silent, refuses, other] = record.targets
    assert.match(silent!.reason!, /^silent: did not say within 500 ms that it listens/)
    assert.match(refuses!.reason!, /answered 200 without a completion: .*the upstream is not well/)
    for (const { status, turns, requests, addedUs } of [silent!, refuses!]) {
      assert.deepEqual([status, turns.length, requests, addedUs], ['failed', 2, undefined, undefined])
      assert.ok(turns.every(({ problem }) => problem !== undefined))
    }
    assert.deepEqual(record.pairs, [])

    assert.deepEqual([other!.status, other!.reason, other!.turns.length], ['measured', undefined, 3])
    assert.deepEqual([other!.requests?.planned, other!.requests?.ok], [150, 150])
    assert.deepEqual([other!.addedUs?.basis, other!.strict?.answersDamaged], ['above_mock', 0])
    assert.deepEqual(flagsOfTarget(other!), [])
  })

  test('answers some requests with an error and 200 has these counted as failed', async () => {
    const record = await recordOf(['--fails-every', '25'])
    assert.equal(record.status, 'measured')
    assert.deepEqual(record.requests!.byError, { wrong_answer: 4 })
    assert.deepEqual([record.requests!.ok, record.requests!.failed], [96, 4])
    assert.deepEqual(flagsOfTarget(record), ['error_bodies', 'failures'])
    assert.match(sentence(record, 'error_bodies')!, /^4 answers/)
    assert.match(sentence(record, 'failures')!, /^4 of 100 requests.*96/)
  })

  test('strips the truth is compared by whole service times, and the record says that this is coarser', async () => {
    const record = await recordOf(['--strips'], { rounds: 1 })
    assert.equal(record.addedUs?.basis, 'service_time')
    assert.ok(record.addedUs.requests > 0 && record.addedUs.probes > 0)
    assert.deepEqual(flagsOfTarget(record), ['truth_stripped'])
    assert.match(sentence(record, 'truth_stripped')!, /coarser/)
    assert.equal(record.strict?.answersDamaged, 0, 'an id of its own harms no caller')
  })

  test('answers from a cache is found out, and so are the answers that belong to other requests', async () => {
    const record = await recordOf(['--caches'], { rounds: 1 })
    assert.match(sentence(record, 'cached_answers')!, /^Callers were given 60 answers while \d+ requests? reached/)
    for (const { mockRequests, callerAnswers } of record.turns) {
      assert.ok(mockRequests! < callerAnswers! / 2, `${mockRequests} of ${callerAnswers}`)
    }
    assert.ok(record.strict!.answersDamaged > 0)
  })

  test('keeps memory of each request is said to grow', async () => {
    const record = await recordOf(['--keeps-bytes', '500000'], { durationMs: 5_000 })
    assert.ok(record.growthMiBPerThousand!.low > 100, 'about 477 MiB per 1,000 requests')
    assert.ok(record.memoryMiB!.recovered.low > record.memoryMiB!.idle.high)
    assert.deepEqual(flagsOfTarget(record), ['memory_grows'])
  })
})
