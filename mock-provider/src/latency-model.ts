import type { Random } from './random.ts'

/** Plans the delay of each answer, in the order in which requests arrive. */
export interface LatencyModel {
  /** Delay of the next answer: whole us, >= 0. */
  nextDelayUs(): number
}

/**
 * Latency +- jitter, uniform. Without jitter nothing is drawn.
 * @param options.jitterMs at most `latencyMs`
 */
export function uniformLatency(options: { latencyMs: number; jitterMs: number; random: Random }): LatencyModel {
  const { random } = options
  const latencyUs = Math.round(options.latencyMs * 1_000)
  const jitterUs = Math.round(options.jitterMs * 1_000)
  if (jitterUs === 0) return { nextDelayUs: () => latencyUs }
  // + 1: each of the 2 jitter + 1 whole microseconds is equally likely, both ends included.
  return { nextDelayUs: () => latencyUs - jitterUs + Math.floor(random() * (2 * jitterUs + 1)) }
}
