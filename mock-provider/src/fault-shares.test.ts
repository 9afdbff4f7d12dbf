import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readConfig, type WrittenConfig } from './config.ts'
import type { Fault } from './fault-model.ts'
import { faultSharesOf, faultShareSum } from './fault-shares.ts'
import type { AnswerValues } from './settings.ts'

function valuesOf(written: WrittenConfig): AnswerValues {
  const { config, problems } = readConfig(written)
  assert.deepEqual(problems, [])
  return config.answer
}

/** Those faults that any request has, with their shares. */
function sharesOf(written: WrittenConfig): [number, Fault][] {
  return faultSharesOf(valuesOf(written)).flatMap(({ share, fault }) => (share > 0 ? [[share, fault]] : []))
}

describe('shares of faults', () => {
  test('are none by default', () => {
    assert.deepEqual(sharesOf({}), [])
    assert.equal(faultShareSum(valuesOf({})), 0)
  })

  const cases: { written: WrittenConfig; fault: Fault }[] = [
    { written: { errorRate: 0.25 }, fault: { kind: 'error', status: 500 } },
    { written: { errorRate: 0.25, errorStatus: 418 }, fault: { kind: 'error', status: 418 } },
    { written: { errorRates: '503=0.25' }, fault: { kind: 'error', status: 503 } },
    { written: { resetRate: 0.25 }, fault: { kind: 'reset' } },
    { written: { hangRate: 0.25 }, fault: { kind: 'hang' } },
    { written: { cutRate: 0.25 }, fault: { kind: 'cut' } },
    { written: { stallRate: 0.25 }, fault: { kind: 'stall', forMs: 5_000 } },
    { written: { stallRate: 0.25, stall: '20ms' }, fault: { kind: 'stall', forMs: 20 } },
    { written: { slowHeadersRate: 0.25 }, fault: { kind: 'slow-headers', forMs: 5_000 } },
    { written: { slowHeadersRate: 0.25, slowHeaders: 30 }, fault: { kind: 'slow-headers', forMs: 30 } },
    { written: { truncateRate: 0.25 }, fault: { kind: 'truncate' } },
    { written: { garbleRate: 0.25 }, fault: { kind: 'garble' } },
    { written: { closeRate: 0.25 }, fault: { kind: 'close' } },
  ]
  for (const { written, fault } of cases) {
    test(`of ${JSON.stringify(written)} are those of that fault alone`, () => {
      assert.deepEqual(sharesOf(written), [[0.25, fault]])
    })
  }

  test('of several statuses are each their own, and one status may have two', () => {
    assert.deepEqual(sharesOf({ errorRate: '10%', errorStatus: 503, errorRates: { 503: '1%', 500: 0.02 } }), [
      [0.1, { kind: 'error', status: 503 }],
      [0.02, { kind: 'error', status: 500 }],
      [0.01, { kind: 'error', status: 503 }],
    ])
  })

  test('say when to come again with status 429 alone, in whole seconds, never too few', () => {
    const secondsOf = (retryAfter: unknown) =>
      sharesOf({ errorRate: 0.1, errorStatus: 429, errorRates: '429=1%,500=1%', retryAfter }).map(([, fault]) =>
        fault.kind === 'error' ? [fault.status, fault.retryAfterSec] : [],
      )
    for (const [retryAfter, seconds] of [
      ['1s', 1],
      ['1001ms', 2],
      [1, 1],
      [0, 0],
      ['3600s', 3_600],
    ]) {
      assert.deepEqual(secondsOf(retryAfter), [
        [429, seconds],
        [429, seconds],
        [500, undefined],
      ])
    }
  })
})

test('the sum of shares is that of the decimal fractions as they are written', () => {
  // In binary floating point 0.1 + 0.2 is above 0.3, and ten times 0.1 below 1.
  assert.equal(faultShareSum(valuesOf({ errorRate: 0.1, resetRate: 0.2 })), 0.3)
  const tenth = {
    ...{ errorRate: 0.1, errorRates: '429=10%,503=0.1', resetRate: 0.1, hangRate: 0.1, cutRate: 0.1 },
    ...{ stallRate: 0.1, slowHeadersRate: 0.1, truncateRate: 0.1, garbleRate: 0.1 },
  }
  assert.equal(faultShareSum(valuesOf(tenth)), 1)
})
