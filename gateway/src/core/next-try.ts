import type { KeyConfig } from '../config.ts'
import { GatewayError } from './errors.ts'
import { type FailedTry, gatewayFailure } from './failed-try.ts'
import { KeyRotation } from './key-rotation.ts'
import type { RequestContext } from './request-context.ts'
import { backoffMs, retryAfterMs } from './retry-policy.ts'
import { nowMs } from './stage-clock.ts'

/** What follows a failed try: another with the same provider, or none, and what is to be said instead of `failure`. */
export type NextTry = { key: KeyConfig; waitMs: number } | { key: undefined; failure: FailedTry }

/** Applies the rules of retry-policy.ts to one request: how often, with which key, after which wait. */
export function nextTry(context: RequestContext, failure: FailedTry, random: () => number): NextTry {
  const { key, tries } = context
  const { provider, model } = context.route!
  const { network } = provider.config
  const none = { key: undefined, failure }
  if (failure.remedy === 'none' || key === null) return none
  const mayRetry = tries <= network.maxRetries
  let next = key
  if (failure.remedy === 'dead_key') {
    context.rotation ??= new KeyRotation()
    const alive = context.rotation.afterDeath(key, provider.keys, model, random())
    if (alive === undefined) return { key: undefined, failure: credentialsExhausted(context) }
    return mayRetry ? { key: alive, waitMs: 0 } : none
  }
  if (!mayRetry) return none
  if (failure.remedy === 'another_key') {
    context.rotation ??= new KeyRotation()
    next = context.rotation.afterLimit(key, provider.keys, model, random())
  }
  // What the provider asks for is about the key that it refused.
  const askedMs = next === key ? retryAfterMs(passedHeader(context, 'retry-after'), Date.now()) : 0
  const waitMs = Math.max(askedMs, backoffMs(tries - 1, network, random()))
  // A wait beyond the deadline would end in a worse answer than the one in hand.
  return nowMs() + waitMs < context.deadlineMs ? { key: next, waitMs } : none
}

function credentialsExhausted(context: RequestContext): FailedTry {
  const message = `${context.route!.provider.name} refused every key of this gateway that allows the model`
  return gatewayFailure(context, new GatewayError('upstream_credentials_exhausted', message))
}

function passedHeader({ passedHeaders }: RequestContext, name: string): string | undefined {
  const at = passedHeaders.indexOf(name)
  return at < 0 ? undefined : passedHeaders[at + 1]
}
