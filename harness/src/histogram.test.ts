import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HistogramLogReader } from 'hdr-histogram-js'
import fc from 'fast-check'
import {
  DURATION_NS,
  Histogram,
  LATENCY_US,
  openHistogramLog,
  readHistogramLog,
  TENTH_US,
  type HistogramShape,
} from './histogram.ts'

function histogramOf(values: readonly number[], shape: HistogramShape = LATENCY_US): Histogram {
  const histogram = new Histogram(shape)
  for (const value of values) histogram.record(value)
  return histogram
}

function mergedInto(shape: HistogramShape, parts: readonly Histogram[]): Histogram {
  const whole = new Histogram(shape)
  for (const part of parts) whole.add(part)
  return whole
}

/** The definition: the smallest value that at least `percent` percent of all do not exceed. */
function nearestRank(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(1, Math.ceil((percent * sorted.length) / 100)) - 1]!
}

function assertNear(actual: number, expected: number, relative: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= Math.abs(expected) * relative + 1e-9,
    `${what}: ${actual} instead of ${expected}`,
  )
}

const PERCENTS = [1, 25, 50, 90, 95, 99, 99.9, 100]
/** Small and large ones alike: uniform draws alone would hardly make a value below 1 s. */
const anyValue = (shape: HistogramShape) =>
  fc.oneof(
    fc.nat(100),
    fc.nat(10_000),
    fc.nat(2_000_000),
    fc.maxSafeNat().map((value) => value % (shape.highest + 1)),
  )
const anyValues = (shape: HistogramShape) => fc.array(anyValue(shape), { minLength: 1, maxLength: 300 })

