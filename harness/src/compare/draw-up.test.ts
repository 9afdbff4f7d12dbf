import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Value } from 'typebox/value'
import { DURATION_NS, Histogram } from '../histogram.ts'
import { fixtureControl, fixtureFrontier } from '../report/compare/fixture.test-data.ts'
import type { SelfReportSource } from '../targets/target.ts'
import { addedTurns, countedTurns, drawUpComparison, type CompareInput, type MeasuredTarget } from './draw-up.ts'
import { CompareRecordSchema, type CompareRecord, type Interval, type TargetRecord } from './record.ts'
import { compareInput, failedTurn, measuredTarget, turnFigures } from './turn-figures.test-data.ts'

const drawUp = (targets: readonly MeasuredTarget[], change: Partial<CompareInput> = {}): CompareRecord =>
  drawUpComparison(compareInput(targets, change), 40)

function only(target: MeasuredTarget): TargetRecord {
  return drawUp([target]).targets[0]!
}

const exactly = (value: number): Interval => ({ value, low: value, high: value })

function targetOf(turns: MeasuredTarget['turns']): MeasuredTarget {
  return { ...measuredTarget('t'), turns }
}

const MISSING: MeasuredTarget = {
  name: 'bifrost',
  kind: 'bifrost',
  title: 'Bifrost',
  settings: [],
  missing: 'it is not installed; npm install it',
  turns: [],
}

describe('a target of the record', () => {
  test('that is missing has a reason and no figures', () => {
    assert.deepEqual(only(MISSING), {
      name: 'bifrost',
      title: 'Bifrost',
      settings: [],
      status: 'missing',
      reason: 'it is not installed; npm install it',
      turns: [],
      flags: [],
    })
  })

  test('that never carried a load has failed, for the reason of its first turn', () => {
    const record = only(targetOf([failedTurn(1, 'port in use'), failedTurn(2, 'something else')]))
    assert.partialDeepStrictEqual(record, { status: 'failed', reason: 'port in use', flags: [] })
    assert.deepEqual(
      record.turns.map(({ problem }) => problem),
      ['port in use', 'something else'],
    )
    assert.equal('addedUs' in record || 'requests' in record, false, 'absent is absent')
  })

  test('that had no turn before the end has failed, and is not taken for measured', () => {
    assert.partialDeepStrictEqual(only(targetOf([])), { status: 'failed', reason: 'no turn was measured' })
  })

  test('that was measured has the figures that its turns have in common', () => {
    const record = only(measuredTarget('t'))
    assert.partialDeepStrictEqual(record, {
      status: 'measured',
      version: '1.2.3',
      settings: ['as it comes'],
      addedUs: { mean: exactly(200), p50: exactly(200), p99: exactly(200), requests: 1_200, probes: 240 },
      latencyMs: { mean: exactly(50.2), p50: exactly(50.2), p99: exactly(50.2), p999: exactly(50.2) },
      completedPerSec: exactly(100),
      cpuUsPerRequest: exactly(250),
      memoryMiB: { idle: exactly(100), steady: exactly(120), peak: exactly(130), recovered: exactly(110) },
      coldStartMs: exactly(300),
      flags: [],
    })
    assert.equal('reason' in record, false)
    assert.deepEqual(
      record.turns.map(({ round, addedMeanUs }) => [round, addedMeanUs]),
      [
        [1, 200],
        [2, 200],
        [3, 200],
      ],
    )
  })

  test('that could not be started in one of its turns is measured, and the reason stays', () => {
    const record = only(targetOf([turnFigures(), failedTurn(2, 'port in use'), turnFigures({ round: 3 })]))
    assert.partialDeepStrictEqual(record, { status: 'measured', reason: 'port in use', addedUs: { requests: 800 } })
    assert.equal(record.turns.length, 3)
  })

  test('costs dollars by its CPU, on the instance that was named', () => {
    // 250 us of 2 x 3,600 s an hour: 28.8 million requests for $0.0416.
    const { dollarsPerMillion } = only(measuredTarget('t'))
    assert.partialDeepStrictEqual(dollarsPerMillion, { instance: 't3.medium', dollarsPerHour: 0.0416 })
    assert.ok(Math.abs(dollarsPerMillion!.cost.value - 0.0416 / 28.8) < 1e-12)
  })

  test('whose CPU and memory nobody knows has neither, and no dollars', () => {
    const { round, position, valid } = turnFigures().turn
    const record = only(targetOf([turnFigures({}, { turn: { round, position, valid: valid! } })]))
    for (const key of ['cpuUsPerRequest', 'memoryMiB', 'dollarsPerMillion', 'coldStartMs', 'growthMiBPerThousand']) {
      assert.equal(key in record, false, key)
    }
    assert.equal(record.addedUs?.mean.value, 200)
  })

  test('has all its requests added up, those of invalid turns too', () => {
    const record = only(
      targetOf([
        turnFigures(),
        turnFigures({
          turn: { round: 2, valid: false },
          requests: {
            ...{ ok: 380, failed: 15, dropped: 5 },
            ...{ byStatus: { 200: 380, 500: 10 }, byError: { timeout: 5 } },
          },
        }),
        turnFigures({ round: 3, requests: { ok: 399, failed: 1, byStatus: { 200: 399 }, byError: { timeout: 1 } } }),
      ]),
    )
    assert.deepEqual(record.requests, {
      planned: 1_200,
      ok: 1_179,
      failed: 16,
      dropped: 5,
      successRate: 1_179 / 1_200,
      byStatus: { 200: 1_179, 500: 10 },
      byError: { timeout: 6 },
    })
  })

  test('has the checks of strict mode added up, with what was wrong with its answers', () => {
    const strict = { checked: 10, wrong: 1, byKind: { changed: 1 }, examples: ['a: changed'] }
    const looked = { answersChecked: 7, answersDamaged: 2, problems: ['usage.prompt_tokens changed'] }
    const record = only(
      targetOf([
        turnFigures({}, { correctness: { ...looked, strict }, strict: { ...strict, byKind: { added: 3 } } }),
        turnFigures({ round: 2 }, { strict: { checked: 5, wrong: 0, byKind: {}, examples: [] } }),
      ]),
    )
    assert.deepEqual(record.strict, {
      checked: 25,
      wrong: 2,
      byKind: { changed: 1, added: 3 },
      examples: ['a: changed', 'usage.prompt_tokens changed'],
      answersChecked: 7,
      answersDamaged: 2,
    })
  })
})

