import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DEFAULTS, parseRunConfig, type FlagValues } from './config.ts'
import { UsageError } from './errors.ts'
import { FLAGS } from './flags.ts'
import { requestBytesMin } from './request-body.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatebench-config-'))
const home = process.cwd()
// The example of --gateway-config is a file of the folder that bench is started in.
writeFileSync(join(folder, 'features.json'), '{"config":{"drop_excess_requests":true}}')
before(() => {
  process.chdir(folder)
})
after(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

function fileOf(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function problemsOf(flags: FlagValues, words: string[] = []): readonly string[] {
  try {
    parseRunConfig(flags, words)
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error))
    assert.equal(error.exitCode, 2)
    return error.problems
  }
  return []
}

describe('a run without flags', () => {
  test('is the main job', () => {
    const config = parseRunConfig({})
    assert.deepEqual(config, DEFAULTS)
    assert.equal(config.ratePerSec, 5_000)
    assert.equal(config.durationMs, 60_000)
    assert.equal(config.warmupMs, 5_000)
    assert.equal(config.mockLatencyMs, 1_500)
    assert.equal(config.responseBytes, 1_370)
    assert.equal(config.requestBytes, 130)
    assert.deepEqual(config.gateway, { concurrency: 15_000, bufferSize: 15_000, initialPoolSize: 10_000, workers: 1 })
  })

  test('never changes the defaults of the next', () => {
    parseRunConfig({ header: ['x-a: 1'], concurrency: '5', body: '{"n":1}', 'gateway-config': 'features.json' })
    assert.deepEqual(parseRunConfig({}), DEFAULTS)
    assert.deepEqual(parseRunConfig({}).headers, {})
    assert.equal(parseRunConfig({}).gateway.concurrency, 15_000)
  })
})

describe('every flag', () => {
  const values: FlagValues = {
    rate: '250.5',
    duration: '2m',
    warmup: '3',
    latency: '1.5s',
    jitter: '20',
    'response-size': '10.3KB',
    'request-size': '2KiB',
    timeout: '5s',
    connections: '900',
    threads: '2',
    'probe-rate': '0',
    seed: '7',
    profile: 't3.xlarge',
    target: 'builtin',
    'mock-url': 'http://127.0.0.1:8001/',
    model: 'gpt-4o',
    header: ['Authorization: Bearer a:b', 'x-team:  red '],
    body: '{"temperature":0.5,"fallbacks":["openai/gpt-4o"]}',
    concurrency: '700',
    'buffer-size': '800',
    'pool-size': '600',
    workers: '2',
    'gateway-config': 'features.json',
    out: '/tmp/runs',
    json: true,
    quiet: true,
  }

  test('is tried here', () => {
    assert.deepEqual(Object.keys(values).sort(), FLAGS.map((flag) => flag.name).sort())
  })

  test('reaches its setting, in the unit of the setting', () => {
    assert.deepEqual(parseRunConfig(values), {
      ratePerSec: 250.5,
      durationMs: 120_000,
      warmupMs: 3_000,
      target: 'builtin',
      mockUrl: 'http://127.0.0.1:8001',
      profile: 't3.xlarge',
      profileMachine: { vcpus: 4, memoryGiB: 16 },
      mockLatencyMs: 1_500,
      mockJitterMs: 20,
      responseBytes: 10_300,
      requestBytes: 2_048,
      model: 'gpt-4o',
      headers: { authorization: 'Bearer a:b', 'x-team': 'red' },
      connections: 900,
      timeoutMs: 5_000,
      threads: 2,
      seed: 7,
      probeRatePerSec: 0,
      body: { temperature: 0.5, fallbacks: ['openai/gpt-4o'] },
      gateway: {
        ...{ concurrency: 700, bufferSize: 800, initialPoolSize: 600, workers: 2 },
        config: { config: { drop_excess_requests: true } },
      },
      outDir: '/tmp/runs',
      json: true,
      quiet: true,
    })
  })

  test('may be named in camel case, as commander names it', () => {
    assert.equal(parseRunConfig({ responseSize: '2KB' }).responseBytes, 2_000)
  })

  for (const flag of FLAGS.filter(({ argument }) => argument !== undefined)) {
    test(`--${flag.name} takes the example that its message gives`, () => {
      const example = flag.example.replaceAll("'", '')
      assert.deepEqual(problemsOf({ [flag.name]: flag.repeatable === true ? [example] : example }), [])
    })

    test(`--${flag.name} without a value is a problem that names it`, () => {
      const [problem] = problemsOf({ [flag.name]: true })
      assert.match(problem ?? '', new RegExp(`^--${flag.name}: needs a value, such as `))
    })
  }
})

