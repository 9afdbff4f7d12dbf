import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SEGMENTS } from '@gatebench/gateway/stages'
import fc from 'fast-check'
import { okAttempt, timing } from './attempts.test-data.ts'
import type { Attempt, Outcome } from './outcome.ts'
import { Recorder } from './recorder.ts'

function recorderOf(attempts: readonly Attempt[]): Recorder {
  const recorder = new Recorder()
  for (const attempt of attempts) recorder.add(attempt)
  return recorder
}

/** Through a thread's message, as in a run. */
function merged(parts: readonly Recorder[]): Recorder {
  const whole = new Recorder()
  for (const part of parts) whole.merge(structuredClone(part.toData()))
  return whole
}

/** Counts, sums and of every distribution count, mean, extremes and percentiles: all but the bytes of its encoding. */
function contentOf(recorder: Recorder): unknown {
  const describeAll = [...Object.entries(recorder.distributions), ...recorder.segmentsNs.entries()]
  return {
    counts: recorder.counts,
    withTiming: recorder.withTiming,
    withMockOnly: recorder.withMockOnly,
    span: recorder.span,
    distributions: describeAll.map(([name, histogram]) => [
      name,
      histogram.count,
      histogram.mean,
      histogram.min,
      histogram.max,
      [50, 90, 99, 99.9].map((percent) => histogram.percentile(percent)),
    ]),
  }
}

const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  { arbitrary: fc.constant({ kind: 'ok', status: 200 } as const), weight: 5 },
  fc.constantFrom(429, 500, 503).map((status) => ({ kind: 'http_error', status }) as const),
  fc.constant({ kind: 'wrong_answer', status: 200 } as const),
  fc.constant({ kind: 'timeout', afterMs: 30_000 } as const),
  fc.constantFrom('ECONNRESET', 'HTTP_SYNTAX').map((code) => ({ kind: 'transport_error', code }) as const),
  fc.constant({ kind: 'dropped', reason: 'in_flight_bound' } as const),
)

/** Whole us, so that sums are exact and do not depend on their order. */
const us = (max: number) => fc.nat(max).map((value) => value * 1e3)

const anyAttempt: fc.Arbitrary<Attempt> = fc
  .record({
    index: fc.integer({ min: -5, max: 20 }),
    outcome: anyOutcome,
    dueNs: us(60e6),
    lagNs: us(1e6),
    serviceNs: us(3e6),
    mockUs: fc.option(fc.nat(1e6), { nil: undefined }),
    gatewayNs: fc.option(us(1e6), { nil: undefined }),
    selfReportedNs: fc.option(us(1e6), { nil: undefined }),
    openedConnection: fc.boolean(),
  })
  .map(({ index, outcome, dueNs, lagNs, serviceNs, mockUs, gatewayNs, selfReportedNs, openedConnection }) => {
    if (outcome.kind === 'dropped') return { index, dueNs, outcome }
    const sentNs = dueNs + lagNs
    return {
      ...{ index, dueNs, outcome, sentNs, endNs: sentNs + serviceNs, openedConnection },
      ...(mockUs !== undefined && { mock: { plannedUs: 1_000, actualUs: 1_000 + mockUs } }),
      ...(selfReportedNs !== undefined && { selfReportedNs }),
      ...(gatewayNs !== undefined && {
        timingNs: timing({ http_request: gatewayNs, queue_wait: 2_000 }, gatewayNs + 5_000),
      }),
    }
  })

