import { maskKey } from './strict-text.ts'
import { isWrong, VIOLATION_KINDS, type Violation, type ViolationKind } from './strict-violation.ts'
import type { StrictConfig } from './strict.ts'

/** What strict mode has seen. Plain JSON. */
export interface StrictReport {
  /** Requests. */
  checked: number
  /** Requests with a violation that is not harmless. */
  wrong: number
  /** Violations, not requests: one request can have several. */
  byKind: Record<ViolationKind, number>
  /** The first ones, each different in kind or place. */
  examples: Violation[]
  /** Each key that has a share, in the order of the config. Requests with other keys are `byKind.wrong_key`. */
  keyShares: KeyShare[]
}

/** How many of the requests came with one key. */
export interface KeyShare {
  /** Masked; two keys may look the same. */
  key: string
  expectedShare: number
  /** Requests. */
  seen: number
  /** Of the requests whose key has a share; absent when there was none. */
  seenShare?: number
  /** Whether chance can explain `seen`, see `isPlausible`; absent when there was no request. */
  plausible?: boolean
}

const MOST_EXAMPLES = 20

/** Counts what `checkRequest` found. */
export class StrictTally {
  #checked = 0
  #wrong = 0
  readonly #byKind = noneOfAnyKind()
  readonly #examples = new Map<string, Violation>()
  readonly #expectedShares: StrictConfig['keyShares']
  /** By named key alone: others are without end. */
  readonly #seen: Map<string, number>

  constructor({ keyShares }: StrictConfig) {
    this.#expectedShares = keyShares
    this.#seen = new Map(Object.keys(keyShares).map((key) => [key, 0]))
  }

  /** Counts one request. @param key its API key; undefined for none */
  add(violations: readonly Violation[], key: string | undefined): void {
    this.#checked++
    if (isWrong(violations)) this.#wrong++
    for (const violation of violations) {
      this.#byKind[violation.kind]++
      addExample(this.#examples, violation)
    }
    const seen = key === undefined ? undefined : this.#seen.get(key)
    if (key !== undefined && seen !== undefined) this.#seen.set(key, seen + 1)
  }

  report(): StrictReport {
    return {
      checked: this.#checked,
      wrong: this.#wrong,
      byKind: { ...this.#byKind },
      examples: [...this.#examples.values()],
      keyShares: judged(
        Object.entries(this.#expectedShares).map(([key, expectedShare]) => ({
          key: maskKey(key),
          expectedShare,
          seen: this.#seen.get(key) ?? 0,
        })),
      ),
    }
  }
}

/**
 * One report of several processes that serve the same config.
 * @throws {Error} when their keys or shares are not the same
 */
export function mergeStrictReports(reports: readonly StrictReport[]): StrictReport {
  const byKind = noneOfAnyKind()
  const examples = new Map<string, Violation>()
  for (const report of reports) {
    for (const kind of VIOLATION_KINDS) byKind[kind] += report.byKind[kind]
    for (const violation of report.examples) addExample(examples, violation)
  }
  return {
    checked: sum(reports.map(({ checked }) => checked)),
    wrong: sum(reports.map(({ wrong }) => wrong)),
    byKind,
    examples: [...examples.values()],
    keyShares: mergeKeyShares(reports.map(({ keyShares }) => keyShares)),
  }
}

// By place, not by name: masked keys may look the same.
function mergeKeyShares(all: readonly (readonly KeyShare[])[]): KeyShare[] {
  const [first = []] = all
  const expected = namesAndShares(first)
  const other = all.find((each) => namesAndShares(each) !== expected)
  if (other) {
    throw new Error(
      `reports must be of one config to be merged, got shares of ${expected} and ${namesAndShares(other)}`,
    )
  }
  return judged(
    first.map(({ key, expectedShare }, i) => ({ key, expectedShare, seen: sum(all.map((each) => each[i]!.seen)) })),
  )
}

function namesAndShares(shares: readonly KeyShare[]): string {
  return `{${shares.map(({ key, expectedShare }) => `${key}: ${expectedShare}`).join(', ')}}`
}

function judged(shares: readonly Pick<KeyShare, 'key' | 'expectedShare' | 'seen'>[]): KeyShare[] {
  const total = sum(shares.map(({ seen }) => seen))
  if (total === 0) return [...shares]
  return shares.map((share) => ({
    ...share,
    seenShare: share.seen / total,
    plausible: isPlausible(share.seen, total, share.expectedShare),
  }))
}

/** Chance makes at most this share of right counts look implausible. */
const FALSE_ALARMS = 1e-4

/**
 * Whether chance explains that `seen` of `total` requests had a key that each had with probability `share`. By the
 * bound of Chernoff and Hoeffding on the binomial distribution's tails, each exp(-n D) at most with D the relative
 * entropy of the seen share to the expected one. It holds for any count: tests that lean on the normal distribution, as
 * Wilson's interval does, raise false alarms for rare keys (2 of 20 requests at a share of 1%: 17 in 1,000, not 1 in
 * 10,000). The price: a share must be off by 4.5 standard deviations, where 3.9 would do for a large count.
 * Source: W. Hoeffding, Probability inequalities for sums of bounded random variables, JASA 58 (1963), theorem 1.
 */
export function isPlausible(seen: number, total: number, share: number): boolean {
  const seenShare = seen / total
  const entropy = entropyTerm(seenShare, share) + entropyTerm(1 - seenShare, 1 - share)
  return 2 * Math.exp(-total * entropy) >= FALSE_ALARMS
}

/** The limit of a ln(a / b) as a goes to 0 is 0. */
function entropyTerm(a: number, b: number): number {
  return a === 0 ? 0 : a * Math.log(a / b)
}

function addExample(examples: Map<string, Violation>, violation: Violation): void {
  if (examples.size === MOST_EXAMPLES) return
  const name = `${violation.kind} ${violation.at}`
  if (!examples.has(name)) examples.set(name, violation)
}

function noneOfAnyKind(): Record<ViolationKind, number> {
  return Object.fromEntries(VIOLATION_KINDS.map((kind) => [kind, 0])) as Record<ViolationKind, number>
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
