import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  HistogramLogWriter,
  HistogramLogReader,
  type Histogram as Hdr,
  type JsHistogram,
} from 'hdr-histogram-js'

/** Range and resolution of a histogram; only histograms of one shape can be added. */
export interface HistogramShape {
  /** Largest value that is told apart; larger ones count as this. */
  highest: number
  /** Significant decimal digits that every percentile keeps, 1 to 5. */
  digits: 1 | 2 | 3 | 4 | 5
}

/** What a histogram is when it travels between threads or to disk. */
export interface HistogramData {
  shape: HistogramShape
  hdr: string
  sum: number
  squaredDeviations: number
  /** Both 0 when nothing was recorded. */
  min: number
  max: number
}

/** What the library calls an interval without a tag. */
const NO_TAG = 'NO TAG'

/** Two minutes in us, to 1 part in 10,000: 64 us at 1.5 s. */
export const LATENCY_US: HistogramShape = { highest: 120e6, digits: 4 }
/** Two minutes in ns, to 1 part in 1,000. */
export const DURATION_NS: HistogramShape = { highest: 120e9, digits: 3 }
/** Two minutes in tenths of a us, to 1 part in 1,000. */
export const TENTH_US: HistogramShape = { highest: 1_200e6, digits: 3 }

/**
 * A distribution of non-negative integers. Percentiles come from buckets; count, mean, min, max and standard deviation
 * are exact, kept beside them.
 */
export class Histogram {
  readonly shape: HistogramShape
  readonly #hdr: Hdr
  #sum = 0
  /** Of the values from their mean, summed; running mean beside it (Welford 1962): sums of squares of ns do not fit a double. */
  #squaredDeviations = 0
  #runningMean = 0
  #min = Infinity
  #max = 0