describe('Recorder', () => {
  test('the warm-up is in no count, no distribution and no sum', () => {
    const warmUp = okAttempt({
      index: -1,
      mock: { plannedUs: 1, actualUs: 1 },
      timingNs: timing({ http_request: 1 }, 2),
    })
    assert.deepEqual(
      contentOf(recorderOf([warmUp, { ...warmUp, outcome: { kind: 'timeout', afterMs: 1 }, openedConnection: true }])),
      contentOf(new Recorder()),
    )
  })

  test('every outcome has its place, and sent = ok + failed', () => {
    const of = (outcome: Outcome) => okAttempt({ outcome })
    const { counts } = recorderOf([
      okAttempt(),
      okAttempt({ outcome: { kind: 'ok', status: 201 } }),
      okAttempt({ openedConnection: true }),
      of({ kind: 'http_error', status: 503 }),
      of({ kind: 'http_error', status: 503 }),
      of({ kind: 'wrong_answer', status: 200 }),
      of({ kind: 'timeout', afterMs: 30_000 }),
      of({ kind: 'transport_error', code: 'ECONNRESET' }),
      { index: 7, dueNs: 0, outcome: { kind: 'dropped', reason: 'in_flight_bound' } },
    ])
    assert.deepEqual(counts, {
      sent: 8,
      ok: 3,
      failed: 5,
      dropped: 1,
      openedConnections: 1,
      fasterThanMock: 0,
      byStatus: { 200: 3, 201: 1, 503: 2 },
      byError: { wrong_answer: 1, timeout: 1, ECONNRESET: 1 },
    })
  })

  test('latency runs from due, service time from sent, and lag between them', () => {
    const { distributions } = recorderOf([okAttempt({ dueNs: 1e9, sentNs: 1e9 + 3e6, endNs: 1e9 + 10e6 })])
    assert.equal(distributions.latencyUs.mean, 10_000)
    assert.equal(distributions.serviceUs.mean, 7_000)
    assert.equal(distributions.scheduleLagUs.mean, 3_000)
  })

  test('times are those of ok answers, so that fast errors do not flatter; lag is that of all that were sent', () => {
    const failed: Outcome[] = [
      { kind: 'http_error', status: 500 },
      { kind: 'wrong_answer', status: 200 },
      { kind: 'timeout', afterMs: 1 },
      { kind: 'transport_error', code: 'ECONNRESET' },
    ]
    const mock = { plannedUs: 10, actualUs: 11 }
    const timingNs = timing({ http_request: 10 }, 20)
    const recorder = recorderOf(failed.map((outcome) => okAttempt({ outcome, mock, timingNs, selfReportedNs: 5 })))
    const { scheduleLagUs, ...others } = recorder.distributions
    assert.equal(scheduleLagUs.count, failed.length)
    for (const [name, histogram] of Object.entries(others)) assert.equal(histogram.count, 0, name)
    for (const segment of recorder.segmentsNs) assert.equal(segment.count, 0)
    assert.equal(recorder.withTiming.requests + recorder.withMockOnly.requests, 0)
    assert.deepEqual(recorder.span, { lastSentNs: 0, firstOkNs: Infinity, lastOkNs: 0 })
  })

  test('the overheads of a hand-computed account', () => {
    // Distinct powers of ten: a segment in the wrong sum shows as the wrong digit.
    const segments = {
      queue_wait: 1,
      key_selection: 10,
      message_formatting: 100,
      params_preparation: 1_000,
      request_body_preparation: 10_000,
      json_marshaling: 200_000,
      request_setup: 100_000,
      http_request: 5_000_000_000,
      response_parsing: 2_000_000,
      error_handling: 1_000_000,
      request_reading: 20_000_000,
      response_sending: 30_000_000,
      retry_backoff: 700_000_000,
    }
    const totalNs = Object.values(segments).reduce((sum, ns) => sum + ns, 0) + 7
    const { distributions, segmentsNs } = recorderOf([
      okAttempt({
        endNs: 6e9,
        mock: { plannedUs: 4_800_000, actualUs: 4_900_000 },
        timingNs: timing(segments, totalNs),
      }),
    ])
    // The published definition: the ten stages without JSON, parsing and HTTP.
    assert.equal(distributions.publishedOverheadNs.mean, 1_111_111)
    // In process: the whole span without HTTP, so waits before further tries and the 7 ns that no stage owns are in it.
    assert.equal(distributions.inProcessOverheadNs.mean, 753_311_111 + 7)
    assert.equal(distributions.aboveMockNs.mean, 6e9 - 4.9e9)
    assert.equal(distributions.mockDelayErrorUs.mean, 100_000)
    assert.deepEqual(Object.fromEntries(SEGMENTS.map(({ name }, slot) => [name, segmentsNs[slot]!.mean])), segments)
  })

  test("a target's own figure is recorded where an answer has one, and below zero as 0", () => {
    const { selfReportedNs } = recorderOf([
      okAttempt({ selfReportedNs: 2_000 }),
      okAttempt(),
      okAttempt({ selfReportedNs: -7_000 }),
    ]).distributions
    assert.deepEqual([selfReportedNs.count, selfReportedNs.mean, selfReportedNs.min], [2, 1_000, 0])
  })

  test('an account is with the gateway, or with the mock alone, never in both sums', () => {
    const mock = { plannedUs: 1_000, actualUs: 1_100 }
    const recorder = recorderOf([
      okAttempt({ sentNs: 5e3, endNs: 2e6, mock, timingNs: timing({ http_request: 1.5e6 }, 1.6e6) }),
      okAttempt({ endNs: 3e6, mock }),
      okAttempt({ endNs: 9e6 }),
    ])
    const { timingNs, ...withTiming } = recorder.withTiming
    assert.deepEqual(withTiming, { requests: 1, serviceNs: 1.995e6, scheduleLagNs: 5e3, mockDelayNs: 1.1e6 })
    assert.deepEqual(timingNs, timing({ http_request: 1.5e6 }, 1.6e6))
    assert.equal(recorder.withMockOnly.requests, 1)
    assert.equal(recorder.withMockOnly.serviceNs, 3e6)
  })

  test('the span reaches to the last request sent and from the first ok answer to the last', () => {
    const recorder = recorderOf([
      okAttempt({ dueNs: 5e9, endNs: 7e9 }),
      okAttempt({ dueNs: 1e9, endNs: 2e9 }),
      okAttempt({ dueNs: 8e9, endNs: 9e9, outcome: { kind: 'timeout', afterMs: 1 } }),
    ])
    assert.deepEqual(recorder.span, { lastSentNs: 8e9, firstOkNs: 2e9, lastOkNs: 7e9 })
  })

  test('merging parts, in any order, equals one recorder that saw all', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyAttempt, fc.nat(2)), { maxLength: 60 }), (shares) => {
        const all = recorderOf(shares.map(([attempt]) => attempt))
        const parts = [0, 1, 2].map((part) =>
          recorderOf(shares.filter(([, of]) => of === part).map(([attempt]) => attempt)),
        )
        assert.deepEqual(contentOf(merged(parts)), contentOf(all))
        assert.deepEqual(contentOf(merged(parts.toReversed())), contentOf(all))
      }),
      { numRuns: 15 },
    )
  })

  test('a recorder without an answer survives the merge', () => {
    const whole = merged([new Recorder(), new Recorder()])
    assert.deepEqual(contentOf(whole), contentOf(new Recorder()))
    assert.equal(whole.span.firstOkNs, Infinity)
  })
})
