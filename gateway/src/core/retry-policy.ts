import type { NetworkConfig } from '../config.ts'

/**
 * What a failed try calls for. The rules are Bifrost's (https://docs.getbifrost.ai, "Retries & Fallbacks"):
 * - `same_key`: the provider is at fault; again with the same key, after a wait
 * - `another_key`: the key has reached its limit; another one, after a wait
 * - `dead_key`: the key will not work again for this request; another one at once
 * - `none`: the same request would fail again
 */
export type Remedy = 'same_key' | 'another_key' | 'dead_key' | 'none'

/** @param status of the provider's answer */
export function remedyFor(status: number): Remedy {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'dead_key'
    case 429:
      return 'another_key'
    case 500:
    case 502:
    case 503:
    case 504:
    // Anthropic's "overloaded", its own form of 503.
    case 529:
      return 'same_key'
    default:
      return 'none'
  }
}

type BackoffSettings = Pick<NetworkConfig, 'retryBackoffInitialMs' | 'retryBackoffMaxMs'>

/**
 * Wait before a retry, ms: min(initial * 2^retry, max) * U(0.8, 1.2), capped at max.
 * @param retry 0 for the first
 * @param random in [0, 1)
 */
export function backoffMs(
  retry: number,
  { retryBackoffInitialMs, retryBackoffMaxMs }: BackoffSettings,
  random: number,
): number {
  const base = Math.min(retryBackoffInitialMs * 2 ** retry, retryBackoffMaxMs)
  return Math.min(base * (0.8 + 0.4 * random), retryBackoffMaxMs)
}

/**
 * What a `Retry-After` header asks for, ms from now; 0 without one, or when it cannot be read.
 * Seconds or an HTTP date: RFC 9110, section 10.2.3.
 */
export function retryAfterMs(value: string | undefined, unixNowMs: number): number {
  if (value === undefined) return 0
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  const at = /^[A-Za-z]{3},? /.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(at) ? 0 : Math.max(0, at - unixNowMs)
}
