import { fixtureResult } from '../report/fixture.test-data.ts'
import type { Result } from '../recording.ts'
import { COMPARE_DEFAULTS } from './config.ts'
import type { CompareInput, MeasuredTarget } from './draw-up.ts'
import type { Turn } from './record.ts'
import { countsOf } from './sparse-counts.test-data.ts'
import type { TurnFigures } from './turn.ts'

/** Hand-made turns, for tests only. Every turn is alike, so that figures can be told beforehand and intervals have no width. */

/** Waited by probes past the target, us. */
const FLOOR_US = 40
const SECONDS = 4

export interface TurnShape {
  round?: number
  /** Waited more by callers than by probes, us. */
  addedUs?: number
  turn?: Partial<Turn>
  requests?: Partial<Result['requests']>
  mock?: Result['mock']
  /** Cores in use by the mock. */
  mockCores?: number
}

/** A valid turn of 100 answers and 20 probes a second that adds 200 us, unless `shape` or `change` say otherwise. */
export function turnFigures(shape: TurnShape = {}, change: Partial<TurnFigures> = {}): TurnFigures {
  const { round = 1, addedUs = 200, mockCores = 0.3 } = shape
  const bare = fixtureResult()
  const requests = { ...bare.requests, planned: 400, sent: 400, ok: 400, byStatus: { 200: 400 }, ...shape.requests }
  const mock = { ...bare.mock, ...shape.mock }
  const resources = { ...bare.resources, mock: { ...bare.resources.mock!, cpuCores: mockCores } }
  return {
    turn: {
      round,
      position: 1,
      run: `/somewhere/runs/${round}`,
      valid: true,
      failedChecks: [],
      coldStartMs: 300,
      idleMiB: 100,
      steadyMiB: 120,
      peakMiB: 130,
      recoveredMiB: 110,
      growthMiBPerThousand: 0,
      cpuUsPerRequest: 250,
      completedPerSec: 100,
      mockRequests: 400,
      callerAnswers: 400,
      ...shape.turn,
    },
    version: '1.2.3',
    result: fixtureResult({ requests, mock, resources }),
    above: {
      seconds: Array.from({ length: SECONDS }, (_, second) => ({
        second,
        target: countsOf([FLOOR_US + addedUs], 100),
        floor: countsOf([FLOOR_US], 20),
      })),
      basis: 'above_mock',
      withTruth: 400,
      withoutTruth: 0,
    },
    latency: Array.from({ length: SECONDS }, () => ({ target: countsOf([50_000 + addedUs], 100) })),
    reports: [],
    died: false,
    ...change,
  }
}

/** A turn that came to nothing before there was a load. */
export function failedTurn(round: number, problem: string): TurnFigures {
  return { turn: { round, position: 1, problem }, reports: [], died: false }
}

/** A target with the same turn in each of three rounds. */
export function measuredTarget(name: string, shape: TurnShape = {}, change: Partial<TurnFigures> = {}): MeasuredTarget {
  const turns = [1, 2, 3].map((round) => turnFigures({ ...shape, round }, change))
  return { name, kind: name, title: `what ${name} is`, settings: ['as it comes'], turns }
}

export function compareInput(targets: readonly MeasuredTarget[], change: Partial<CompareInput> = {}): CompareInput {
  const names = targets.map(({ name }) => name)
  return {
    id: '20261124T100000Z-compare-t3.medium',
    config: {
      ...COMPARE_DEFAULTS,
      targets: names.map((name) => ({ name, target: name })),
      rounds: 3,
      ratePerSec: 55,
      mockLatencyMs: 66,
      mockJitterMs: 7,
    },
    connections: 64,
    requestBytes: 130,
    environment: fixtureResult().environment,
    machine: { busyPct: 1, stealPct: 0, limitPct: 15, overridden: false },
    command: ['compare', '--targets', names.join()],
    startedAt: new Date('2026-11-24T10:00:00Z'),
    finishedAt: new Date('2026-11-24T10:10:00Z'),
    interrupted: false,
    order: [names, names.toReversed(), names],
    targets,
    ...change,
  }
}
