/** A source of chance: each call yields the next number, uniform in [0, 1). */
export type Random = () => number

/** Until a change of one bit of the seed has reached the whole state, as the author of sfc32 advises. */
const WARM_UP_STEPS = 12

/**
 * sfc32 by Chris Doty-Humphrey, from PractRand (public domain, https://pracrand.sourceforge.net): three words that are
 * mixed and a counter, which keeps every cycle at 2 ** 32 numbers or more. The same seed, an integer from 0 to
 * 2 ** 53 - 1, gives the same numbers.
 */
export function seededRandom(seed: number): Random {
  let a = seed | 0
  let b = Math.floor(seed / 2 ** 32) | 0
  let c = 0
  let counter = 1
  const next = () => {
    const word = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    return (word >>> 0) / 2 ** 32
  }
  for (let step = 0; step < WARM_UP_STEPS; step++) next()
  return next
}
