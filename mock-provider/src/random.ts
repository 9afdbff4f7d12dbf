/** A source of chance: each call yields the next number, uniform in [0, 1). */
export type Random = () => number

/**
 * xoshiro128++ 1.0 by David Blackman and Sebastiano Vigna, seeded by SplitMix64 as its authors advise, in 32-bit steps.
 * Sources: https://prng.di.unimi.it/xoshiro128plusplus.c and https://prng.di.unimi.it/splitmix64.c (both public domain).
 */
export function seededRandom(seed: number): Random {
  const next = xoshiro128PlusPlus(splitMix64Words(seed))
  return () => next() / 2 ** 32
}

/** A seed for each of several processes, so that they do not draw the same; that of process 0 is `seed` itself. */
export function seedOfProcess(seed: number, process: number): number {
  // Steps of an odd number come to each of the 2 ** 32 seeds once.
  return (seed + Math.imul(process, 0x9e37_79b1)) >>> 0
}

/** The generator itself: unsigned 32-bit numbers from a state of four words, not all zero. */
export function xoshiro128PlusPlus(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state
  return () => {
    const result = (rotateLeft((s0 + s3) | 0, 7) + s0) >>> 0
    const shifted = s1 << 9
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = rotateLeft(s3, 11)
    return result
  }
}

/** Two outputs of SplitMix64 as four 32-bit words, low word first. */
export function splitMix64Words(seed: number): [number, number, number, number] {
  let state = BigInt(seed)
  const output = () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
    let z = state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    return z ^ (z >> 31n)
  }
  const first = output()
  const second = output()
  return [low(first), high(first), low(second), high(second)]
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

function low(word: bigint): number {
  return Number(word & 0xffff_ffffn)
}

function high(word: bigint): number {
  return Number(word >> 32n)
}
