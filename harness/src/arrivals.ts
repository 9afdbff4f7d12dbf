/** When each request of a run is due. */
export interface ArrivalSchedule {
  /** Requests due before the window opens; their positions are -warmupCount to -1. */
  readonly warmupCount: number
  /** Requests due inside the window; their positions are 0 to count - 1. */
  readonly count: number
  /** Instant at which request `index` is due, ns from the opening of the window; never decreasing in `index`. */
  dueNs: (index: number) => number
}

/**
 * Evenly spaced arrivals. Warm-up and window are one unbroken schedule, so that the window opens on a full pipeline.
 * Each instant is computed from its position, never from the one before: rounding does not add up over an hour.
 *
 * @example constantArrivals({ ratePerSec: 100, durationMs: 1_000, warmupMs: 0 }) // count 100, the last due at 990 ms
 */
export function constantArrivals(options: {
  ratePerSec: number
  durationMs: number
  warmupMs: number
}): ArrivalSchedule {
  const intervalNs = 1e9 / options.ratePerSec
  return {
    warmupCount: Math.round((options.warmupMs / 1e3) * options.ratePerSec),
    count: Math.max(1, Math.round((options.durationMs / 1e3) * options.ratePerSec)),
    dueNs: (index) => Math.round(index * intervalNs),
  }
}

/**
 * Probes beside a load: each is due halfway between two of its requests, so that it neither hides behind one nor pushes
 * one, and sees the programs as the load's own requests do. Of a load too thin for that, each distance is divided evenly.
 *
 * @param phase In [0, 1): share of the distance between two probes by which the first is late; lines of probes with
 *   different phases do not meet: 0 and 0.5, that is, for which two places between two probes are enough.
 */
export function probeArrivals(
  load: { ratePerSec: number; durationMs: number; warmupMs: number },
  probeRatePerSec: number,
  phase: number,
): ArrivalSchedule {
  const places = Math.ceil((2 * probeRatePerSec) / load.ratePerSec)
  const placesPerSec = load.ratePerSec * places
  const { warmupCount, count } = constantArrivals({ ...load, ratePerSec: probeRatePerSec })
  const slotOf = (index: number): number => Math.floor(((index + phase) * placesPerSec) / probeRatePerSec)
  return { warmupCount, count, dueNs: (index) => Math.round((slotOf(index) + 0.5) * (1e9 / placesPerSec)) }
}
