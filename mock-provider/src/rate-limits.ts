/** What is left of one limit. */
export interface Allowance {
  /** Per minute. */
  limit: number
  /** Of that, what may be taken at once: whole, rounded down. */
  remaining: number
  /** Until all of it may be taken again: whole ms, rounded up. */
  resetMs: number
}

/** What is left of both limits, this request included; undefined where there is no such limit. */
export interface Allowances {
  requests: Allowance | undefined
  tokens: Allowance | undefined
}

/** Whether a request is within the limits of its key, and what these are. */
export type Admission = Allowances &
  (
    | { ok: true }
    | {
        ok: false
        /** The one that needs the longer wait, where both are exceeded. */
        limit: 'requests' | 'tokens'
        /** After so long the same request is admitted, if no other comes first: whole ms, >= 1; undefined for never. */
        retryAfterMs: number | undefined
      }
  )

/** Limits of each key: whole numbers, >= 1; undefined for none. */
export interface RateLimitsOptions {
  requestsPerMinute?: number | undefined
  tokensPerMinute?: number | undefined
}

/** Keys that are remembered at once, at most. */
export const MAX_KEYS = 10_000

interface Buckets {
  requests: TokenBucket | undefined
  tokens: TokenBucket | undefined
}

/**
 * Requests and tokens per minute of each API key, both as token buckets that hold a minute's worth, are full at first,
 * and are refilled continuously: what Anthropic documents, and what OpenAI's headers show (after one request of 60 a
 * minute the limit resets in 1 s). Sources: https://platform.claude.com/docs/en/api/rate-limits and
 * https://platform.openai.com/docs/guides/rate-limits
 *
 * A request for more tokens than a minute has is refused however long it waits, as OpenAI does ("Request too large ...
 * on tokens per min (TPM): Limit 30000, Requested 30601", https://github.com/DrShushen/climb/issues/13).
 * A refused request takes nothing, though OpenAI counts those as well: so whoever waits as told is admitted.
 */
export class RateLimits {
  readonly #limits: RateLimitsOptions
  /** By key, in the order in which they last admitted a request. */
  readonly #buckets = new Map<string | undefined, Buckets>()
  /** No key's buckets are full again before that. */
  #nextFullNs = Infinity

  /** @throws {RangeError} when a limit is not a whole number of at least 1 */
  constructor(limits: RateLimitsOptions) {
    checkLimit('requestsPerMinute', limits.requestsPerMinute)
    checkLimit('tokensPerMinute', limits.tokensPerMinute)
    this.#limits = limits
  }

  /** Keys that are remembered, <= `MAX_KEYS`. */
  get keys(): number {
    return this.#buckets.size
  }

  /**
   * Takes a request from both buckets of its key, or nothing of either.
   * @param key undefined for requests without one: these share two buckets of their own
   * @param tokens whole, >= 0
   * @param nowNs a time before that of the key's last admission counts as that
   */
  admit(key: string | undefined, tokens: number, nowNs: number): Admission {
    const buckets = this.#buckets.get(key) ?? this.#fullBuckets(nowNs)
    const requestsMs = buckets.requests?.waitMs(1, nowNs) ?? 0
    const tokensMs = buckets.tokens?.waitMs(tokens, nowNs) ?? 0
    const retryAfterMs = Math.max(requestsMs, tokensMs)
    if (retryAfterMs > 0) {
      return {
        ok: false,
        limit: requestsMs >= tokensMs ? 'requests' : 'tokens',
        retryAfterMs: retryAfterMs === Infinity ? undefined : retryAfterMs,
        ...allowancesOf(buckets, nowNs),
      }
    }
    buckets.requests?.take(1, nowNs)
    buckets.tokens?.take(tokens, nowNs)
    this.#remember(key, buckets, nowNs)
    return { ok: true, ...allowancesOf(buckets, nowNs) }
  }

  #fullBuckets(nowNs: number): Buckets {
    const full = (limit: number | undefined) => (limit === undefined ? undefined : new TokenBucket(limit, nowNs))
    return { requests: full(this.#limits.requestsPerMinute), tokens: full(this.#limits.tokensPerMinute) }
  }

  #remember(key: string | undefined, buckets: Buckets, nowNs: number): void {
    this.#buckets.delete(key)
    if (this.#buckets.size === MAX_KEYS) this.#makeRoom(nowNs)
    this.#buckets.set(key, buckets)
    this.#nextFullNs = Math.min(this.#nextFullNs, fullNs(buckets))
  }

  /**
   * Forgets all keys whose buckets are full again, which nobody can notice: so are those of a new key. Where there are
   * none, forgets the key that has gone longest without an admission.
   */
  #makeRoom(nowNs: number): void {
    // With as many keys in use as that, a search for each new one would be most of the mock's work.
    if (nowNs >= this.#nextFullNs) this.#forgetFull(nowNs)
    if (this.#buckets.size < MAX_KEYS) return
    const [longestUntouched] = this.#buckets.keys()
    this.#buckets.delete(longestUntouched)
  }

  #forgetFull(nowNs: number): void {
    this.#nextFullNs = Infinity
    for (const [key, buckets] of this.#buckets) {
      const atNs = fullNs(buckets)
      if (atNs <= nowNs) this.#buckets.delete(key)
      else this.#nextFullNs = Math.min(this.#nextFullNs, atNs)
    }
  }
}

const MINUTE_MS = 60_000
const MINUTE_NS = 60e9

// Sums of binary fractions are off by some 1e-16 of a limit each: the last of 7 requests must not be refused for that.
// As a share of the limit; 0.6 ns of refill.
const SLACK = 1e-11

class TokenBucket {
  readonly #limit: number
  /** What the bucket lacked at `#sinceNs`. */
  #missing = 0
  #sinceNs: number

