import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ABOVE_MOCK_TAGS } from '../above-mock.ts'
import { Histogram, LATENCY_US, openHistogramLog, TENTH_US, type HistogramShape } from '../histogram.ts'
import { readAboveMock, readLatencySeconds } from './seconds.ts'
import { countsOf } from './sparse-counts.test-data.ts'

/** Second, tag, values in the unit of the shape. */
type LogLine = [second: number, tag: string | undefined, ...values: number[]]

function logOf(shape: HistogramShape, lines: readonly LogLine[]): string {
  let text = ''
  const writer = openHistogramLog((more) => (text += more), 1.79e12, '[by hand]')
  for (const [second, tag, ...values] of lines) {
    const histogram = new Histogram(shape)
    for (const value of values) histogram.record(value)
    histogram.writeLogLine(writer, second, second + 1, tag)
  }
  return text
}

const { target, floor, targetWithoutTruth, floorWithoutTruth } = ABOVE_MOCK_TAGS
const aboveMock = (...lines: LogLine[]) => readAboveMock(logOf(TENTH_US, lines))

describe('a log of what was waited above the mock', () => {
  test('is read second by second, callers beside probes, tenths of a us as us', () => {
    assert.deepEqual(aboveMock([0, target, 1_205, 1_205, 1_400], [0, floor, 401], [1, target, 999], [1, floor, 300]), {
      seconds: [
        { second: 0, target: countsOf([120.5, 120.5, 140]), floor: countsOf([40.1]) },
        { second: 1, target: countsOf([99.9]), floor: countsOf([30]) },
      ],
      basis: 'above_mock',
      withTruth: 4,
      withoutTruth: 0,
    })
  })

  test('is in the order of seconds, whatever the order of its lines', () => {
    const { seconds } = aboveMock([7, floor, 3], [2, target, 1], [7, target, 2])
    assert.deepEqual(
      seconds.map(({ second }) => second),
      [2, 7],
    )
  })

  test('has nothing on the side that a second does not have', () => {
    const { seconds } = aboveMock([0, target, 10], [1, floor, 20])
    assert.deepEqual(seconds, [
      { second: 0, target: countsOf([1]), floor: countsOf([]) },
      { second: 1, target: countsOf([]), floor: countsOf([2]) },
    ])
  })

  test('without the truth gives whole service times on both sides', () => {
    const read = aboveMock([0, floor, 400], [0, targetWithoutTruth, 1_000, 1_100], [0, floorWithoutTruth, 500])
    assert.deepEqual(read, {
      seconds: [{ second: 0, target: countsOf([100, 110]), floor: countsOf([50]) }],
      basis: 'service_time',
      withTruth: 0,
      withoutTruth: 2,
    })
  })

  test('without the truth in one answer of a hundred is read by the others', () => {
    const others = Array.from({ length: 99 }, () => 1_000)
    const read = aboveMock(
      [0, target, ...others],
      [0, floor, 400],
      [0, targetWithoutTruth, ...others, 9_000],
      [0, floorWithoutTruth, 9_000],
    )
    assert.partialDeepStrictEqual(read, { basis: 'above_mock', withTruth: 99, withoutTruth: 1 })
  })

  test('without the truth in more of them is read by whole service times: those that lack it are not forgotten', () => {
    const read = aboveMock(
      [0, target, 1_000],
      [0, floor, 400],
      [0, targetWithoutTruth, 9_000, 9_000],
      [0, floorWithoutTruth, 9_000],
    )
    assert.partialDeepStrictEqual(read, { basis: 'service_time', withTruth: 1, withoutTruth: 1 })
  })

  test('without an answer has no seconds, and strips nothing', () => {
    assert.deepEqual(aboveMock(), { seconds: [], basis: 'above_mock', withTruth: 0, withoutTruth: 0 })
  })
})

test('a log of latencies is read interval by interval, in us', () => {
  const log = logOf(LATENCY_US, [
    [0, undefined, 50_001, 50_001],
    [1, undefined],
    [2, undefined, 7],
  ])
  assert.deepEqual(readLatencySeconds(log, LATENCY_US), [
    { target: countsOf([50_001, 50_001]) },
    { target: countsOf([]) },
    { target: countsOf([7]) },
  ])
})