describe('turns that count', () => {
  const invalid = (round: number) => turnFigures({ round, addedUs: 9_000, turn: { valid: false } })

  test('are the valid ones: an invalid turn is in the list and in no figure', () => {
    const record = only(targetOf([turnFigures(), invalid(2), turnFigures({ round: 3 })]))
    assert.deepEqual(record.addedUs?.mean, exactly(200))
    assert.equal(record.turns[1]?.addedMeanUs, 9_000)
  })

  test('are all where none is valid, and a flag says so', () => {
    const record = only(targetOf([invalid(1), invalid(2)]))
    assert.deepEqual(record.addedUs?.mean, exactly(9_000))
    assert.deepEqual(
      record.flags.map(({ name }) => name),
      ['invalid_turns'],
    )
  })

  test('are not those in which it died, nor those without a load', () => {
    const good = turnFigures()
    const died = turnFigures({ round: 2 }, { died: true })
    assert.deepEqual(countedTurns([failedTurn(3, 'no'), died, good]), [good])
    assert.deepEqual(countedTurns([failedTurn(3, 'no'), died]), [died])
    assert.deepEqual(countedTurns([failedTurn(3, 'no')]), [])
  })

  test('have one basis: a turn on another is not added to them', () => {
    const coarse = turnFigures({ round: 2 }, { above: { ...turnFigures().above!, basis: 'service_time' } })
    const turns = [turnFigures(), coarse, turnFigures({ round: 3 })]
    assert.deepEqual(
      addedTurns({ turns }).map(({ round }) => round),
      [1, 3],
    )
    assert.equal(only(targetOf(turns)).addedUs?.basis, 'above_mock')
  })
})

