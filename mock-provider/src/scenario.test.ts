import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readScenario, type ScenarioStep } from './scenario.ts'

function read(written: unknown): { steps: ScenarioStep[]; problems: string[] } {
  const problems: string[] = []
  return { steps: readScenario(written, 'scenario', problems), problems }
}

test('times are durations, those without a unit ms; several steps may have the same', () => {
  const written = [
    { at: 0, set: {} },
    { at: '1.5s', set: { latency: 5, keys: { k: { tokens: 3 } } } },
    { at: '1500', set: { latency: null } },
  ]
  assert.deepEqual(read(written), {
    steps: [
      { atMs: 0, set: {} },
      { atMs: 1_500, set: { latency: 5, keys: { k: { tokens: 3 } } } },
      { atMs: 1_500, set: { latency: null } },
    ],
    problems: [],
  })
  assert.deepEqual(read([]), { steps: [], problems: [] })
})

test('what is no list of steps is refused with what would be right', () => {
  for (const [written, shown] of [
    [{ at: 0, set: {} }, '{"at":0,"set":{}}'],
    ['[]', '"[]"'],
    [7, '7'],
  ] as const) {
    assert.deepEqual(read(written), {
      steps: [],
      problems: [`scenario: must be a list of at most 1000 steps {"at":"10s","set":{...}}, got ${shown}`],
    })
  }
})

test('a thousand steps are taken, one more is refused', () => {
  const steps = (count: number) => Array.from({ length: count }, (_, at) => ({ at, set: {} }))
  assert.equal(read(steps(1_000)).steps.length, 1_000)
  assert.equal(read(steps(1_001)).problems.length, 1)
})

test('every step that is none is named by its place in the list', () => {
  const { problems } = read([
    null,
    { at: 5 },
    { set: [] },
    { at: '2s', set: 1 },
    { at: '-1', set: {} },
    { at: '2h', set: {} },
  ])
  assert.deepEqual(problems, [
    'scenario[0]: must be {"at":"10s","set":{...}}, got null',
    'scenario[1]: must be {"at":"10s","set":{...}}, got {"at":5}',
    'scenario[2]: must be {"at":"10s","set":{...}}, got {"set":[]}',
    'scenario[3]: must be {"at":"10s","set":{...}}, got {"at":"2s","set":1}',
    'scenario[4].at: "-1" is not a duration; write 1500, 1500ms or 1.5s',
    'scenario[5].at: "2h" is not a duration; write 1500, 1500ms or 1.5s',
  ])
})

test('a step before the one above it is named by its own place, whatever else is wrong', () => {
  const { problems } = read([7, { at: 2, set: {} }, { at: 1, set: {} }, { at: 2, set: {} }])
  assert.deepEqual(problems, [
    'scenario[0]: must be {"at":"10s","set":{...}}, got 7',
    'scenario[2].at: must not be before the step above, got 1 ms',
  ])
})

test('what is decided at the start, and the timetable itself, cannot be changed by a step', () => {
  const set = {
    port: 1,
    host: 'h',
    workers: 2,
    bodyLimit: 1,
    adminKey: 'k',
    scenario: [],
    scenarioEvery: 1,
    latency: 1,
  }
  assert.deepEqual(
    read([{ at: 0, set }]).problems,
    ['port', 'host', 'workers', 'bodyLimit', 'adminKey', 'scenario', 'scenarioEvery'].map(
      (name) => `scenario[0].set.${name}: cannot be changed by a scenario`,
    ),
  )
})
