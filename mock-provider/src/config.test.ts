import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { MockUsageError, readConfig, type MockConfig } from './config.ts'
import { flagOf, variableOf } from './flags.ts'
import { TABLE, TABLE_DEFAULTS } from './settings.ts'
import { readStartConfig } from './start-config.ts'

type Variables = Partial<Record<string, string>>

/** The problems that a command line, or an environment, is refused with. */
function problemsOf(argv: string[], env: Variables = {}): readonly string[] {
  try {
    readStartConfig(argv, env)
  } catch (error) {
    assert.ok(error instanceof MockUsageError)
    return error.problems
  }
  return []
}

function configOf(argv: string[], env: Variables = {}): MockConfig {
  const started = readStartConfig(argv, env)
  assert.ok('written' in started)
  return readConfig(started.written).config
}

/** A file in a folder of its own, which is gone after `use`. */
function withFile(content: string, use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'mock-config-'))
  const path = join(folder, 'mock.json')
  writeFileSync(path, content)
  try {
    use(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the command line of the mock', () => {
  test('without flags gives the defaults', () => {
    const { answer, port, host, seed, workers, bodyLimit, failKeys, adminKey } = configOf([])
    assert.deepEqual(
      { port, host, seed, workers, bodyLimit, failKeys, adminKey },
      {
        ...{ port: 8_001, host: '127.0.0.1', seed: 1, workers: 1, bodyLimit: 10 * 1_048_576, failKeys: [] },
        adminKey: undefined,
      },
    )
    assert.equal(answer.latency.minimum, 0)
    assert.equal(answer.firstToken, undefined)
    assert.equal(answer.errorRate, 0)
  })

  test('sets every field, in the units of the values', () => {
    const argv = `--latency 1.5s --jitter 200ms --response-size 10.32KB --first-token 80ms --token-interval 50ms
      --tokens 40 --error-rate 1% --error-status 429 --reset-rate 0.02 --hang-rate .03 --cut-rate 0.04
      --error-rates 503=2%,500=0.01 --retry-after 3s --stall-rate 5% --stall 2s --slow-headers-rate 6%
      --slow-headers 1s --truncate-rate 7% --garble-rate 8% --close-rate 9% --requests-per-minute 100
      --tokens-per-minute 5000 --tokens-per-chunk 4 --servers 9 --latency-per-prompt-token 0.2ms --refuse-rate 10%
      --refuse-connections true --latency-over-time step:1s:2
      --fail-key sk-a=b=401 --fail-key sk-c=429 --require-key sk-1 --require-key sk-2 --admin-key sk-admin
      --port 0 --host 0.0.0.0 --seed=7 --workers 3 --body-limit 1MiB --scenario-every 60s`.split(/\s+/)
    const config = configOf([...argv, '--models', '{"m":{"latency":"2s"}}', '--keys', '{"k":{"tokens":3}}'])
    const { answer } = config
    const { latency, firstToken, tokenInterval, tokens, responseSize, latencyOverTime, errorRates, ...plain } = answer
    assert.deepEqual(
      [latency.minimum, firstToken?.minimum, tokenInterval.minimum, tokens.minimum],
      [1_500_000, 80_000, 50_000, 40],
    )
    assert.equal(responseSize === 'tokens' || responseSize.minimum, 10_320)
    assert.equal(latencyOverTime.factorAt(1_000), 2)
    assert.deepEqual(
      errorRates,
      new Map([
        [503, 0.02],
        [500, 0.01],
      ]),
    )
    assert.deepEqual(plain, {
      ...{ jitter: 200, latencyPerPromptToken: 0.2, servers: 9, tokensPerChunk: 4, retryAfter: 3_000 },
      ...{ errorRate: 0.01, errorStatus: 429, resetRate: 0.02, hangRate: 0.03, cutRate: 0.04, stallRate: 0.05 },
      ...{ stall: 2_000, slowHeadersRate: 0.06, slowHeaders: 1_000, truncateRate: 0.07, garbleRate: 0.08 },
      ...{ closeRate: 0.09, requestsPerMinute: 100, tokensPerMinute: 5_000 },
    })
    assert.deepEqual(config.failKeys, [
      { key: 'sk-a=b', status: 401 },
      { key: 'sk-c', status: 429 },
    ])
    assert.deepEqual(config.requireKeys, ['sk-1', 'sk-2'])
    assert.deepEqual([config.port, config.host, config.seed, config.workers], [0, '0.0.0.0', 7, 3])
    assert.deepEqual([config.bodyLimit, config.adminKey, config.scenarioEveryMs], [1_048_576, 'sk-admin', 60_000])
    assert.deepEqual([config.refuseRate, config.refuseConnections], [0.1, true])
    assert.equal(config.models.get('m')?.latency?.minimum, 2_000_000)
    assert.equal(config.keys.get('k')?.tokens?.minimum, 3)
  })

  test('a fault flag that cannot be is refused with what would be right', () => {
    const argv =
      '--tokens 0 --error-rate 2 --error-status 200 --cut-rate x --fail-key sk-a --fail-key sk-b=20 --require-key é'
    assert.deepEqual(problemsOf(argv.split(' ')), [
      '--tokens: must be at least 1, got 0',
      '--error-rate: "2" is not a share; write a number from 0 to 1, as 0.01, or 1%',
      '--error-status: must be at least 400, got 200',
      '--cut-rate: "x" is not a share; write a number from 0 to 1, as 0.01, or 1%',
      '--fail-key: "sk-a" is not a key with a status; write it as sk-dead=401',
      '--require-key: "é" is not an API key; write visible ASCII characters, at least one',
    ])
    assert.deepEqual(problemsOf(['--fail-key', 'sk-b=20']), ['--fail-key: must be at least 400, got 20'])
    assert.deepEqual(problemsOf(['--error-rates', '429']), [
      '--error-rates: "429" has no shares by status; write 429=1%,503=0.5%',
    ])
  })

  test('rates that come to more than every request are refused; all of them is allowed', () => {
    assert.deepEqual(problemsOf(['--error-rate', '0.7', '--hang-rate', '0.4']), [
      '--error-rate, --error-rates, --reset-rate, --hang-rate, --cut-rate, --stall-rate, --slow-headers-rate, --truncate-rate, --garble-rate, --close-rate: a request has one fault at most, so their sum must be at most 1; got 1.1',
    ])
    assert.deepEqual(problemsOf('--error-rate 0.1 --reset-rate 0.2 --hang-rate 0.7'.split(' ')), [])
  })

  test('every problem is told at once, each with its value and what would be right', () => {
    const argv = '--latency fast --jitter 1x --response-size 100 --port 70000 --host a/b --seed -1 --prot 5 --latency'
    const [unknown, ...problems] = problemsOf(argv.split(' '))
    assert.match(unknown ?? '', /^--prot: unknown; the flags are --latency --jitter .* --port --host /)
    assert.deepEqual(problems, [
      '--latency: needs a value',
      '--latency: "fast" is not a duration; write 1500, 1500ms or 1.5s',
      '--jitter: "1x" is not a duration; write 1500, 1500ms or 1.5s',
      `--response-size: must be at least ${SMALLEST_RESPONSE_BYTES} bytes, got 100 bytes`,
      '--seed: "-1" is not a whole number; write digits only',
      '--port: must be at most 65535, got 70000',
      '--host: "a/b" is not an address; write 127.0.0.1, 0.0.0.0 or a host name',
    ])
  })

  test('the message counts the problems and lists one a line', () => {
    assert.equal(new MockUsageError(['--a: x', '--b: y']).message, '2 problems in the command line\n  --a: x\n  --b: y')
    assert.equal(new MockUsageError(['--a: x']).message, '1 problem in the command line\n  --a: x')
  })

  test('a jitter above the least latency is refused: delays would be negative', () => {
    assert.deepEqual(problemsOf(['--latency', '100', '--jitter', '150ms']), [
      '--jitter: must not be above --latency (at the least 100 ms), or delays would be negative; got 150 ms',
    ])
    assert.deepEqual(problemsOf(['--latency', '100', '--jitter', '100']), [])
    assert.equal(problemsOf(['--latency', 'uniform:50:100', '--jitter', '60']).length, 1)
    // Of an unreadable latency nothing is known that a jitter could be above.
    assert.equal(problemsOf(['--latency', 'fast', '--jitter', '100']).length, 1)
  })

  test('a latency above an hour is refused', () => {
    assert.deepEqual(problemsOf(['--latency', '3601s']), ['--latency: must be at most 3600000 ms, got 3601000 ms'])
  })

  test('the smallest response size is allowed, one byte less is not', () => {
    assert.deepEqual(problemsOf(['--response-size', String(SMALLEST_RESPONSE_BYTES)]), [])
    assert.equal(problemsOf(['--response-size', String(SMALLEST_RESPONSE_BYTES - 1)]).length, 1)
  })

  test('a word that belongs to no flag is a problem', () => {
    assert.equal(problemsOf(['serve']).length, 1)
  })

  test('structured flags are JSON', () => {
    const [problem, ...others] = problemsOf(['--models', '{'])
    assert.match(problem ?? '', /^--models: is not JSON: /)
    assert.deepEqual(others, [])
  })

  test('the help names every flag with the default that the config has', () => {
    const started = readStartConfig(['--help'], {})
    assert.ok('help' in started)
    const help = started.help.replaceAll(/\s+/g, ' ')
    for (const name of Object.keys(TABLE)) {
      const fallback = TABLE_DEFAULTS[name]
      const flag = new RegExp(`${flagOf(name)} <[^]*?\\(default: ([^)]*)\\)`).exec(help)
      assert.ok(flag, flagOf(name))
      if (fallback === undefined || Array.isArray(fallback)) continue
      assert.equal(flag[1], fallback === '' ? 'none' : `${fallback as string | number | boolean}`, flagOf(name))
    }
    assert.match(help, /Examples:/)
  })
})