describe('pairs', () => {
  test('are only among targets that were measured', () => {
    const failed = { ...targetOf([failedTurn(1, 'no')]), name: 'failed' }
    const { pairs } = drawUp([measuredTarget('a', { addedUs: 300 }), MISSING, failed, measuredTarget('b')])
    assert.deepEqual(pairs, [
      { a: 'a', b: 'b', meanUs: exactly(100), p99Us: exactly(100), rounds: 3, distinguishable: true },
    ])
  })

  test('are not told apart below what the controls say that the machine can tell', () => {
    const targets = [measuredTarget('a', { addedUs: 300 }), measuredTarget('b')]
    const control = (smallestUs: number) => ({ control: { ...fixtureControl(), smallestUs } })
    assert.equal(drawUp(targets, control(100)).pairs[0]?.distinguishable, true)
    assert.equal(drawUp(targets, control(101)).pairs[0]?.distinguishable, false)
  })

  test('of one target under two names are not told apart', () => {
    const [pair] = drawUp([measuredTarget('a'), measuredTarget('again')]).pairs
    assert.deepEqual(pair, {
      a: 'a',
      b: 'again',
      meanUs: exactly(0),
      p99Us: exactly(0),
      rounds: 3,
      distinguishable: false,
    })
  })
})

describe('a record that is drawn up after each round', () => {
  const HEADER: SelfReportSource = { kind: 'header', header: 'x-own-ms', unit: 'ms', claims: 'its own time' }
  const METRIC = {
    kind: 'prometheus',
    path: '/metrics',
    metric: 'own_seconds',
    unit: 's',
    claims: 'its own time',
  } as const

  function telling(): MeasuredTarget {
    const ns = new Histogram(DURATION_NS)
    for (let i = 0; i < 10; i++) ns.record(50_000)
    const grown = { count: 10, sum: 0.001, buckets: [{ le: Infinity, count: 10 }] }
    return measuredTarget(
      't',
      {},
      {
        reports: [
          { source: HEADER, ns },
          { source: METRIC, grown },
        ],
      },
    )
  }

  test('is the same for the same input', () => {
    const input = compareInput([telling(), measuredTarget('b', { addedUs: 30 }), MISSING])
    assert.deepEqual(drawUpComparison(input, 40), drawUpComparison(input, 40))
  })

  test('has self-reports once, however often it was drawn up before', () => {
    const target = telling()
    const reports = [1, 2, 3].map(() => only(target).selfReports)
    for (const each of reports) {
      assert.partialDeepStrictEqual(each, [
        { source: 'x-own-ms', meanUs: 50, requests: 30, ratioToMeasured: 0.25 },
        { source: 'own_seconds', requests: 30 },
      ])
      assert.ok(Math.abs(each![1]!.meanUs - 100) < 1e-9)
    }
  })

  test('leaves its input as it was', () => {
    const input = compareInput([measuredTarget('a'), MISSING])
    const before = structuredClone(input)
    drawUpComparison(input, 40)
    assert.deepEqual(input, before)
  })
})

describe('the record', () => {
  test('passes its schema, with all that it can hold and with nothing but names', () => {
    const all = drawUp([measuredTarget('a'), MISSING, targetOf([failedTurn(1, 'no')])], {
      control: fixtureControl(),
      frontier: fixtureFrontier(),
    })
    for (const record of [all, drawUp([MISSING]), drawUp([])]) {
      const written: unknown = JSON.parse(JSON.stringify(record))
      assert.deepEqual(Value.Errors(CompareRecordSchema, written), [])
    }
  })

  test('tells the plan, the order and the command', () => {
    const record = drawUp([measuredTarget('a'), measuredTarget('b')])
    assert.partialDeepStrictEqual(record, {
      command: ['compare', '--targets', 'a,b'],
      plan: { ratePerSec: 55, rounds: 3, connections: 64, requestBytes: 130, mockLatencyMs: 66, mockJitterMs: 7 },
      order: [
        ['a', 'b'],
        ['b', 'a'],
        ['a', 'b'],
      ],
      startedAt: '2026-11-24T10:00:00.000Z',
      finishedAt: '2026-11-24T10:10:00.000Z',
    })
  })

  test('says that it was interrupted when it was, and only then', () => {
    assert.equal(drawUp([MISSING], { interrupted: true }).interrupted, true)
    assert.equal('interrupted' in drawUp([MISSING]), false)
  })
})