describe('a value that is wrong', () => {
  for (const [flags, problem] of [
    [{ rate: '-5' }, '--rate: must be above 0, got -5'],
    [{ rate: 'many' }, '--rate: "many" is not a number; write it in plain digits, such as 5000'],
    [{ latency: 'fast' }, '--latency: "fast" is not a duration; write 1500, 1500ms or 1.5s'],
    [{ duration: '0' }, '--duration: must be above 0 ms, got 0'],
    [{ threads: '1.5' }, '--threads: must be a whole number, got 1.5'],
    [{ threads: '0' }, '--threads: must be at least 1, got 0'],
    [{ model: '' }, '--model: must not be empty, got ""'],
    [{ header: ['nonsense'] }, `--header: "nonsense" is not a header; write 'authorization: Bearer KEY'`],
    [{ header: ['x: a\r\nevil: b'] }, `--header: "x: a\r\nevil: b" is not a header; write 'authorization: Bearer KEY'`],
    [{ header: ['Content-Length: 3'] }, '--header: "content-length" is set by bench itself; leave it out'],
    [{ quiet: 'yes' }, '--quiet: takes no value, got "yes"'],
    [{ workers: '0' }, '--workers: must be at least 1, got 0'],
    [{ workers: 'auto' }, '--workers: "auto" is not a number; write it in plain digits, such as 5000'],
    [{ body: '[]' }, `--body: must be a JSON object, got an array; write '{"temperature":0.5}'`],
    [
      { body: '{"model":"a","top_p":1,"stream":true}' },
      '--body: "model" is set by bench itself (write --model); leave it out; ' +
        '"stream" is set by bench itself (bench run measures whole answers); leave it out',
    ],
    [
      { 'gateway-config': './nowhere.json' },
      `--gateway-config: cannot read "./nowhere.json": ENOENT: no such file or directory, open './nowhere.json'`,
    ],
    [
      { 'gateway-config': fileOf('list.json', []) },
      `--gateway-config: "${join(folder, 'list.json')}" must be a JSON object, got an array`,
    ],
  ] as [FlagValues, string][]) {
    test(problem.replaceAll(/\s+/g, ' '), () => {
      assert.deepEqual(problemsOf(flags), [problem])
    })
  }

  test('is reported together with all the others', () => {
    const problems = problemsOf({ rate: '-5', latency: 'fast', profile: 't3.large', colour: 'red' }, [
      '--rat',
      '5',
      'foo',
    ])
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[0]),
      ['--colour', '--rat', '"foo"', '--profile', '--rate', '--latency'],
    )
  })
})

test('an unknown flag suggests the one that was meant, and its value is not a second problem', () => {
  assert.deepEqual(problemsOf({}, ['--rat', '5']), ['--rat: unknown flag; did you mean --rate?'])
  assert.deepEqual(problemsOf({}, ['--zzzzzz=1']), ['--zzzzzz: unknown flag; see "bench run --help"'])
  assert.deepEqual(problemsOf({}, ['--json=1']), ['--json: takes no value, got --json=1'])
  assert.deepEqual(problemsOf({}, ['reprot']), ['"reprot": neither a command nor a flag; did you mean bench report?'])
})

