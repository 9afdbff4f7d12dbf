import assert from 'node:assert/strict'
import { InvalidArgumentError } from 'commander'
import { describe, test } from 'node:test'

import { durationMs, labelNames, wholeNumber, workerCount, yesOrNo } from './flag-values.ts'
import { type Flags, parseFlags } from './flags.ts'

function flagsOf(...argv: string[]): Flags {
  const flags = parseFlags(argv)
  if (typeof flags === 'number') return assert.fail(`exit code ${flags}`)
  return flags
}

describe('flags', () => {
  test('what is not said has its default', () => {
    assert.deepEqual(flagsOf('--config', 'c.json'), {
      config: 'c.json',
      port: 8_080,
      host: '127.0.0.1',
      workers: 1,
      drainLimitMs: 30_000,
      logLevel: 'warn',
      check: false,
      overrides: {},
    })
  })

  test('every flag, with one dash', () => {
    const argv = '-config c.json -port 0 -host ::1 -workers 3 -pool-size 7 -drop-excess-requests'.split(' ')
    argv.push('-prometheus-labels', 'team-id,app', '-drain-limit', '1.5s', '-debug-port', '6060', '-check')
    argv.push('-log-level', 'info')
    assert.deepEqual(flagsOf(...argv), {
      config: 'c.json',
      port: 0,
      host: '::1',
      workers: 3,
      drainLimitMs: 1_500,
      debugPort: 6_060,
      logLevel: 'info',
      check: true,
      overrides: { poolSize: 7, dropExcessRequests: true, prometheusLabels: ['team-id', 'app'] },
    })
  })

  test('a flag may say no, over a file that says yes', () => {
    assert.deepEqual(flagsOf('-config', 'c.json', '-drop-excess-requests=false').overrides, {
      dropExcessRequests: false,
    })
  })

  test('values', () => {
    assert.equal(durationMs('500ms'), 500)
    assert.equal(durationMs('2m'), 120_000)
    assert.equal(durationMs('0s'), 0)
    assert.equal(workerCount('2'), 2)
    assert.ok(workerCount('auto') >= 1)
    assert.deepEqual(labelNames('team-id, app'), ['team-id', 'app'])
    assert.deepEqual(labelNames(''), [])
    assert.deepEqual(['true', '1', 'yes', 'false', '0', 'no', ''].map(yesOrNo), [
      ...[true, true, true, false, false, false, false],
    ])
  })

  test('values that make no sense', () => {
    const refused: [(text: string) => unknown, string[]][] = [
      // Without a unit, 30 could be ms and s.
      [durationMs, ['30', 'fast', '-1s', '', '1h', '99999999999s']],
      [workerCount, ['0', '-1', '1.5', 'all', '', '100000']],
      [wholeNumber(0, 10), ['11', '-1', 'x', '', '0.5']],
      [yesOrNo, ['maybe', 'TRUE ']],
      [labelNames, ['Team', 'a,a', 'provider', 'a b', 'a,,b', 'a,b,c,d,e,f,g,h,i']],
    ]
    for (const [parse, texts] of refused) {
      for (const text of texts) assert.throws(() => parse(text), InvalidArgumentError, `${parse.name} ${text}`)
    }
  })

  test('a refused label says why', () => {
    assert.throws(() => labelNames('app,provider'), /"provider" is a label that the metrics have already/)
  })
})