describe('flags, environment and file', () => {
  test('are one config: a flag wins over a variable, and that over the file', () => {
    withFile('{"latency":"1s","tokens":5,"seed":3,"requireKeys":["sk-1"]}', (path) => {
      const config = configOf(['--seed', '9'], { MOCK_CONFIG: path, MOCK_TOKENS: '6', MOCK_SEED: '8' })
      assert.deepEqual([config.answer.latency.minimum, config.answer.tokens.minimum, config.seed], [1_000_000, 6, 9])
      assert.deepEqual(config.requireKeys, ['sk-1'])
    })
  })

  test('every setting has a variable; lists are written with commas', () => {
    assert.equal(variableOf('latencyPerPromptToken'), 'MOCK_LATENCY_PER_PROMPT_TOKEN')
    const config = configOf([], {
      ...{ MOCK_LATENCY: '30ms', MOCK_FAIL_KEYS: 'sk-a=401,sk-b=429', MOCK_MODELS: '{"m":{"tokens":2}}' },
    })
    assert.equal(config.answer.latency.minimum, 30_000)
    assert.deepEqual(
      config.failKeys.map(({ key }) => key),
      ['sk-a', 'sk-b'],
    )
    assert.equal(config.models.get('m')?.tokens?.minimum, 2)
  })

  test('a problem says where its value came from', () => {
    withFile('{"latency":"fast","nonsense":1}', (path) => {
      const [unknown, ...problems] = problemsOf(['--config', path, '--jitter', 'x'], { MOCK_TOKENS: '0' })
      assert.match(unknown ?? '', new RegExp(`^${path}: nonsense: unknown; the settings are latency, `))
      assert.deepEqual(problems, [
        `${path}: latency: "fast" is not a duration; write 1500, 1500ms or 1.5s`,
        '--jitter: "x" is not a duration; write 1500, 1500ms or 1.5s',
        'MOCK_TOKENS: must be at least 1, got 0',
      ])
    })
  })

  test('a file that cannot be read, is no JSON or no object is a problem that names it', () => {
    assert.match(problemsOf(['--config', '/nowhere/mock.json'])[0] ?? '', /^\/nowhere\/mock\.json: ENOENT/)
    withFile('{', (path) => {
      assert.match(problemsOf(['--config', path])[0] ?? '', new RegExp(`^${path}: `))
    })
    withFile('[]', (path) => {
      assert.deepEqual(problemsOf(['--config', path]), [`${path}: must hold a JSON object of settings`])
    })
  })

  test('a trace file is read, for models too', () => {
    withFile('# ms\n10\n20ms\n', (path) => {
      const config = configOf(['--latency', `trace:${path}`, '--models', `{"m":{"firstToken":"trace:${path}"}}`])
      const nextUs = config.answer.latency.sampler(() => assert.fail('drawn'))
      assert.deepEqual([nextUs(), nextUs(), nextUs()], [10_000, 20_000, 10_000])
      assert.equal(config.models.get('m')?.firstToken?.minimum, 10_000)
    })
    assert.match(problemsOf(['--latency', 'trace:/nowhere'])[0] ?? '', /^--latency: \/nowhere: cannot be read/)
  })
})

