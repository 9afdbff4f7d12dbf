import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseFlags, type FlagSet, type FlagValues } from '../config.ts'
import { UsageError } from '../errors.ts'
import { CALIBRATE, COMPARE, COMPARE_DEFAULTS, withPossibleJitter, type CompareConfig } from './config.ts'

const MOCK_URL = 'http://127.0.0.1:8001'

const parse = (flags: FlagValues, set: FlagSet<CompareConfig> = COMPARE) => parseFlags(set, flags, [])

function problemsOf(flags: FlagValues, set: FlagSet<CompareConfig> = COMPARE): readonly string[] {
  try {
    parse(flags, set)
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error))
    return error.problems
  }
  return []
}

/** The one problem of these flags beside a target. */
function problemOf(flags: FlagValues): string {
  const problems = problemsOf({ targets: 'direct', ...flags })
  assert.equal(problems.length, 1, problems.join('\n'))
  return problems[0]!
}

describe('bench compare', () => {
  test('needs targets, and nothing else', () => {
    assert.deepEqual(parse({ targets: 'direct,builtin' }), {
      ...COMPARE_DEFAULTS,
      targets: [
        { name: 'direct', target: 'direct' },
        { name: 'builtin', target: 'builtin' },
      ],
    })
    assert.match(problemsOf({}).join(), /^--targets: name what is to be compared/)
  })

  test('never changes the defaults of the next', () => {
    parse({ targets: 'direct', rounds: '9', 'skip-controls': true })
    assert.deepEqual(parse({ targets: 'nginx' }).targets, [{ name: 'nginx', target: 'nginx' }])
    assert.deepEqual(COMPARE_DEFAULTS.targets, [])
  })

  test('reads what it has beside a run, and what it has in common with one', () => {
    const flags = { targets: 'direct', rounds: '2', cooldown: '500ms', frontier: true, 'skip-controls': true }
    const more = { 'allow-loaded': true, instance: 't3.xlarge', rate: '99', model: 'gpt', header: ['X-A: b'] }
    assert.partialDeepStrictEqual(parse({ ...flags, ...more }), {
      ...{ rounds: 2, cooldownMs: 500, frontier: true, controls: false },
      ...{ allowLoaded: true, instance: 't3.xlarge', ratePerSec: 99, model: 'gpt', headers: { 'x-a': 'b' } },
    })
  })

  for (const [targets, expected] of [
    ['again=builtin', [{ name: 'again', target: 'builtin' }]],
    [
      ' direct , builtin ',
      [
        { name: 'direct', target: 'direct' },
        { name: 'builtin', target: 'builtin' },
      ],
    ],
    [
      'builtin,builtin-2=builtin',
      [
        { name: 'builtin', target: 'builtin' },
        { name: 'builtin-2', target: 'builtin' },
      ],
    ],
    ['http://10.0.0.2:8080/', [{ name: 'http://10.0.0.2:8080', target: 'http://10.0.0.2:8080' }]],
    ['mine=http://10.0.0.2:8080/gw/', [{ name: 'mine', target: 'http://10.0.0.2:8080/gw' }]],
  ] as const) {
    test(`reads the targets "${targets}"`, () => {
      assert.deepEqual(parse({ targets, 'mock-url': MOCK_URL }).targets, expected)
    })
  }

  for (const [targets, ...names] of [
    ['builtin,builtin', 'builtin'],
    ['a=builtin,a=nginx', 'a'],
    ['nginx=builtin,nginx', 'nginx'],
    ['http://10.0.0.2:8080,http://10.0.0.2:8080/', 'http://10.0.0.2:8080'],
    ['builtin,builtin,nginx,nginx', 'builtin', 'nginx'],
  ] as const) {
    test(`refuses the targets "${targets}": a name is there twice`, () => {
      const problem = problemOf({ targets, 'mock-url': MOCK_URL })
      for (const name of names) assert.ok(problem.includes(`"${name}" is there twice`), problem)
    })
  }

  for (const [targets, advice] of [
    ['nginx,nginx', 'nginx-2=nginx'],
    ['a=builtin,a=nginx', 'a-2=nginx'],
    ['http://10.0.0.2:8080,http://10.0.0.2:8080', 'again=http://10.0.0.2:8080'],
  ] as const) {
    test(`advises "${advice}" for the second of "${targets}", which is then taken`, () => {
      const problem = problemOf({ targets, 'mock-url': MOCK_URL })
      assert.ok(problem.endsWith(`such as ${advice}`), problem)
      const [first] = targets.split(',')
      assert.equal(parse({ targets: `${first},${advice}`, 'mock-url': MOCK_URL }).targets.length, 2)
    })
  }

  test('needs the mock that a gateway by URL sends to', () => {
    const problem = problemOf({ targets: 'direct,http://10.0.0.2:8080,mine=http://10.0.0.3:8080' })
    assert.match(problem, /^--targets: http:\/\/10\.0\.0\.2:8080, http:\/\/10\.0\.0\.3:8080 .*--mock-url/)
  })

  test('names every target that is none, in one go', () => {
    const problem = problemOf({ targets: 'direct,bultin,,ftp://x' })
    for (const part of ['"bultin"', 'did you mean builtin?', '""', '"ftp://x"'])
      assert.ok(problem.includes(part), problem)
  })

  for (const [flags, problem] of [
    [
      { instance: 'm99.huge' },
      /^--instance: no price is known of "m99\.huge" as of \d{4}-\d\d-\d\d; known are t3\.medium, /,
    ],
    [{ rounds: '1' }, /^--rounds: must be at least 2, got 1$/],
    [{ rounds: '2.5' }, /^--rounds: must be a whole number, got 2\.5$/],
    [{ 'probe-rate': '0' }, /^--probe-rate: must be above 0, or there is no floor to compare with, got 0$/],
    [{ jitter: '500' }, /^--jitter: must be at most the latency/],
    [{ latency: '0', jitter: '3' }, /^--jitter: must be at most the latency of 0 ms/],
    [{ target: 'builtin' }, /^--target: unknown flag; did you mean --targets\?$/],
  ] satisfies [FlagValues, RegExp][]) {
    test(`refuses ${JSON.stringify(flags)}`, () => {
      assert.match(problemOf(flags), problem)
    })
  }

  test('takes a mock without delay, to which no jitter can be added', () => {
    const config = parse({ targets: 'direct', latency: '0' })
    assert.equal(config.mockLatencyMs, 0)
    assert.equal(withPossibleJitter(config).mockJitterMs, 0)
  })

  test('keeps its jitter where the delay is longer, and the one that was asked for', () => {
    assert.equal(withPossibleJitter(parse({ targets: 'direct' })).mockJitterMs, COMPARE_DEFAULTS.mockJitterMs)
    assert.equal(withPossibleJitter(parse({ targets: 'direct', jitter: '2', latency: '3' })).mockJitterMs, 2)
  })
})

describe('bench calibrate', () => {
  test('has its targets by itself, and rounds like a comparison', () => {
    assert.deepEqual(parse({}, CALIBRATE).targets, [])
    assert.equal(parse({ rounds: '3' }, CALIBRATE).rounds, 3)
  })

  for (const name of ['targets', 'cooldown', 'instance', 'concurrency']) {
    test(`knows no --${name}`, () => {
      assert.match(problemsOf({ [name]: '2' }, CALIBRATE).join(), new RegExp(`^--${name}: unknown flag`))
    })
  }

  test('needs probes too', () => {
    assert.match(problemsOf({ 'probe-rate': '0' }, CALIBRATE).join(), /^--probe-rate: must be above 0/)
  })
})
