import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Value } from 'typebox/value'
import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { MOCK_DEFAULTS, MockConfigSchema, MockUsageError, parseMockConfig } from './config.ts'

/** The problems that a command line is refused with. */
function problemsOf(argv: string[]): readonly string[] {
  try {
    parseMockConfig(argv)
  } catch (error) {
    assert.ok(error instanceof MockUsageError)
    return error.problems
  }
  return []
}

describe('the command line of the mock', () => {
  test('without flags gives the defaults, which the schema allows', () => {
    assert.deepEqual(parseMockConfig([]), { config: MOCK_DEFAULTS })
    assert.ok(Value.Check(MockConfigSchema, MOCK_DEFAULTS))
  })

  test('sets every field, in the units of the values', () => {
    const argv = `--latency 1.5s --jitter 200ms --response-size 10.32KB --first-token 80ms --token-interval 50ms
      --tokens 40 --error-rate 1% --error-status 429 --reset-rate 0.02 --hang-rate .03 --cut-rate 0.04
      --fail-key sk-a=b=401 --fail-key sk-c=429 --require-key sk-1 --require-key sk-2
      --port 0 --host 0.0.0.0 --seed=7`.split(/\s+/)
    const parsed = parseMockConfig(argv)
    assert.deepEqual(parsed, {
      config: {
        latencyMs: 1_500,
        jitterMs: 200,
        responseBytes: 10_320,
        firstTokenMs: 80,
        tokenIntervalMs: 50,
        tokens: 40,
        errorRate: 0.01,
        errorStatus: 429,
        resetRate: 0.02,
        hangRate: 0.03,
        cutRate: 0.04,
        failKeys: [
          { key: 'sk-a=b', status: 401 },
          { key: 'sk-c', status: 429 },
        ],
        requireKeys: ['sk-1', 'sk-2'],
        port: 0,
        host: '0.0.0.0',
        seed: 7,
      },
    })
    assert.ok('config' in parsed && Value.Check(MockConfigSchema, parsed.config))
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
      '--fail-key: must be at least 400, got 20',
      '--require-key: "é" is not an API key; write visible ASCII characters, at least one',
    ])
  })

  test('rates that come to more than every request are refused; all of them is allowed', () => {
    assert.deepEqual(problemsOf(['--error-rate', '0.7', '--hang-rate', '0.4']), [
      '--error-rate, --reset-rate, --hang-rate and --cut-rate: a request has one fault at most, so their sum must be at most 1; got 1.1',
    ])
    assert.deepEqual(problemsOf('--error-rate 0.1 --reset-rate 0.2 --hang-rate 0.7'.split(' ')), [])
  })

  test('every problem is told at once, each with its value and what would be right', () => {
    const argv = '--latency fast --jitter 1x --response-size 100 --port 70000 --host a/b --seed -1 --prot 5 --latency'
    assert.deepEqual(problemsOf(argv.split(' ')), [
      '--prot: unknown; the flags are --latency --jitter --response-size --first-token --token-interval --tokens --error-rate --error-status --reset-rate --hang-rate --cut-rate --port --host --seed --fail-key --require-key',
      '--latency: needs a value',
      '--latency: "fast" is not a duration; write 1500, 1500ms or 1.5s',
      '--jitter: "1x" is not a duration; write 1500, 1500ms or 1.5s',
      `--response-size: must be at least ${SMALLEST_RESPONSE_BYTES} bytes, got 100 bytes`,
      '--port: must be at most 65535, got 70000',
      '--host: "a/b" is not an address; write 127.0.0.1, 0.0.0.0 or a host name',
      '--seed: "-1" is not a whole number; write digits only',
    ])
  })

  test('the message counts the problems and lists one a line', () => {
    assert.equal(new MockUsageError(['--a: x', '--b: y']).message, '2 problems in the command line\n  --a: x\n  --b: y')
    assert.equal(new MockUsageError(['--a: x']).message, '1 problem in the command line\n  --a: x')
  })

  test('a jitter above the latency is refused: delays would be negative', () => {
    assert.deepEqual(problemsOf(['--latency', '100', '--jitter', '150ms']), [
      '--jitter: must not be above --latency (100 ms), or delays would be negative; got 150 ms',
    ])
    assert.deepEqual(problemsOf(['--latency', '100', '--jitter', '100']), [])
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

  test('the help names every flag with the default that the config has', () => {
    const parsed = parseMockConfig(['--help'])
    assert.ok('help' in parsed)
    for (const [flag, value] of [
      ['--latency', MOCK_DEFAULTS.latencyMs],
      ['--jitter', MOCK_DEFAULTS.jitterMs],
      ['--response-size', MOCK_DEFAULTS.responseBytes],
      ['--token-interval', MOCK_DEFAULTS.tokenIntervalMs],
      ['--tokens', MOCK_DEFAULTS.tokens],
      ['--error-rate', MOCK_DEFAULTS.errorRate],
      ['--error-status', MOCK_DEFAULTS.errorStatus],
      ['--reset-rate', MOCK_DEFAULTS.resetRate],
      ['--hang-rate', MOCK_DEFAULTS.hangRate],
      ['--cut-rate', MOCK_DEFAULTS.cutRate],
      ['--port', MOCK_DEFAULTS.port],
      ['--host', MOCK_DEFAULTS.host],
      ['--seed', MOCK_DEFAULTS.seed],
    ] as const) {
      assert.match(parsed.help, new RegExp(`${flag} <[^()]*\\(default:\\s+${value}\\)`))
    }
    assert.match(parsed.help, /Examples:/)
  })
})