describe('settings for models and keys', () => {
  const problemsOfWritten = (written: object) => readConfig(written).problems

  test('are those of answers alone', () => {
    const [problem] = problemsOfWritten({ models: { m: { port: 1 } } })
    assert.match(problem ?? '', /^models\.m\.port: cannot be set here; what can is latency, jitter, /)
    assert.deepEqual(problemsOfWritten({ keys: { k: 5 } }), ['keys.k: must be an object of settings, got 5'])
    assert.deepEqual(problemsOfWritten({ models: 5 }), ['models: must be an object of settings by name, got 5'])
    assert.deepEqual(problemsOfWritten({ models: { m: { latency: 'x' } } }), [
      'models.m.latency: "x" is not a duration; write 1500, 1500ms or 1.5s',
    ])
  })

  test('must be right together with whatever they meet', () => {
    assert.deepEqual(problemsOfWritten({ latency: 100, jitter: 50, models: { m: { latency: 20 } } }), [
      'models.m: jitter: must not be above models.m: latency (at the least 20 ms), or delays would be negative; got 50 ms',
    ])
    const both = { models: { m: { errorRate: 0.6 } }, keys: { k: { resetRate: 0.6 } } }
    assert.match(problemsOfWritten(both)[0] ?? '', /^models\.m with keys\.k: errorRate, .* got 1\.2$/)
  })
})

