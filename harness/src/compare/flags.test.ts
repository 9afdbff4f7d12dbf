import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawUpComparison, type MeasuredTarget } from './draw-up.ts'
import { flagsOf, isSound } from './flags.ts'
import type { Flag, TargetRecord } from './record.ts'
import type { TurnFigures } from './turn.ts'
import { compareInput, failedTurn, measuredTarget, turnFigures, type TurnShape } from './turn-figures.test-data.ts'

const CALM: TargetRecord = drawUpComparison(compareInput([measuredTarget('t')]), 10).targets[0]!

function flagsOfTurns(turns: readonly TurnFigures[]): Flag[] {
  const target: MeasuredTarget = { ...measuredTarget('t'), turns }
  return drawUpComparison(compareInput([target]), 10).targets[0]!.flags
}

const namesOf = (flags: readonly Flag[]) => flags.map(({ name }) => name)

/** Flags of a target with such turns, one each. */
function flagsWith(...shapes: TurnShape[]): Flag['name'][] {
  return namesOf(flagsOfTurns(shapes.map((shape, i) => turnFigures({ round: i + 1, ...shape }))))
}

/** Flags of a record that is calm but for what is changed. */
function flagsOfRecord(change: Partial<TargetRecord>): Flag['name'][] {
  return namesOf(flagsOf({ ...CALM, ...change }, []))
}

const failing = (...failedChecks: string[]): TurnShape => ({ turn: { valid: false, failedChecks } })

test('a target without anything to say has no flag', () => {
  assert.deepEqual(CALM.flags, [])
})

describe('died', () => {
  test('is a target that ended under load in a single turn, and says in how many', () => {
    const flags = flagsOfTurns([turnFigures(), turnFigures({ round: 2 }, { died: true }), turnFigures({ round: 3 })])
    assert.deepEqual(flags, [{ name: 'died', means: 'It ended in the middle of the load in 1 of 3 turns.' }])
  })
})

describe('invalid_turns', () => {
  test('names the checks once, and says that the figures leave the turns out', () => {
    const flags = flagsOfTurns([
      turnFigures(failing('host_steal')),
      turnFigures({ round: 2, ...failing('host_steal', 'fresh_answers') }),
      turnFigures({ round: 3 }),
      turnFigures({ round: 4 }),
      failedTurn(5, 'no load at all'),
    ])
    assert.equal(flags.length, 1)
    assert.match(flags[0]!.means, /^2 of 4 turns .*\(host_steal, fresh_answers\); its figures leave them out\.$/)
  })

  test('says that intervals mean little where one turn is left', () => {
    const [flag] = flagsOfTurns([turnFigures(failing('host_steal')), turnFigures({ round: 2 })])
    assert.match(flag!.means, /^1 of 2 turns .*; its figures leave them out; with one turn left, no interval /)
  })

  test('says that the figures come from them where there are no others', () => {
    const [flag] = flagsOfTurns([turnFigures(failing('host_steal'))])
    assert.match(flag!.means, /^1 of 1 turns .*; its figures come from them all the same\.$/)
  })
})

describe('bound by an instrument', () => {
  for (const [name, checks] of [
    ['driver_bound', ['driver_saturation']],
    ['mock_bound', ['mock_delay_error']],
  ] as const) {
    for (const check of checks) {
      test(`${check} that failed in more than half of the turns is ${name}, in half of them not`, () => {
        assert.ok(flagsWith(failing(check), failing(check), {}).includes(name))
        assert.ok(!flagsWith(failing(check), failing(check), {}, {}).includes(name))
      })
    }
  }

  test('late sends are neither: they enter latency from due alone, and their turns count', () => {
    assert.deepEqual(flagsWith(failing('schedule_lag'), failing('schedule_lag'), {}), ['late_sends'])
    assert.ok(isSound(turnFigures(failing('schedule_lag'))))
    assert.ok(!isSound(turnFigures(failing('schedule_lag', 'host_steal'))))
    assert.ok(!isSound(turnFigures({}, { died: true })))
  })

  test('another check that failed is neither', () => {
    assert.deepEqual(flagsWith(failing('host_steal'), failing('host_steal'), {}), ['invalid_turns'])
  })

  test('a mock that used more than 0.9 of its core in one turn is mock_bound, 0.9 is not', () => {
    assert.deepEqual(flagsWith({ mockCores: 0.91 }, {}, {}), ['mock_bound'])
    assert.deepEqual(flagsWith({ mockCores: 0.9 }, {}, {}), [])
  })
})