describe('Histogram', () => {
  for (const [name, shape] of Object.entries({ LATENCY_US, DURATION_NS })) {
    test(`${name}: percentiles are nearest-rank, at most one bucket above the value itself`, () => {
      fc.assert(
        fc.property(anyValues(shape), (values) => {
          const histogram = histogramOf(values, shape)
          const sorted = values.toSorted((a, b) => a - b)
          for (const percent of PERCENTS) {
            const exact = nearestRank(sorted, percent)
            const got = histogram.percentile(percent)
            assert.ok(got >= exact, `p${percent}: ${got} is below ${exact}`)
            assertNear(got, exact, 10 ** -shape.digits, `p${percent}`)
          }
        }),
      )
    })
  }

  test('the rank is rounded up: p99 of 160 is the 159th, p50 of 4 the second', () => {
    const oneTo = (count: number) => histogramOf(Array.from({ length: count }, (_, i) => i + 1))
    assert.equal(oneTo(160).percentile(99), 159)
    assert.equal(oneTo(4).percentile(50), 2)
    assert.equal(oneTo(5).percentile(50), 3)
    assert.equal(oneTo(1_000).percentile(99.9), 999)
    assert.equal(oneTo(1_001).percentile(99.9), 1_000)
    assert.equal(oneTo(100).percentile(100), 100)
  })

  test('count, mean, min, max and standard deviation are exact', () => {
    fc.assert(
      fc.property(anyValues(DURATION_NS), (values) => {
        const histogram = histogramOf(values, DURATION_NS)
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
        assert.equal(histogram.count, values.length)
        assertNear(histogram.mean, mean, 1e-12, 'mean')
        assertNear(histogram.stddev, Math.sqrt(variance), 1e-9, 'stddev')
        assert.equal(histogram.min, Math.min(...values))
        assert.equal(histogram.max, Math.max(...values))
      }),
    )
  })

  test('a million equal latencies of 1.5 s in ns have a standard deviation of 0', () => {
    const histogram = new Histogram(DURATION_NS)
    for (let i = 0; i < 1e6; i++) histogram.record(1_500_000_001)
    assert.equal(histogram.stddev, 0)
    assert.equal(histogram.mean, 1_500_000_001)
  })

  test('a spread of 1 us around 1.5 s in ns is seen among a million, whole or added up from parts', () => {
    const parts = Array.from({ length: 4 }, () => new Histogram(DURATION_NS))
    for (let i = 0; i < 1e6; i++) parts[i % 4]!.record(1_500_000_000 + (i % 2 === 0 ? -1_000 : 1_000))
    const whole = mergedInto(DURATION_NS, parts)
    assertNear(whole.stddev, 1_000, 1e-6, 'stddev')
    assert.equal(whole.mean, 1_500_000_000)
  })

  test('adding parts, in any order, is recording all in one', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyValue(LATENCY_US), { maxLength: 60 }), { maxLength: 6 }), (lists) => {
        const whole = histogramOf(lists.flat())
        const parts = lists.map((values) => histogramOf(values))
        for (const order of [parts, parts.toReversed()]) {
          const merged = mergedInto(LATENCY_US, order)
          assert.equal(merged.count, whole.count)
          assert.equal(merged.mean, whole.mean)
          assert.equal(merged.min, whole.min)
          assert.equal(merged.max, whole.max)
          assertNear(merged.stddev, whole.stddev, 1e-9, 'stddev')
          for (const percent of PERCENTS) assert.equal(merged.percentile(percent), whole.percentile(percent))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('its data survives JSON, and goes on recording as if it had never been away', () => {
    fc.assert(
      fc.property(fc.array(anyValue(LATENCY_US), { maxLength: 60 }), anyValues(LATENCY_US), (before, after) => {
        const travelled = Histogram.fromData(
          JSON.parse(JSON.stringify(histogramOf(before).toData())) as ReturnType<Histogram['toData']>,
        )
        for (const value of after) travelled.record(value)
        const stayed = histogramOf([...before, ...after])
        assert.equal(travelled.count, stayed.count)
        assert.equal(travelled.mean, stayed.mean)
        assert.equal(travelled.min, stayed.min)
        assert.equal(travelled.max, stayed.max)
        assertNear(travelled.stddev, stayed.stddev, 1e-9, 'stddev')
        for (const percent of PERCENTS) assert.equal(travelled.percentile(percent), stayed.percentile(percent))
      }),
      { numRuns: 40 },
    )
  })

  test('an empty one adds nothing, and answers 0 to all', () => {
    const empty = new Histogram(LATENCY_US)
    assert.deepEqual(
      [empty.count, empty.mean, empty.min, empty.max, empty.stddev, empty.percentile(50), empty.percentile(100)],
      [0, 0, 0, 0, 0, 0, 0],
    )
    const one = histogramOf([7])
    one.add(empty)
    one.add(Histogram.fromData(empty.toData()))
    assert.deepEqual([one.count, one.min, one.max, one.stddev], [1, 7, 7, 0])
  })

  test('above its highest value percentiles count as that, mean and max stay exact', () => {
    const histogram = histogramOf([100e6, 200e6, 300e6])
    assert.equal(histogram.count, 3)
    assert.equal(histogram.max, 300e6)
    assert.equal(histogram.mean, 200e6)
    assertNear(histogram.percentile(100), 120e6, 1e-4, 'p100')
    assertNear(histogram.percentile(50), 120e6, 1e-4, 'p50')
  })

  test('a percentile is never above the exact maximum', () => {
    assert.equal(histogramOf([1_500_001]).percentile(99), 1_500_001)
  })

  test('values are rounded; what is negative or no number counts as 0', () => {
    const histogram = histogramOf([1.4, 1.6, -5, NaN])
    assert.deepEqual([histogram.count, histogram.min, histogram.max, histogram.mean], [4, 0, 2, 0.75])
  })

  test('each value is visited once, ascending, near to what was recorded and as often', () => {
    fc.assert(
      fc.property(fc.array(anyValue(DURATION_NS), { maxLength: 300 }), (values) => {
        const visited: number[] = []
        const expanded: number[] = []
        histogramOf(values, DURATION_NS).forEachValue((value, count) => {
          assert.ok(count > 0 && value > (visited.at(-1) ?? -1))
          visited.push(value)
          for (let i = 0; i < count; i++) expanded.push(value)
        })
        const sorted = values.toSorted((a, b) => a - b)
        assert.equal(expanded.length, sorted.length)
        for (const [i, value] of expanded.entries()) assertNear(value, sorted[i]!, 1e-3, `value ${i}`)
      }),
      { numRuns: 40 },
    )
  })

  test('values below 1,000 are visited as they were recorded, and again the second time', () => {
    const histogram = histogramOf([0, 7, 7, 999], TENTH_US)
    for (let times = 0; times < 2; times++) {
      const visited: [number, number][] = []
      histogram.forEachValue((value, count) => visited.push([value, count]))
      assert.deepEqual(visited, [
        [0, 1],
        [7, 2],
        [999, 1],
      ])
    }
  })

  test('the percentile text ends at the maximum, in the unit asked for', () => {
    const text = histogramOf([1_000, 2_000, 3_000]).toPercentileText(1e3)
    assert.match(text, /^\s+Value\s+Percentile\s+TotalCount/)
    assert.match(text, /\s3\.0000 1\.0+\s+3\n/)
    assert.match(text, /Max\s+=\s+3\.0000, Total count\s+=\s+3/)
  })
})

describe('histogram log', () => {
  test("the library's own reader gets back every interval, an empty one too", () => {
    const lines: string[] = []
    const writer = openHistogramLog((line) => lines.push(line), Date.UTC(2026, 10, 20), '[in us]')
    const intervals = [histogramOf([1_000, 2_000, 1_500_000]), histogramOf([]), histogramOf([42])]
    intervals.forEach((interval, second) => {
      interval.writeLogLine(writer, second, second + 1)
    })
    const reader = new HistogramLogReader(lines.join(''))
    for (const [second, written] of intervals.entries()) {
      const read = reader.nextIntervalHistogram()
      assert.ok(read, `interval ${second}`)
      // The tag and stamps are set on the histogram that the reader hands out, in ms since the epoch.
      assert.equal('startTimeStampMsec' in read && read.startTimeStampMsec, Date.UTC(2026, 10, 20, 0, 0, second))
      assert.equal('totalCount' in read && read.totalCount, written.count)
      for (const percent of [50, 99]) {
        // Unlike a Histogram, the log knows buckets only: up to one bucket above.
        assertNear(read.getValueAtPercentile(percent), written.percentile(percent), 1e-4, `p${percent}`)
      }
    }
    assert.equal(reader.nextIntervalHistogram(), null)
    assert.equal(lines[0], '#[in us]\n')
    assert.match(lines.at(-1)!, /^2\.000,1\.000,42\.000,HIST/)
  })

  /** A log of these lines, each of one second, and what is read back of it. */
  function readBack(shape: HistogramShape, lines: readonly { second: number; tag?: string; values: number[] }[]) {
    let text = ''
    const writer = openHistogramLog((more) => (text += more), Date.UTC(2026, 10, 20), '[by hand]')
    for (const { second, tag, values } of lines) {
      histogramOf(values, shape).writeLogLine(writer, second, second + 1, tag)
    }
    return readHistogramLog(text, shape)
  }

  test('is read back in its order, with start, tag and values', () => {
    const lines = [
      { second: 0, tag: 'target', values: [120, 120, 340] },
      { second: 0, tag: 'floor', values: [40] },
      { second: 11, values: [7] },
      { second: 2, tag: 'target', values: [] },
    ]
    const read = readBack(TENTH_US, lines)
    assert.equal(read.length, lines.length)
    for (const [i, { second, tag, values }] of lines.entries()) {
      const { histogram, startSec, ...more } = read[i]!
      assertNear(startSec, second, 1e-6, 'start')
      assert.deepEqual(more, tag === undefined ? {} : { tag }, 'absent is absent')
      const counts: number[] = []
      histogram.forEachValue((value, count) => counts.push(...Array.from({ length: count }, () => value)))
      assert.deepEqual(counts, values)
    }
  })

  test('that is read back has its mean, extremes and spread to within a bucket, and can be added to', () => {
    fc.assert(
      fc.property(anyValues(DURATION_NS), anyValues(DURATION_NS), (values, more) => {
        const [{ histogram } = assert.fail()] = readBack(DURATION_NS, [{ second: 0, values }])
        histogram.add(histogramOf(more, DURATION_NS))
        const whole = histogramOf([...values, ...more], DURATION_NS)
        assert.equal(histogram.count, whole.count)
        for (const figure of ['mean', 'min', 'max'] as const) assertNear(histogram[figure], whole[figure], 1e-3, figure)
        assert.ok(Math.abs(histogram.stddev - whole.stddev) <= whole.max * 1e-3 + 1e-9, 'stddev')
        for (const percent of PERCENTS) assertNear(histogram.percentile(percent), whole.percentile(percent), 2e-3, 'p')
      }),
      { numRuns: 30 },
    )
  })

  test('without an interval is read as none', () => {
    assert.deepEqual(readBack(LATENCY_US, []), [])
    assert.deepEqual(readHistogramLog('', LATENCY_US), [])
  })
})
