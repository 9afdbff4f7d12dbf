import type { FrontierPoint, FrontierTrial } from '../compare/record.ts'

/** The most requests a second that a target carries under each bound on its p99, found by trials at chosen rates. */

/** A generator that sent less than this share of the rate did not put it to the target. */
const SENT_SHARE = 0.98
/** Answers of the last moments of a trial come after it: a little less than what was sent. */
const COMPLETED_SHARE = 0.97
const TRIES_A_RATE = 2
const RATE_DIGITS = 2

export interface FrontierSearch {
  /** p99 added at most, ms, ascending; null for no bound, last. Of equally wide brackets the last one comes first. */
  boundsMs: readonly (number | null)[]
  /** The first rate that is tried. All rates are > 0 and rounded to two significant digits. */
  startPerSec: number
  lowestPerSec: number
  highestPerSec: number
  /** Largest ratio of the first rate that failed to the best that was carried, > 1; below 1.1 the rounding may end it first. */
  precision: number
  maxTrials: number
  /**
   * Puts one rate to the target. A target that died resolves as well, with `failed` above 0; rejecting ends the search,
   * for when nothing can go on.
   */
  trial: (ratePerSec: number) => Promise<FrontierTrial>
  /** Looked at before each trial; a trial that is to end early has to look at it too. */
  signal?: AbortSignal
}

/**
 * A trial carries its rate under a bound when nothing failed, at least 98% of the rate was sent and 97% of it answered,
 * and the p99 added is not above the bound; without a bound that is not asked. One trial thus serves every bound.
 *
 * Each bound has a bracket: the smallest rate that was not carried, and under it the best that was. An open bracket is
 * doubled upwards or halved downwards, a closed one is cut at its geometric mean, the widest first, until all are within
 * `precision`. No bracket is final before its upper rate was tried twice: one good try of two is enough, so that a noise
 * that strikes once moves nothing. That second try comes when the bracket is narrow, or at once when a higher rate was
 * carried.
 *
 * A trial that an instrument limited is no evidence. A rate that has no other trial ends the bracket just as one that
 * failed does, but its point says so.
 *
 * @throws the reason of the signal, or whatever a trial rejects with
 */
export async function searchFrontier(
  search: FrontierSearch,
): Promise<{ points: FrontierPoint[]; trials: FrontierTrial[] }> {
  const trials: FrontierTrial[] = []
  while (trials.length < search.maxTrials) {
    search.signal?.throwIfAborted()
    const ratePerSec = nextRate(search, triedRates(trials))
    if (ratePerSec === undefined) break
    trials.push(await search.trial(ratePerSec))
  }
  return { points: frontierPoints(search.boundsMs, trials), trials }
}

/**
 * One point a bound, also for a search that was interrupted: the largest rate carried below the smallest that was not. What was
 * carried above that does not count, so a target whose failures come and go is given the rate up to which it had none.
 */
export function frontierPoints(
  boundsMs: readonly (number | null)[],
  trials: readonly FrontierTrial[],
): FrontierPoint[] {
  const tried = triedRates(trials)
  return boundsMs.map((boundMs) => {
    const { best, end } = bracketOf(tried, boundMs)
    const failed = tried.find((rate) => !carries(rate, boundMs) && rate.trials.some(isEvidence))
    const limitedBy = end ? limitOf(end) : best && 'search_limit'
    return {
      boundMs,
      ...(best && { ratePerSec: best.ratePerSec }),
      ...(failed && { firstFailedPerSec: failed.ratePerSec }),
      ...(limitedBy && { limitedBy }),
    }
  })
}

interface TriedRate {
  ratePerSec: number
  trials: FrontierTrial[]
}

function triedRates(trials: readonly FrontierTrial[]): TriedRate[] {
  return [...Map.groupBy(trials, (trial) => trial.ratePerSec)]
    .map(([ratePerSec, ofRate]) => ({ ratePerSec, trials: ofRate }))
    .sort((a, b) => a.ratePerSec - b.ratePerSec)
}

function isEvidence(trial: FrontierTrial): boolean {
  return trial.limitedBy === undefined
}

/** Of a rate that was not carried: the instrument, when no trial of it tells of the target. */
function limitOf({ trials }: TriedRate): FrontierTrial['limitedBy'] {
  return trials.some(isEvidence) ? undefined : trials[0]?.limitedBy
}

function carries({ ratePerSec, trials }: TriedRate, boundMs: number | null): boolean {
  return trials.some(
    (trial) =>
      isEvidence(trial) &&
      trial.failed === 0 &&
      trial.sentPerSec >= SENT_SHARE * ratePerSec &&
      trial.completedPerSec >= COMPLETED_SHARE * ratePerSec &&
      (boundMs === null || (trial.p99AddedMs !== undefined && trial.p99AddedMs <= boundMs)),
  )
}

interface Bracket {
  best?: TriedRate
  /** Smallest rate that was not carried. */
  end?: TriedRate
  /** A rate above `end` was carried. */
  carriedAbove: boolean
}

/** @param tried ascending */
function bracketOf(tried: readonly TriedRate[], boundMs: number | null): Bracket {
  const firstAbove = tried.findIndex((rate) => !carries(rate, boundMs))
  const below = firstAbove === -1 ? tried : tried.slice(0, firstAbove)
  const [end, ...above] = firstAbove === -1 ? [] : tried.slice(firstAbove)
  const best = below.at(-1)
  return {
    ...(best && { best }),
    ...(end && { end }),
    carriedAbove: above.some((rate) => carries(rate, boundMs)),
  }
}

/** The rate to try next, or undefined when every bracket is final. */
function nextRate(search: FrontierSearch, tried: readonly TriedRate[]): number | undefined {
  if (tried.length === 0) return onGrid(search.startPerSec, search)
  let next: number | undefined
  let widest = 0
  for (const boundMs of search.boundsMs) {
    const bracket = bracketOf(tried, boundMs)
    const width = bracket.best && bracket.end ? bracket.end.ratePerSec / bracket.best.ratePerSec : Infinity
    const rate = width >= widest ? nextOfBracket(bracket, search) : undefined
    if (rate === undefined) continue
    next = rate
    widest = width
  }
  return next
}

function nextOfBracket({ best, end, carriedAbove }: Bracket, search: FrontierSearch): number | undefined {
  const again = end && end.trials.length < TRIES_A_RATE ? end.ratePerSec : undefined
  if (again !== undefined && carriedAbove) return again
  return rateInside(best?.ratePerSec, end?.ratePerSec, search) ?? again
}

/** A rate on the grid that makes the bracket smaller; undefined when it is narrow or the grid has none. */
function rateInside(best: number | undefined, end: number | undefined, search: FrontierSearch): number | undefined {
  if (best !== undefined && end !== undefined && end / best <= search.precision) return undefined
  const aim = best === undefined ? end! / 2 : end === undefined ? best * 2 : Math.sqrt(best * end)
  const rate = onGrid(aim, search)
  return rate === best || rate === end ? undefined : rate
}

function onGrid(ratePerSec: number, { lowestPerSec, highestPerSec }: FrontierSearch): number {
  return Math.min(highestPerSec, Math.max(lowestPerSec, Number(ratePerSec.toPrecision(RATE_DIGITS))))
}
