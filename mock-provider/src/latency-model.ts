import type { Arrival } from './behaviour.ts'
import type { OverTime } from './over-time.ts'
import type { Random } from './random.ts'

/** Plans the delay of each answer, in the order in which requests arrive. */
export interface LatencyModel {
  /** Delay of the next answer: whole us, >= 0. */
  nextDelayUs(arrival: Arrival): number
}

/** Delays that are drawn from a distribution. @param nextUs whole us */
export function drawnLatency(nextUs: () => number): LatencyModel {
  return { nextDelayUs: nextUs }
}

/**
 * The model's delay +- jitter, uniform. Without jitter nothing is drawn.
 * @param jitterUs at most the model's smallest delay
 */
export function withJitter(model: LatencyModel, jitterUs: number, random: Random): LatencyModel {
  if (jitterUs === 0) return model
  // + 1: each of the 2 jitter + 1 whole microseconds is equally likely, both ends included.
  const spreadUs = () => Math.floor(random() * (2 * jitterUs + 1)) - jitterUs
  return { nextDelayUs: (arrival) => model.nextDelayUs(arrival) + spreadUs() }
}

/** Longer for every token of the prompt. */
export function withPromptTokens(model: LatencyModel, perTokenUs: number): LatencyModel {
  if (perTokenUs === 0) return model
  return { nextDelayUs: (arrival) => model.nextDelayUs(arrival) + Math.round(perTokenUs * arrival.promptTokens) }
}

/** Times a factor that changes over time. @param sinceNs the instant from which that counts */
export function withOverTime(model: LatencyModel, factors: OverTime, sinceNs: number): LatencyModel {
  return {
    nextDelayUs: (arrival) =>
      Math.round(model.nextDelayUs(arrival) * factors.factorAt(Math.max(0, arrival.receivedNs - sinceNs) / 1e6)),
  }
}