  constructor(limit: number, nowNs: number) {
    this.#limit = limit
    this.#sinceNs = nowNs
  }

  get fullNs(): number {
    return this.#sinceNs + (this.#missing / this.#limit) * MINUTE_NS
  }

  /** Until `amount` may be taken: whole ms, 0 for at once, Infinity for never. */
  waitMs(amount: number, nowNs: number): number {
    if (amount > this.#limit) return Infinity
    const lacking = this.#missingAt(nowNs) + amount - this.#limit
    return lacking <= this.#limit * SLACK ? 0 : this.#refillMs(lacking)
  }

  take(amount: number, nowNs: number): void {
    this.#missing = this.#missingAt(nowNs) + amount
    this.#sinceNs = Math.max(this.#sinceNs, nowNs)
  }

  allowance(nowNs: number): Allowance {
    const limit = this.#limit
    const missing = this.#missingAt(nowNs)
    const remaining = Math.max(0, Math.floor(limit - missing + limit * SLACK))
    return { limit, remaining, resetMs: this.#refillMs(missing) }
  }

  #missingAt(nowNs: number): number {
    const elapsedNs = Math.max(0, nowNs - this.#sinceNs)
    return Math.max(0, this.#missing - (elapsedNs * this.#limit) / MINUTE_NS)
  }

  // Half the slack, so that after this wait what is lacking is surely within the whole.
  #refillMs(amount: number): number {
    return Math.max(0, Math.ceil((amount / this.#limit - SLACK / 2) * MINUTE_MS))
  }
}

function fullNs({ requests, tokens }: Buckets): number {
  return Math.max(requests?.fullNs ?? -Infinity, tokens?.fullNs ?? -Infinity)
}

function allowancesOf({ requests, tokens }: Buckets, nowNs: number): Allowances {
  return { requests: requests?.allowance(nowNs), tokens: tokens?.allowance(nowNs) }
}

function checkLimit(name: string, limit: number | undefined): void {
  if (limit === undefined || (Number.isInteger(limit) && limit >= 1)) return
  throw new RangeError(`${name}: must be a whole number of at least 1, got ${limit}`)
}

/** For the header `Retry-After`: whole seconds, rounded up, >= 1; undefined where no wait is due, or none would help. */
export function retryAfterSec(admission: Admission): number | undefined {
  if (admission.ok || admission.retryAfterMs === undefined) return undefined
  return Math.ceil(admission.retryAfterMs / 1_000)
}

/**
 * What a provider tells of its limits with every answer, by header name in lower case; nothing of a limit that is not
 * set. Sources: https://platform.openai.com/docs/guides/rate-limits (section on headers) and
 * https://platform.claude.com/docs/en/api/rate-limits#response-headers
 * @param nowUnixMs for Anthropic, whose resets are times and not durations
 */
export function rateLimitHeaders(
  dialect: 'openai' | 'anthropic' | 'none',
  { requests, tokens }: Allowances,
  nowUnixMs: number,
): Record<string, string> {
  switch (dialect) {
    case 'openai':
      return { ...openAiHeaders('requests', requests), ...openAiHeaders('tokens', tokens) }
    case 'anthropic':
      return {
        ...anthropicHeaders('requests', requests, nowUnixMs),
        ...anthropicHeaders('tokens', tokens && { ...tokens, remaining: toThousands(tokens) }, nowUnixMs),
      }
    case 'none':
      return {}
  }
}

function openAiHeaders(name: string, allowance: Allowance | undefined): Record<string, string> {
  if (!allowance) return {}
  return {
    [`x-ratelimit-limit-${name}`]: String(allowance.limit),
    [`x-ratelimit-remaining-${name}`]: String(allowance.remaining),
    [`x-ratelimit-reset-${name}`]: goDuration(allowance.resetMs),
  }
}

function anthropicHeaders(name: string, allowance: Allowance | undefined, nowUnixMs: number): Record<string, string> {
  if (!allowance) return {}
  return {
    [`anthropic-ratelimit-${name}-limit`]: String(allowance.limit),
    [`anthropic-ratelimit-${name}-remaining`]: String(allowance.remaining),
    [`anthropic-ratelimit-${name}-reset`]: rfc3339(nowUnixMs + allowance.resetMs),
  }
}

/** To the nearest thousand, as documented, but not to more than there is at most. */
function toThousands({ remaining, limit }: Allowance): number {
  return Math.min(limit, Math.round(remaining / 1_000) * 1_000)
}

/** As Go writes durations: 20ms, 1.5s, 6m0s. Source: https://pkg.go.dev/time#Duration.String; hours never occur here. */
function goDuration(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`
  const minutes = Math.floor(ms / MINUTE_MS)
  const seconds = `${(ms % MINUTE_MS) / 1_000}s`
  return minutes === 0 ? seconds : `${minutes}m${seconds}`
}

/** In whole seconds, rounded up. Source: https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
function rfc3339(unixMs: number): string {
  return new Date(Math.ceil(unixMs / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
}
