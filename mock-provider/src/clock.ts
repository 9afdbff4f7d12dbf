/** Monotonic time in whole ns from an arbitrary start. */
export type Clock = () => number

// Rounded to whole ns so that sums and comparisons are exact: integers stay exact in a double for 104 days.
export const systemClock: Clock = () => Math.round(performance.now() * 1e6)
