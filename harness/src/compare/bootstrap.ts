import jStat from 'jstat/dist/jstat.js'
import type { Random } from '../random.ts'
import type { Interval } from './record.ts'

export interface Resampling {
  random: Random
  /** Samples drawn. @default 2_000 */
  replicates?: number
}

const REPLICATES = 2_000
/** Outside a 95% interval, on each side. */
const TAIL = 0.025

/**
 * Figures with their 95% intervals by a two-stage (cluster) bootstrap: rounds are drawn with replacement, then inside
 * each drawn round its seconds are.
 *
 * A side is what shares the rounds: each holds how many seconds every round has. All sides get the same rounds, which
 * pairs them, and seconds of their own. `figures` is told, for each side, how often every second counts (round by
 * round) and answers with the figures, always as many; NaN for one that such a sample does not have.
 */
export function bootstrap(
  sides: readonly (readonly number[])[],
  figures: (weights: readonly Float64Array[]) => readonly number[],
  { random, replicates = REPLICATES }: Resampling,
): Interval[] {
  const rounds = sides[0]?.length ?? 0
  const samples = Array.from({ length: replicates }, () => {
    const drawn = drawRounds(rounds, random)
    return figures(sides.map((secondsPerRound) => drawSeconds(secondsPerRound, drawn, random)))
  })
  const values = figures(sides.map((secondsPerRound) => new Float64Array(sum(secondsPerRound)).fill(1)))
  return values.map((value, figure) =>
    expandedInterval(
      value,
      samples.map((sample) => sample[figure]!),
      rounds,
    ),
  )
}

/** Mean of a figure that each round has once, with its 95% interval; undefined of no rounds. */
export function bootstrapMean(valuesPerRound: readonly number[], resampling: Resampling): Interval | undefined {
  if (valuesPerRound.length === 0) return undefined
  const mean = (weights: Float64Array) => sum(valuesPerRound.map((value, i) => value * weights[i]!)) / weights.length
  return bootstrap([valuesPerRound.map(() => 1)], ([weights]) => [mean(weights!)], resampling)[0]
}

/** Which rounds, from 0, were drawn: as many as there are, with replacement. */
export function drawRounds(rounds: number, random: Random): number[] {
  return Array.from({ length: rounds }, () => Math.floor(random() * rounds))
}

/** How often every second was drawn, round by round; a round that was drawn twice has its seconds drawn anew. */
export function drawSeconds(
  secondsPerRound: readonly number[],
  rounds: readonly number[],
  random: Random,
): Float64Array {
  const weights = new Float64Array(sum(secondsPerRound))
  for (const round of rounds) {
    const first = sum(secondsPerRound.slice(0, round))
    const seconds = secondsPerRound[round]!
    for (let i = 0; i < seconds; i++) weights[first + Math.floor(random() * seconds)]! += 1
  }
  return weights
}

/**
 * The expanded percentile interval of `value`, from its replicates (those that are NaN left out). The plain one is too
 * narrow where rounds are few; this one is as wide as Student's t makes it, but no wider than the replicates reach:
 * where rounds differ far more than the seconds inside them, n rounds cover 1 - 2 ** (1 - n), 94% with 5 and 75% with 3.
 * One round: the plain percentile interval, which says nothing of how rounds differ.
 */
export function expandedInterval(value: number, replicates: readonly number[], rounds: number): Interval {
  // The sample as it is could have been drawn too, so that there is always one.
  const sorted = Float64Array.from([value, ...replicates.filter((replicate) => !Number.isNaN(replicate))]).sort()
  const tail = tailProbability(rounds)
  return { value, low: Math.min(value, quantile(sorted, tail)), high: Math.max(value, quantile(sorted, 1 - tail)) }
}

/**
 * Share of the replicates below, and above, a 95% interval. Source: T. Hesterberg, "What Teachers Should Know About the
 * Bootstrap", The American Statistician 69 (2015): Phi(-sqrt(n / (n - 1)) t), t the quantile of Student's t with n - 1
 * degrees of freedom.
 */
export function tailProbability(rounds: number): number {
  if (rounds < 2) return TAIL
  const t = jStat.studentt.inv(1 - TAIL, rounds - 1)
  return jStat.normal.cdf(-Math.sqrt(rounds / (rounds - 1)) * t, 0, 1)
}

/** At the (n + 1) p-th of the sorted values, between two of them in proportion (type 6 of Hyndman and Fan 1996). */
function quantile(sorted: Float64Array, p: number): number {
  const place = Math.min(Math.max((sorted.length + 1) * p, 1), sorted.length)
  const below = sorted[Math.floor(place) - 1]!
  const above = sorted[Math.ceil(place) - 1]!
  return below + (above - below) * (place - Math.floor(place))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