  constructor(shape: HistogramShape) {
    this.shape = shape
    this.#hdr = build({
      bitBucketSize: 32,
      lowestDiscernibleValue: 1,
      highestTrackableValue: shape.highest,
      numberOfSignificantValueDigits: shape.digits,
    })
  }

  /** Values are rounded to integers; a negative one is a fault of the caller and counts as 0. */
  record(value: number): void {
    const whole = value > 0 ? Math.round(value) : 0
    this.#hdr.recordValue(whole < this.shape.highest ? whole : this.shape.highest)
    this.#sum += whole
    const deviation = whole - this.#runningMean
    this.#runningMean += deviation / this.#hdr.totalCount
    this.#squaredDeviations += deviation * (whole - this.#runningMean)
    if (whole < this.#min) this.#min = whole
    if (whole > this.#max) this.#max = whole
  }

  add(other: Histogram): void {
    if (other.count === 0) return
    // Chan, Golub, LeVeque 1979: the groups' own deviations, and those of their means from the common one.
    const apart = other.#runningMean - this.#runningMean
    const total = this.count + other.count
    this.#squaredDeviations += other.#squaredDeviations + apart ** 2 * ((this.count * other.count) / total)
    this.#runningMean += (apart * other.count) / total
    this.#hdr.add(other.#hdr)
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
  }

  get count(): number {
    return this.#hdr.totalCount
  }

  /** The four below are 0 when nothing was recorded; ask `count` first. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count
  }

  get min(): number {
    return this.count === 0 ? 0 : this.#min
  }

  get max(): number {
    return this.#max
  }

  get stddev(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squaredDeviations / this.count)
  }

  /** Smallest bucket bound that `percentile` percent of the values do not exceed; never above the exact maximum. */
  percentile(percentile: number): number {
    return this.count === 0 ? 0 : Math.min(this.#hdr.getValueAtPercentile(percentile), this.#max)
  }

  toData(): HistogramData {
    return {
      shape: this.shape,
      hdr: encodeIntoCompressedBase64(this.#hdr),
      sum: this.#sum,
      squaredDeviations: this.#squaredDeviations,
      min: this.min,
      max: this.#max,
    }
  }

  static fromData(data: HistogramData): Histogram {
    const histogram = new Histogram(data.shape)
    histogram.#hdr.add(decodeFromCompressedBase64(data.hdr, 32, false))
    if (histogram.count === 0) return histogram
    histogram.#sum = data.sum
    histogram.#runningMean = data.sum / histogram.count
    histogram.#squaredDeviations = data.squaredDeviations
    histogram.#min = data.min
    histogram.#max = data.max
    return histogram
  }

  /** Of a histogram that was read back: what is exact otherwise comes from the middles of its buckets. */
  static fromHdr(hdr: Hdr, shape: HistogramShape): Histogram {
    const histogram = new Histogram(shape)
    histogram.#hdr.add(hdr)
    const values: [value: number, count: number][] = []
    histogram.forEachValue((value, count) => values.push([value, count]))
    if (values.length === 0) return histogram
    histogram.#sum = values.reduce((sum, [value, count]) => sum + value * count, 0)
    histogram.#runningMean = histogram.#sum / histogram.count
    histogram.#squaredDeviations = values.reduce(
      (sum, [value, count]) => sum + count * (value - histogram.#runningMean) ** 2,
      0,
    )
    histogram.#min = values[0]![0]
    histogram.#max = values.at(-1)![0]
    return histogram
  }

  /** The percentile distribution as text (`.hgrm`), which the public HDR plotters draw; values divided by `unitRatio`. */
  toPercentileText(unitRatio: number): string {
    return this.#hdr.outputPercentileDistribution(5, unitRatio)
  }

  /** Each value that was recorded, in the middle of its bucket, ascending, with how often it was. */
  forEachValue(visit: (value: number, count: number) => void): void {
    // The library's own interface leaves out what all of its implementations have.
    const hdr = this.#hdr as Hdr & Pick<JsHistogram, 'recordedValuesIterator' | 'medianEquivalentValue'>
    const values = hdr.recordedValuesIterator
    values.reset()
    while (values.hasNext()) {
      const { valueIteratedTo, countAtValueIteratedTo } = values.next()
      visit(hdr.medianEquivalentValue(valueIteratedTo), countAtValueIteratedTo)
    }
  }

  /** One interval line of a histogram log; the tag tells apart several lines of one interval. */
  writeLogLine(writer: HistogramLogWriter, startSec: number, endSec: number, tag?: string): void {
    if (tag !== undefined) this.#hdr.tag = tag
    writer.outputIntervalHistogram(this.#hdr, startSec, endSec, 1)
  }
}

/** Begins a histogram log (format 1.3), which the public HDR tools read; `write` takes the text as it is made. */
export function openHistogramLog(
  write: (text: string) => void,
  startedAtMs: number,
  comment: string,
): HistogramLogWriter {
  const writer = new HistogramLogWriter(write)
  writer.outputComment(comment)
  writer.outputLogFormatVersion()
  writer.outputStartTime(startedAtMs)
  writer.outputLegend()
  return writer
}

/** One interval of a histogram log. */
export interface LoggedInterval {
  startSec: number
  /** Absent where the line has none. */
  tag?: string
  histogram: Histogram
}

/** The intervals of a histogram log whose histograms have this shape, in their order. */
export function readHistogramLog(text: string, shape: HistogramShape): LoggedInterval[] {
  const reader = new HistogramLogReader(text, 32, false)
  const intervals: LoggedInterval[] = []
  for (let hdr = reader.nextIntervalHistogram(); hdr !== null; hdr = reader.nextIntervalHistogram()) {
    const tagged = hdr.tag !== NO_TAG && hdr.tag !== ''
    // The reader adds the start of the whole log to that of the interval.
    const startSec = hdr.startTimeStampMsec / 1e3 - reader.startTimeSec
    intervals.push({ startSec, ...(tagged && { tag: hdr.tag }), histogram: Histogram.fromHdr(hdr, shape) })
  }
  return intervals
}
