import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ABOVE_MOCK_TAGS, AboveMockLog, AboveMockRows } from './above-mock.ts'
import { readHistogramLog, TENTH_US } from './histogram.ts'
import type { Attempt } from './outcome.ts'

/** An ok answer that was due at `dueSec`, took `serviceUs` and says that the mock took `mockUs` of it. */
function answer(dueSec: number, serviceUs: number, mockUs?: number): Attempt {
  const dueNs = dueSec * 1e9
  return {
    index: 1,
    dueNs,
    outcome: { kind: 'ok', status: 200 },
    sentNs: dueNs,
    endNs: dueNs + serviceUs * 1e3,
    ...(mockUs !== undefined && { mock: { plannedUs: 50_000, actualUs: mockUs } }),
  }
}

function rowsOf(attempts: Attempt[]): Int32Array {
  const rows = new AboveMockRows()
  for (const attempt of attempts) rows.add(attempt)
  return rows.take()
}

/** The log's lines as `tag second: value x count`, values in us. */
function linesOf(text: string): string[] {
  return readHistogramLog(text, TENTH_US).map(({ tag = '', startSec, histogram }) => {
    const values: string[] = []
    histogram.forEachValue((value, count) => values.push(`${value / 10} x ${count}`))
    return `${tag} ${startSec}: ${values.join(', ')}`
  })
}

function logOf(timeoutMs = 30_000) {
  let text = ''
  const write = (more: string) => (text += more)
  const log = new AboveMockLog({ fastestMockMs: 50, timeoutMs, write, startedAtMs: 1.79e12 })
  return { log, lines: () => linesOf(text) }
}

describe('what was waited above the mock', () => {
  test("is the service time less the mock's own delay, second by second, callers and probes apart", () => {
    const { log, lines } = logOf()
    log.add('target', rowsOf([answer(0.1, 50_120, 50_010), answer(1.2, 50_130, 50_010), answer(1.3, 50_130, 50_010)]))
    log.add('floor', rowsOf([answer(1.5, 50_060, 50_020)]))
    log.end()
    assert.deepEqual(lines(), ['target 0: 110 x 1', 'target 1: 120 x 2', 'floor 1: 40 x 1'])
  })

  test('is what exceeds the shortest planned delay, on both lines, where answers do not carry the truth', () => {
    const { log, lines } = logOf()
    log.add('target', rowsOf([answer(0, 50_150)]))
    log.add('floor', rowsOf([answer(0, 50_060, 50_020)]))
    log.end()
    assert.deepEqual(lines(), ['floor 0: 40 x 1', 'target-service 0: 150 x 1', 'floor-service 0: 60 x 1'])
  })

  test('leaves out the warm-up, what failed and what was dropped', () => {
    const rows = rowsOf([
      { ...answer(0, 50_100, 50_000), index: -1 },
      { ...answer(0, 50_100, 50_000), outcome: { kind: 'http_error', status: 500 } },
      { index: 2, dueNs: 0, outcome: { kind: 'dropped', reason: 'in_flight_bound' } },
    ])
    assert.equal(rows.length, 0)
  })

  test('is written as soon as no answer of the second can come any more, and waits for ever without a timeout', () => {
    const bounded = logOf(1_000)
    const endless = logOf(0)
    for (const { log } of [bounded, endless])
      log.add('target', rowsOf([answer(0, 50_100, 50_000), answer(5, 50_100, 50_000)]))
    assert.deepEqual(bounded.lines(), [`${ABOVE_MOCK_TAGS.target} 0: 100 x 1`])
    assert.deepEqual(endless.lines(), [])
  })

  test('cannot be negative: a clock that steps back reads as no wait', () => {
    const { log, lines } = logOf()
    log.add('target', rowsOf([answer(0, 49_000, 50_000)]))
    log.end()
    assert.deepEqual(lines(), ['target 0: 0 x 1'])
  })
})
