import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import { Value } from 'typebox/value'

import { GatewayConfigFileSchema } from './config-file.ts'
import { type Findings, takeShaped } from './config-shape.ts'
import { FULL, FULL_ENV, SECRET_MARK } from './config.test-data.ts'
import { changedFile } from './config.test-support.ts'
import { ConfigError, type ParsedConfig, parseConfig } from './config.ts'

/** A configuration or the problems of the file; anything else that is thrown fails the test. */
function read(file: unknown): ParsedConfig | ConfigError {
  try {
    return parseConfig(file, FULL_ENV)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

const RUNS = { numRuns: 2_000 }

describe('parseConfig', () => {
  test('takes any JSON for a configuration or for one with problems', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (file) => {
        const result = read(file)
        assert.ok(!(result instanceof ConfigError) || result.problems.length > 0)
      }),
    )
  })

  test('takes any change of a good file for a configuration or for one with problems', () => {
    fc.assert(
      fc.property(changedFile(FULL), (file) => {
        const result = read(file)
        assert.ok(!(result instanceof ConfigError) || result.problems.every((problem) => /^\S.*: \S/s.test(problem)))
      }),
      RUNS,
    )
  })

  test('changes nothing in the file that it reads', () => {
    fc.assert(
      fc.property(changedFile(FULL), (file) => {
        const before = structuredClone(file)
        read(file)
        assert.deepEqual(file, before)
      }),
    )
  })

  test('decides every number: finite, not negative, and no larger than what timers and counts can hold', () => {
    fc.assert(
      fc.property(changedFile(FULL), (file) => {
        const result = read(file)
        if (result instanceof ConfigError) return
        for (const value of numbersIn(result.config)) assert.ok(value >= 0 && value <= Number.MAX_SAFE_INTEGER)
        for (const { concurrency, bufferSize, network, keys } of result.config.providers) {
          assert.ok(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= bufferSize)
          assert.ok(network.timeoutMs > 0 && network.timeoutMs < 2 ** 31)
          assert.ok(network.streamIdleTimeoutMs > 0 && network.streamIdleTimeoutMs < 2 ** 31)
          assert.ok(network.retryBackoffInitialMs <= network.retryBackoffMaxMs)
          assert.ok(Number.isInteger(network.maxRetries) && Number.isInteger(network.maxConnsPerHost))
          assert.equal(new Set(keys.map(({ name }) => name)).size, keys.length)
        }
        const { maxRequestBodyBytes, maxWaitingBodyBytes, maxRequestHeaderBytes } = result.config
        assert.ok([maxRequestBodyBytes, maxWaitingBodyBytes, maxRequestHeaderBytes].every(Number.isInteger))
        assert.ok(maxRequestBodyBytes >= 1 && maxWaitingBodyBytes >= maxRequestBodyBytes)
      }),
      RUNS,
    )
  })

  test('repeats no secret in a problem or a warning', () => {
    // The good file tells nothing whatever is said of it: it must say something.
    const said = (file: unknown): readonly string[] => {
      const result = read(file)
      return result instanceof ConfigError ? result.problems : result.warnings
    }
    let saidSomething = 0
    fc.assert(
      fc.property(changedFile(FULL), (file) => {
        const texts = said(file)
        if (texts.length > 0) saidSomething++
        assert.doesNotMatch(texts.join('\n'), new RegExp(SECRET_MARK))
      }),
      RUNS,
    )
    assert.ok(saidSomething > 100)
  })

  test('repeats no secret that cannot be used either', () => {
    const secret = fc.string({ unit: 'binary', maxLength: 10 }).map((text) => `${text}${SECRET_MARK}${text}`)
    const hostile = fc.oneof(
      secret,
      secret.map((text) => [text]),
      secret.map((text) => ({ [SECRET_MARK.toLowerCase()]: text })),
    )
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, hostile, (key, header, url, caller, log) => {
        const result = read({
          config: { caller_keys: [{ name: 'a', value: caller }], request_log: { store: 'postgres', url: log } },
          providers: {
            mine: {
              keys: [{ value: key }, key],
              network_config: { base_url: `http://user:${JSON.stringify(url)}@h`, extra_headers: { 'x-a': header } },
            },
          },
        })
        const texts = result instanceof ConfigError ? result.problems : result.warnings
        assert.doesNotMatch(texts.join('\n'), new RegExp(SECRET_MARK))
      }),
    )
  })
})

test('takeShaped leaves whole what typebox accepts, but for unknown settings', () => {
  let accepted = 0
  fc.assert(
    fc.property(changedFile(FULL), (file) => {
      if (!Value.Check(GatewayConfigFileSchema, file)) return
      accepted++
      const findings: Findings = { problems: [], warnings: [] }
      const shaped = takeShaped(GatewayConfigFileSchema, '', file, findings)
      assert.deepEqual(findings.problems, [])
      if (findings.warnings.length === 0) assert.deepEqual(shaped, file)
    }),
    RUNS,
  )
  assert.ok(accepted > 100)
})