describe('settings that contradict', () => {
  for (const [what, flags, names] of [
    ['a timeout within the delay', { timeout: '1500' }, '--timeout'],
    ['a timeout within delay and jitter', { timeout: '1600', jitter: '100' }, '--timeout'],
    ['a jitter above the delay', { latency: '10', jitter: '11' }, '--jitter'],
    ['a warm-up that ends before the first answer', { warmup: '1' }, '--warmup'],
    ['fewer connections than requests in flight', { connections: '7499' }, '--connections'],
    ['fewer connections than threads', { connections: '3', threads: '4', latency: '0' }, '--connections'],
    ['a concurrency above the buffer', { concurrency: '15001' }, '--concurrency'],
    ['a request too small for its model', { 'request-size': '20' }, '--request-size'],
    ['a request too small for its members', { body: `{"user":"${'x'.repeat(50)}"}` }, '--request-size'],
    [
      'settings of the built-in gateway for another',
      { 'gateway-config': 'features.json', target: 'direct' },
      '--gateway-config',
    ],
    ['workers of another gateway', { workers: '2', target: 'http://127.0.0.1:8080' }, '--workers'],
    ['an answer smaller than a completion', { 'response-size': '388' }, '--response-size'],
    ['less than one request', { rate: '0.5', duration: '1' }, '--rate and --duration'],
  ] as [string, FlagValues, string][]) {
    test(`${what} is refused, and ${names} is named`, () => {
      const problems = problemsOf(flags)
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.ok(problems[0]?.startsWith(`${names}: `), problems[0])
    })
  }

  for (const [what, flags] of [
    ['no timeout', { timeout: '0' }],
    ['no warm-up', { warmup: '0' }],
    ['a warm-up of exactly one delay', { warmup: '1500ms' }],
    ['exactly as many connections as are in flight', { connections: '7500' }],
    ['one request', { rate: '1', duration: '1' }],
  ] as [string, FlagValues][]) {
    test(`${what} is fine`, () => {
      assert.deepEqual(problemsOf(flags), [])
    })
  }

  test('the smallest request that is let through is the smallest that the plan can make', () => {
    const model = 'openai/gpt-4o-mini'
    const least = requestBytesMin(model)
    assert.deepEqual(problemsOf({ 'request-size': String(least), model }), [])
    assert.equal(problemsOf({ 'request-size': String(least - 1), model }).length, 1)
    const body = '{"top_p":1}'
    const more = least + ',"top_p":1'.length
    assert.deepEqual(problemsOf({ 'request-size': String(more), model, body }), [])
    assert.equal(problemsOf({ 'request-size': String(more - 1), model, body }).length, 1)
  })
})

describe('a profile', () => {
  test('overrides the defaults, and flags override it wherever they stand', () => {
    const xlarge = parseRunConfig({ 'response-size': '99999', profile: 't3.xlarge' })
    assert.equal(xlarge.responseBytes, 99_999)
    assert.deepEqual(xlarge.gateway, { concurrency: 20_000, bufferSize: 20_000, initialPoolSize: 15_000, workers: 1 })
    assert.equal(parseRunConfig({ profile: 't3.xlarge' }).responseBytes, 10_320)
  })

  test('that is unknown lists the known ones', () => {
    const [problem] = problemsOf({ profile: 't3.large' })
    assert.match(
      problem ?? '',
      /^--profile: "t3.large" is not a known profile .*write t3.medium or t3.xlarge, or the path/,
    )
  })

  test('from a file takes the rest from the defaults, and is called by its file', () => {
    const path = fileOf('tiny.json', {
      machine: { vcpus: 1, memoryGiB: 0.5 },
      ratePerSec: 10,
      gateway: { concurrency: 7 },
    })
    const config = parseRunConfig({ profile: path, rate: '20' })
    assert.equal(config.profile, 'tiny')
    assert.deepEqual(config.profileMachine, { vcpus: 1, memoryGiB: 0.5 })
    assert.equal(config.ratePerSec, 20)
    assert.deepEqual(config.gateway, { ...DEFAULTS.gateway, concurrency: 7 })
  })

  test('from a file reports every problem with its place', () => {
    const path = fileOf('bad.json', { ratePerSec: 'x', foo: 1, gateway: { concurrency: 0, bar: 2 } })
    assert.deepEqual(
      problemsOf({ profile: path })
        .map((problem) => problem.replace(`--profile: ${path}: `, ''))
        .sort(),
      [
        'gateway has an unknown key: bar',
        'gateway.concurrency must be >= 1, got 0',
        'ratePerSec must be number, got "x"',
        'the file has an unknown key: foo',
        'the file lacks the key machine',
      ],
    )
  })

  test('file that is missing or no JSON is a problem that names it', () => {
    assert.match(
      problemsOf({ profile: './nowhere.json' })[0] ?? '',
      /^--profile: cannot read ".\/nowhere.json" as JSON: ENOENT/,
    )
    const path = fileOf('half.json', '{ "rate')
    assert.ok(problemsOf({ profile: path })[0]?.startsWith(`--profile: cannot read "${path}" as JSON: `))
  })
})
