import { ABOVE_MOCK_TAGS } from '../above-mock.ts'
import { readHistogramLog, TENTH_US, type Histogram, type HistogramShape } from '../histogram.ts'
import type { AddedLatency } from './record.ts'
import type { SparseCounts, TurnSecond } from './sparse-counts.ts'

/** Up to this share of the answers may lack the mock's account before it is not taken off any. */
const WITHOUT_TRUTH_SHARE = 0.01

const NOTHING: SparseCounts = { valuesUs: new Float64Array(), counts: new Float64Array() }

export interface AboveMockSeconds {
  seconds: TurnSecond[]
  basis: AddedLatency['basis']
  /** Answers that carried the mock's account, and that did not. */
  withTruth: number
  withoutTruth: number
}

/** The text of an `above-mock.hlog` as distributions, second by second. */
export function readAboveMock(log: string): AboveMockSeconds {
  const bySecond = new Map<number, Partial<Record<string, Histogram>>>()
  for (const { startSec, tag = '', histogram } of readHistogramLog(log, TENTH_US)) {
    const second = Math.round(startSec)
    const lines = bySecond.get(second) ?? {}
    lines[tag] = histogram
    bySecond.set(second, lines)
  }
  const { target, floor, targetWithoutTruth, floorWithoutTruth } = ABOVE_MOCK_TAGS
  const lines = [...bySecond.values()]
  const withTruth = lines.reduce((sum, line) => sum + (line[target]?.count ?? 0), 0)
  // The line of whole service times holds all answers of its second, with and without the truth.
  const withoutTruth = lines.reduce(
    (sum, line) => sum + (line[targetWithoutTruth] ? line[targetWithoutTruth].count - (line[target]?.count ?? 0) : 0),
    0,
  )
  const few = withoutTruth <= WITHOUT_TRUTH_SHARE * (withTruth + withoutTruth)
  const basis = few ? 'above_mock' : 'service_time'
  const [targetTag, floorTag] = basis === 'above_mock' ? [target, floor] : [targetWithoutTruth, floorWithoutTruth]
  const seconds = [...bySecond]
    .sort(([a], [b]) => a - b)
    .map(([second, lines]) => ({
      second,
      target: countsOf(lines[targetTag], 10),
      floor: countsOf(lines[floorTag], 10),
    }))
  return { seconds, basis, withTruth, withoutTruth }
}

/** The text of a log of whole latencies in us, second by second. */
export function readLatencySeconds(log: string, shape: HistogramShape): { target: SparseCounts }[] {
  return readHistogramLog(log, shape).map(({ histogram }) => ({ target: countsOf(histogram, 1) }))
}

function countsOf(histogram: Histogram | undefined, unitsPerUs: number): SparseCounts {
  if (!histogram) return NOTHING
  const valuesUs: number[] = []
  const counts: number[] = []
  histogram.forEachValue((value, count) => {
    valuesUs.push(value / unitsPerUs)
    counts.push(count)
  })
  return { valuesUs: Float64Array.from(valuesUs), counts: Float64Array.from(counts) }
}