describe('truth_stripped', () => {
  test("is a target whose answers do not carry the mock's account", () => {
    assert.deepEqual(flagsOfRecord({ addedUs: { ...CALM.addedUs!, basis: 'service_time' } }), ['truth_stripped'])
  })
})

describe('cached_answers', () => {
  const counted = (callerAnswers: number, mockRequests: number): TurnShape => ({
    turn: { callerAnswers, mockRequests },
  })

  for (const { what, shapes, flags } of [
    { what: 'one answer in a hundred without a request is loss', shapes: [counted(1_000, 990)], flags: [] },
    { what: 'more is a cache', shapes: [counted(1_000, 989)], flags: ['cached_answers'] },
    { what: 'turns are added up', shapes: [counted(1_000, 980), counted(1_000, 1_000)], flags: [] },
    { what: 'more requests than answers are tries in vain', shapes: [counted(500, 1_000)], flags: [] },
    { what: 'no answers are none from a cache', shapes: [counted(0, 0)], flags: [] },
    {
      what: 'one answer sooner than its delay is one too many',
      shapes: [{ mock: { fasterThanMock: 1 } }, {}],
      flags: ['cached_answers'],
    },
    { what: 'none sooner is none', shapes: [{ mock: { fasterThanMock: 0 } }], flags: [] },
  ]) {
    test(what, () => {
      assert.deepEqual(flagsWith(...shapes), flags)
    })
  }

  test('is not told where the mock did not count', () => {
    const { mockRequests: _, ...turn } = { ...turnFigures().turn, callerAnswers: 4_000 }
    assert.deepEqual(flagsOfTurns([turnFigures({}, { turn })]), [])
  })
})

describe('failures', () => {
  test('are requests without a right answer, dropped ones too, with the success rate', () => {
    const flags = flagsOfTurns([turnFigures({ requests: { ok: 390, failed: 4, dropped: 6 } })])
    assert.equal(flags.length, 1)
    assert.equal(flags[0]!.name, 'failures')
    assert.match(flags[0]!.means, /^10 of 400 requests .*97\.5/)
  })

  test('that had a 2xx status are error_bodies as well', () => {
    const requests = { ok: 399, failed: 1, byError: { wrong_answer: 1 } }
    assert.deepEqual(flagsWith({ requests }), ['error_bodies', 'failures'])
  })
})

describe('memory_grows', () => {
  const exactly = (value: number) => ({ value, low: value, high: value })
  // Three turns of 1,000 requests each, 100 MiB when idle: 10 MiB in a turn are the border.
  const grown = (growth: number, recoveredMiB: number, growthLow = growth): Partial<TargetRecord> => ({
    requests: { ...CALM.requests!, planned: 3_000, ok: 3_000 },
    growthMiBPerThousand: { value: growth, low: growthLow, high: growth },
    memoryMiB: { ...CALM.memoryMiB!, idle: exactly(100), recovered: exactly(recoveredMiB) },
  })

  for (const { what, change, flags } of [
    { what: 'a tenth of the idle memory gained in a turn is not growth', change: grown(10, 120), flags: [] },
    { what: 'more, and kept, is', change: grown(10.1, 120), flags: ['memory_grows'] },
    { what: 'more, but given back, is not', change: grown(10.1, 100), flags: [] },
    { what: 'more, but perhaps none, is not', change: grown(10.1, 120, 0), flags: [] },
    { what: 'without memory there is nothing to say', change: { growthMiBPerThousand: exactly(99) }, flags: [] },
  ]) {
    test(what, () => {
      const { memoryMiB: _, ...rest } = CALM
      assert.deepEqual(namesOf(flagsOf({ ...rest, ...change }, [])), flags)
    })
  }
})
