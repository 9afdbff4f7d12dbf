/** A distribution: how often each value was counted. */
export interface SparseCounts {
  /** Ascending, distinct. */
  valuesUs: Float64Array
  /** Whole numbers, as many as values; above 0, save in what a pool merged, where 0 says that the value was not drawn. */
  counts: Float64Array
}

/** One second of a turn: what callers waited above the mock, and what probes past the target waited in the same second. */
export interface TurnSecond {
  second: number
  target: SparseCounts
  floor: SparseCounts
}

/** The window of one target in one round. */
export interface AddedTurn {
  round: number
  seconds: readonly TurnSecond[]
}

export function totalCount({ counts }: SparseCounts): number {
  let total = 0
  for (let i = 0; i < counts.length; i++) total += counts[i]!
  return total
}

/** NaN of no values. */
export function meanUs({ valuesUs, counts }: SparseCounts): number {
  let total = 0
  let sumUs = 0
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!
    sumUs += counts[i]! * valuesUs[i]!
  }
  return sumUs / total
}

/**
 * For each of `percents` (ascending, 0 to 100) the smallest value that this many percent of the counted values do not
 * exceed, as in histogram.ts; NaN of no values.
 */
export function percentilesUs(distribution: SparseCounts, percents: readonly number[]): number[] {
  const { valuesUs, counts } = distribution
  const total = totalCount(distribution)
  if (total === 0) return percents.map(() => NaN)
  let index = -1
  let reached = 0
  return percents.map((percent) => {
    const rank = rankOf(percent, total)
    while (reached < rank) {
      index++
      reached += counts[index]!
    }
    return valuesUs[index]!
  })
}

/** From 1. Without the last factor, rounding in the product could put 99.9% of 1,000 at the 1,000th. */
function rankOf(percent: number, total: number): number {
  return Math.max(1, Math.ceil(((percent * total) / 100) * (1 - 4 * Number.EPSILON)))
}

/** A distribution whose values are given by their places on the scale of its pool. */
interface Part {
  places: Uint32Array
  counts: Float64Array
}

/** Distributions on one common scale of values, so that any of them, each taken any number of times, add up quickly. */
export class CountPool {
  readonly #valuesUs: Float64Array
  readonly #parts: readonly Part[]
  readonly #counts: Float64Array

  constructor(parts: readonly SparseCounts[]) {
    this.#valuesUs = unionOf(parts.map((part) => part.valuesUs))
    this.#parts = parts.map(({ valuesUs, counts }) => ({ places: placesIn(this.#valuesUs, valuesUs), counts }))
    this.#counts = new Float64Array(this.#valuesUs.length)
  }

  /** The sum of all parts, part i taken `weights[i]` times. Holds until the next call: the counts are written over. */
  merge(weights: Float64Array): SparseCounts {
    const sums = this.#counts.fill(0)
    this.#parts.forEach((part, i) => {
      if (weights[i] !== 0) addTo(sums, part, weights[i]!)
    })
    return { valuesUs: this.#valuesUs, counts: sums }
  }
}

/** Nearly all of a bootstrap's time: a function of its own, since the same loop in a closure takes twice as long. */
function addTo(sums: Float64Array, { places, counts }: Part, weight: number): void {
  for (let i = 0; i < places.length; i++) sums[places[i]!]! += weight * counts[i]!
}

function unionOf(lists: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(lists.reduce((length, list) => length + list.length, 0))
  let filled = 0
  for (const list of lists) {
    all.set(list, filled)
    filled += list.length
  }
  return all.sort().filter((value, i) => value !== all[i - 1])
}

/** Where each of `values` stands in `scale`; both ascend, and the scale has them all. */
function placesIn(scale: Float64Array, values: Float64Array): Uint32Array {
  let place = 0
  return Uint32Array.from(values, (value) => {
    while (scale[place] !== value) place++
    return place
  })
}