describe('a scenario', () => {
  const problemsOfWritten = (written: object) => readConfig(written).problems

  test('is a timetable of changes, each of them right after those before', () => {
    const scenario = [
      { at: '1s', set: { latency: 100, jitter: 50 } },
      { at: '2s', set: { latency: 20 } },
    ]
    assert.deepEqual(problemsOfWritten({ scenario }), [
      'scenario[1].set.jitter: must not be above latency (at the least 20 ms), or delays would be negative; got 50 ms',
    ])
    assert.deepEqual(problemsOfWritten({ scenario: scenario.slice(0, 1) }), [])
  })

  test('that is none is refused, with every problem', () => {
    assert.deepEqual(problemsOfWritten({ scenario: [{ at: 'soon', set: { port: 1 } }, 7] }), [
      'scenario[0].at: "soon" is not a duration; write 1500, 1500ms or 1.5s',
      'scenario[0].set.port: cannot be changed by a scenario',
      'scenario[1]: must be {"at":"10s","set":{...}}, got 7',
    ])
    assert.deepEqual(
      problemsOfWritten({
        scenario: [
          { at: 2, set: {} },
          { at: 1, set: {} },
        ],
      }),
      ['scenario[1].at: must not be before the step above, got 1 ms'],
    )
    assert.deepEqual(problemsOfWritten({ scenario: [{ at: '5s', set: {} }], scenarioEvery: '5s' }), [
      "scenarioEvery: must be above the last step's time (5000 ms), got 5000 ms",
    ])
  })
})
