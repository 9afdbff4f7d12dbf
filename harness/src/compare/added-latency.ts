import { bootstrap, type Resampling } from './bootstrap.ts'
import type { AddedLatency, Interval, Pair } from './record.ts'
import { CountPool, meanUs, percentilesUs, totalCount, type AddedTurn, type SparseCounts } from './sparse-counts.ts'

/** A percentile as the share above it: p99 leaves one in 100. Counts then compare as whole numbers. */
const P50 = 2
const P99 = 100
const P999 = 1_000
const LATENCY_PERCENTS = [P50, P99, P999].map(percentAbove)
/** So many probes must lie above a percentile of the floor before it is used. */
const LEAST_ABOVE = 10
/** So many answers above their p99.9: fewer are no tail, and with few the interval says how little is known. */
const LEAST_ANSWERS_ABOVE = 2

/** Targets and floors of the same seconds, ready to be drawn from. */
interface Sample {
  secondsPerRound: readonly number[]
  target: CountPool
  floor: CountPool
  answers: number
  probes: number
}

/**
 * What a target added, us. Mean: the mean of all its answers less that of all probes. A percentile: that of its answers
 * less the same percentile of the probes, which is how far the distribution moved there, as public boards define "p99
 * added"; it is not a percentile of differences, since no request has a probe of its own.
 *
 * A percentile of the floor with fewer than 10 probes above it is replaced by the highest that has them, at least the
 * median: too little is taken off, and `upperBound` names it. p999 is there from 2 answers above it. A turn without
 * answers or without probes is left out; undefined when none is left.
 */
export function addedLatency(
  turns: readonly AddedTurn[],
  options: Resampling & { basis: AddedLatency['basis'] },
): AddedLatency | undefined {
  const sample = sampleOf(turns)
  if (sample === undefined) return undefined
  const { answers, probes } = sample
  const figures = (weights: Float64Array) => addedFigures(sample, weights, [P50, P99, P999], probes)
  const [mean, p50, p99, p999] = bootstrap([sample.secondsPerRound], ([weights]) => figures(weights!), options)
  const tail = answers >= LEAST_ANSWERS_ABOVE * P999 ? { p999: p999! } : {}
  const upperBound: AddedLatency['upperBound'] = []
  if (floorAbove(P99, probes) < P99) upperBound.push('p99')
  if ('p999' in tail && floorAbove(P999, probes) < P999) upperBound.push('p999')
  return { mean: mean!, p50: p50!, p99: p99!, ...tail, upperBound, requests: answers, probes, basis: options.basis }
}

/**
 * What `a` added less what `b` added, us, by the rounds that both have (with answers and probes): a sample draws the
 * same rounds for both. The same percentile is taken off both as floor, the one that the fewer probes allow. Undefined
 * when they have no round in common.
 */
export function addedDifference(
  a: readonly AddedTurn[],
  b: readonly AddedTurn[],
  options: Resampling,
): { meanUs: Interval; p99Us: Interval; rounds: number } | undefined {
  const turnsOfB = new Map(b.filter(isUsable).map((turn) => [turn.round, turn]))
  const common = a.filter((turn) => isUsable(turn) && turnsOfB.has(turn.round))
  const ofA = sampleOf(common)
  const ofB = sampleOf(common.map((turn) => turnsOfB.get(turn.round)!))
  if (ofA === undefined || ofB === undefined) return undefined
  const probes = Math.min(ofA.probes, ofB.probes)
  const [meanUs, p99Us] = bootstrap(
    [ofA.secondsPerRound, ofB.secondsPerRound],
    ([weightsOfA, weightsOfB]) => {
      const figuresOfB = addedFigures(ofB, weightsOfB!, [P99], probes)
      return addedFigures(ofA, weightsOfA!, [P99], probes).map((figure, i) => figure - figuresOfB[i]!)
    },
    options,
  )
  return { meanUs: meanUs!, p99Us: p99Us!, rounds: common.length }
}

/** Whether a difference is apart from 0 and not smaller than `smallestUs`, what the machine can tell from none. */
export function distinguishable({ value, low, high }: Interval, smallestUs: number): boolean {
  return (low > 0 || high < 0) && Math.abs(value) >= smallestUs
}

/** Every target against every later one, in the order of the list; two without a round in common make no pair. */
export function pairsOf(
  targets: readonly { name: string; turns: readonly AddedTurn[] }[],
  smallestUs: number,
  options: Resampling,
): Pair[] {
  return targets.flatMap((a, i) =>
    targets.slice(i + 1).flatMap((b) => {
      const difference = addedDifference(a.turns, b.turns, options)
      if (difference === undefined) return []
      return [{ a: a.name, b: b.name, ...difference, distinguishable: distinguishable(difference.meanUs, smallestUs) }]
    }),
  )
}

/** Whole latencies of `target`, no floor taken off, in its own unit; undefined when there are none. */
export function latencyIntervals(
  turns: readonly { seconds: readonly { target: SparseCounts }[] }[],
  resampling: Resampling,
): Record<'mean' | 'p50' | 'p99' | 'p999', Interval> | undefined {
  const answered = turns.filter((turn) => countOf(turn.seconds.map(({ target }) => target)) > 0)
  if (answered.length === 0) return undefined
  const pool = new CountPool(answered.flatMap(({ seconds }) => seconds.map(({ target }) => target)))
  const [mean, p50, p99, p999] = bootstrap(
    [answered.map(({ seconds }) => seconds.length)],
    ([weights]) => meanAndPercentiles(pool.merge(weights!), LATENCY_PERCENTS),
    resampling,
  )
  return { mean: mean!, p50: p50!, p99: p99!, p999: p999! }
}

function sampleOf(turns: readonly AddedTurn[]): Sample | undefined {
  const usable = turns.filter(isUsable)
  if (usable.length === 0) return undefined
  const seconds = usable.flatMap((turn) => turn.seconds)
  const targets = seconds.map(({ target }) => target)
  const floors = seconds.map(({ floor }) => floor)
  return {
    secondsPerRound: usable.map((turn) => turn.seconds.length),
    target: new CountPool(targets),
    floor: new CountPool(floors),
    answers: countOf(targets),
    probes: countOf(floors),
  }
}

function isUsable({ seconds }: AddedTurn): boolean {
  return countOf(seconds.map(({ target }) => target)) > 0 && countOf(seconds.map(({ floor }) => floor)) > 0
}

/** Added mean, then the shift at each percentile; the floor's percentiles are those that `probes` allow. */
function addedFigures(
  { target, floor }: Sample,
  weights: Float64Array,
  oneIn: readonly number[],
  probes: number,
): number[] {
  const taken = meanAndPercentiles(
    floor.merge(weights),
    oneIn.map((above) => percentAbove(floorAbove(above, probes))),
  )
  return meanAndPercentiles(target.merge(weights), oneIn.map(percentAbove)).map((figure, i) => figure - taken[i]!)
}

function meanAndPercentiles(distribution: SparseCounts, percents: readonly number[]): number[] {
  return [meanUs(distribution), ...percentilesUs(distribution, percents)]
}

/** The percentile of the floor for one of the answers, both as one in so many above. */
function floorAbove(oneIn: number, probes: number): number {
  return Math.min(oneIn, Math.max(P50, probes / LEAST_ABOVE))
}

function percentAbove(oneIn: number): number {
  return 100 - 100 / oneIn
}

function countOf(distributions: readonly SparseCounts[]): number {
  return distributions.reduce((total, distribution) => total + totalCount(distribution), 0)
}
