import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { withMock } from '../compare/compare.ts'
import { COMPARE_DEFAULTS, type CompareConfig } from '../compare/config.ts'
import type { ControlRecord } from '../compare/record.ts'
import type { TurnFigures } from '../compare/turn.ts'
import { describeEnvironment } from '../environment.ts'
import { TargetError } from '../errors.ts'
import { measureControls, shortControls } from './controls.ts'

const CONFIG: CompareConfig = {
  ...COMPARE_DEFAULTS,
  ratePerSec: 50,
  durationMs: 1_000,
  warmupMs: 200,
  mockLatencyMs: 20,
  rounds: 2,
  cooldownMs: 0,
}

let runsDir = ''
before(async () => {
  runsDir = await mkdtemp(join(tmpdir(), 'gatebench-test-'))
})
after(() => rm(runsDir, { recursive: true, force: true }))

const turns = () => new Map<string, TurnFigures[]>()

async function controlsOf(
  delayUs: number,
  into: Map<string, TurnFigures[]>,
  mockUrl?: string,
  signal = new AbortController().signal,
): Promise<ControlRecord> {
  const config = { ...CONFIG, ...(mockUrl !== undefined && { mockUrl }) }
  const observer = { onTurn: () => undefined, onTurnEnd: () => undefined, onRoundEnd: () => Promise.resolve() }
  const environment = await describeEnvironment()
  return withMock({ config, signal }, (mock) =>
    measureControls({
      delaysUs: [delayUs],
      setting: { config, connections: 50, mock, environment, runsDir, command: [], signal },
      turns: into,
      observer,
    }),
  )
}

describe('controls', { concurrency: true }, () => {
  test('find a delay of 5 ms, and say beside it what was planned and what the relay itself held', async () => {
    const measured = turns()
    const record = await controlsOf(5_000, measured)
    const [control, ...others] = record.controls
    assert.deepEqual(others, [])
    assert.deepEqual([control!.name, control!.plannedUs], ['relay-5000us', 5_000])
    assert.ok(control!.actualUs! > 4_000, `held ${control!.actualUs} us`)
    const { low, value, high } = control!.foundUs!
    assert.ok(value > 3_000, `found ${value} us`)
    assert.equal(control!.holds, low <= control!.actualUs! && control!.actualUs! <= high)
    assert.ok(record.nullUs!.low <= record.nullUs!.high)
    assert.equal(record.smallestUs, Math.max(Math.abs(record.nullUs!.low), Math.abs(record.nullUs!.high)))
    assert.ok(Number.isFinite(record.smallestUs))
    assert.deepEqual([record.ratePerSec, record.durationMs, record.rounds, record.mockLatencyMs], [50, 1_000, 2, 20])
    assert.deepEqual([...measured.keys()].sort(), ['relay-5000us', 'splice', 'splice-again'])
    for (const each of measured.values()) assert.equal(each.length, 2)
  })

  test('whose relay cannot be started do not hold, and have no figures', async () => {
    const measured = turns()
    const record = await controlsOf(-1, measured)
    assert.deepEqual(record.controls, [{ name: 'relay--1us', plannedUs: -1, holds: false, told: false }])
    assert.ok(record.nullUs !== undefined)
    for (const { turn } of measured.get('relay--1us')!) assert.match(turn.problem!, /ended with code 2/)
  })

  test('that nothing could be measured of say why', async () => {
    await assert.rejects(controlsOf(5_000, turns(), 'http://127.0.0.1:1'), (error) => {
      assert.ok(error instanceof TargetError)
      assert.match(
        error.message,
        /^the negative controls could not be measured: http:.* a request before the run did not/,
      )
      return true
    })
  })

  test('that are aborted start nothing more, and pass the reason on', async () => {
    const reason = new Error('enough')
    const measured = turns()
    await assert.rejects(controlsOf(5_000, measured, 'http://127.0.0.1:1', AbortSignal.abort(reason)), reason)
    assert.equal(measured.size, 0)
  })
})

describe('the short form before a comparison', () => {
  const short = ({ durationMs, warmupMs, cooldownMs }: CompareConfig) => [durationMs, warmupMs, cooldownMs]
  for (const { title, change, expected } of [
    { title: 'has short windows and no rest', change: {}, expected: [4_000, 1_500, 0] },
    {
      title: 'is not longer than what follows',
      change: { durationMs: 1_000, warmupMs: 200 },
      expected: [1_000, 200, 0],
    },
    {
      title: 'warms up for as long as the mock may take',
      change: { mockLatencyMs: 2_000, mockJitterMs: 5 },
      expected: [4_000, 2_005, 0],
    },
  ]) {
    test(title, () => {
      assert.deepEqual(short(shortControls({ ...COMPARE_DEFAULTS, ...change })), expected)
    })
  }

  test('has everything else as it is', () => {
    const { durationMs, warmupMs, cooldownMs } = COMPARE_DEFAULTS
    assert.deepEqual({ ...shortControls(COMPARE_DEFAULTS), durationMs, warmupMs, cooldownMs }, COMPARE_DEFAULTS)
  })
})
