/** Does a way of pooling pay? A rule, applied to the figures of the rounds. */
import { median } from '../lib/support.ts'
import type { Turn } from './turn.ts'

export interface Measure {
  what: string
  read: (turn: Turn) => number
}

/** What pooling is said to be good for; less is better in all. */
export const GAINS: readonly Measure[] = [
  { what: 'CPU us/request', read: (turn) => turn.cpuUsPerRequest },
  { what: 'mean of the first second', read: (turn) => turn.firstMeanMs },
  { what: 'p99 of the first second', read: (turn) => turn.firstP99Ms },
  { what: 'mean of the rest', read: (turn) => turn.restMeanMs },
  { what: 'p99 of the rest', read: (turn) => turn.restP99Ms },
  { what: 'GC ms/s', read: (turn) => turn.gcMsPerSec },
]

/** With fewer, chance alone puts one side below the other too often. */
const LEAST_ROUNDS = 3

/** What it costs. */
export const COSTS: readonly Measure[] = [
  { what: 'MiB idle', read: (turn) => turn.rssIdleMiB },
  { what: 'MiB peak', read: (turn) => turn.rssPeakMiB },
]

export type Direction = 'less' | 'more' | 'no difference'

/**
 * Whether every round of `after` lies on one side of every round of `before`: a difference beyond the spread between
 * rounds. With three rounds each, chance alone does that in one of ten comparisons.
 */
export function directionOf(before: readonly number[], after: readonly number[]): Direction {
  if (Math.max(...after) < Math.min(...before)) return 'less'
  if (Math.min(...after) > Math.max(...before)) return 'more'
  return 'no difference'
}

/** @example changeText(turnsA, turnsB, measure) // 'CPU us/request 100.00 -> 90.00 (-10%): less' */
export function changeText(before: readonly Turn[], after: readonly Turn[], { what, read }: Measure): string {
  const [from, to] = [before.map(read), after.map(read)]
  const [a, b] = [median(from), median(to)]
  const share = a === 0 ? '' : ` (${b >= a ? '+' : ''}${((b / a - 1) * 100).toFixed(0)}%)`
  return `${what} ${a.toFixed(2)} -> ${b.toFixed(2)}${share}: ${directionOf(from, to)}`
}

/**
 * One sentence: it pays where something got better in every pair (so not by chance in one of them) and nothing got worse
 * in every pair.
 */
export function judge(what: string, pairs: readonly { before: readonly Turn[]; after: readonly Turn[] }[]): string {
  if (pairs.some(({ before, after }) => before.length < LEAST_ROUNDS || after.length < LEAST_ROUNDS)) {
    return `${what}: not judged, that takes ${LEAST_ROUNDS} rounds`
  }
  const inAll = (direction: Direction): string[] =>
    GAINS.filter(({ read }) =>
      pairs.every(({ before, after }) => directionOf(before.map(read), after.map(read)) === direction),
    ).map((gain) => gain.what)
  const [better, worse] = [inAll('less'), inAll('more')]
  if (better.length === 0 && worse.length === 0) return `${what}: makes no difference that this machine can show`
  if (worse.length === 0) return `${what}: pays, in ${better.join(', ')}`
  if (better.length === 0) return `${what}: does harm, in ${worse.join(', ')}`
  return `${what}: pays in ${better.join(', ')}, and costs in ${worse.join(', ')}`
}
