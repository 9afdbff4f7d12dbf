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
    const argv = '--latency 1.5s --jitter 200ms --response-size 10.32KB --port 0 --host 0.0.0.0 --seed=7'.split(' ')
    assert.deepEqual(parseMockConfig(argv), {
      config: { latencyMs: 1_500, jitterMs: 200, responseBytes: 10_320, port: 0, host: '0.0.0.0', seed: 7 },
    })
  })

  test('every problem is told at once, each with its value and what would be right', () => {
    const argv = '--latency fast --jitter 1x --response-size 100 --port 70000 --host a/b --seed -1 --prot 5 --latency'
    assert.deepEqual(problemsOf(argv.split(' ')), [
      '--prot: unknown; the flags are --latency --jitter --response-size --port --host --seed',
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
      ['--port', MOCK_DEFAULTS.port],
      ['--host', MOCK_DEFAULTS.host],
      ['--seed', MOCK_DEFAULTS.seed],
    ] as const) {
      assert.match(parsed.help, new RegExp(`${flag} <.*\\(default:\\s+${value}\\)`))
    }
    assert.match(parsed.help, /Examples:/)
  })
})
