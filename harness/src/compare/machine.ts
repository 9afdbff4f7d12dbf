import { UsageError } from '../errors.ts'
import { watchHost } from '../machine-facts.ts'
import type { CompareRecord } from './record.ts'

/** Above this share of its CPU time in use before anything runs, a machine is not at rest. */
const BUSY_PCT_MAX = 15
const WATCH_MS = 3_000

/**
 * Looks whether the machine is at rest.
 *
 * @throws {UsageError} when it is not, and that was not allowed.
 */
export async function requireRest(allowLoaded: boolean, signal: AbortSignal): Promise<CompareRecord['machine']> {
  return judgeRest(await watchHost(WATCH_MS, signal), allowLoaded)
}

/** Pure. Where the system does not say, there is nothing to refuse. */
export function judgeRest(
  host: { busyPct: number; stealPct: number } | undefined,
  allowLoaded: boolean,
): CompareRecord['machine'] {
  const loaded = host !== undefined && host.busyPct + host.stealPct > BUSY_PCT_MAX
  if (loaded && !allowLoaded) {
    throw new UsageError([
      `this machine has other work: ${host.busyPct.toFixed(0)}% of its CPU time is in use and ${host.stealPct.toFixed(0)}% ` +
        `stolen, at most ${BUSY_PCT_MAX}% would be right; stop other programs ("top" shows them), or say --allow-loaded, ` +
        'which the report will tell',
    ])
  }
  return { ...host, limitPct: BUSY_PCT_MAX, overridden: loaded }
}
