import type { KeyConfig } from '../config.ts'
import { GatewayError } from './errors.ts'
import { type FailedTry, gatewayFailure } from './failed-try.ts'
import { KeyRotation } from './key-rotation.ts'
import type { ProviderRuntime } from './provider-runtime.ts'
import type { RequestContext } from './request-context.ts'
import { backoffMs, type Remedy, retryAfterMs } from './retry-policy.ts'
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
  const rotation = (context.rotation ??= new KeyRotation())
  const now = Date.now()
  // What the provider asks for is about the key that it refused, whenever that one's turn comes again.
  rotation.postpone(key, now + retryAfterMs(passedHeader(context, 'retry-after'), now))
  const next = keyAfter(failure.remedy, key, rotation, provider, model, random)
  if (next === undefined) return { key: undefined, failure: credentialsExhausted(context) }
  if (tries > network.maxRetries) return none
  const backoff = failure.remedy === 'dead_key' ? 0 : backoffMs(tries - 1, network, random())
  const waitMs = Math.max(rotation.postponedMs(next, now), backoff)
  // A wait beyond the deadline would end in a worse answer than the one in hand.
  return nowMs() + waitMs < context.deadlineMs ? { key: next, waitMs } : none
}

/** Undefined when every key is dead. */
function keyAfter(
  remedy: Exclude<Remedy, 'none'>,
  key: KeyConfig,
  rotation: KeyRotation,
  { keys }: ProviderRuntime,
  model: string,
  random: () => number,
): KeyConfig | undefined {
  switch (remedy) {
    case 'same_key':
      return key
    case 'another_key':
      return rotation.afterLimit(key, keys, model, random())
    case 'dead_key':
      return rotation.afterDeath(key, keys, model, random())
  }
}

function credentialsExhausted(context: RequestContext): FailedTry {
  const message = `${context.route!.provider.name} refused every key of this gateway that allows the model`
  return gatewayFailure(context, new GatewayError('upstream_credentials_exhausted', message))
}

function passedHeader({ passedHeaders }: RequestContext, name: string): string | undefined {
  const at = passedHeaders.indexOf(name)
  return at < 0 ? undefined : passedHeaders[at + 1]
}
