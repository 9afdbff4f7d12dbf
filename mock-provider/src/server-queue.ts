/**
 * A provider with so many servers, each of which works on one answer at a time: first come, first served. Past what they
 * can do, waits grow for as long as requests keep coming.
 */
export class ServerQueue {
  /** When each server is free, ns: a binary heap, the first one on top. */
  readonly #freeNs: Float64Array

  /**
   * @param servers >= 1; memory is 8 bytes for each, however many requests wait
   * @throws {RangeError} when that is not a whole number of servers
   */
  constructor(servers: number) {
    if (!Number.isInteger(servers) || servers < 1) {
      throw new RangeError(`servers: must be a whole number of at least 1, got ${servers}`)
    }
    this.#freeNs = new Float64Array(servers).fill(-Infinity)
  }

  /**
   * Takes the server that is free first, and says how long the answer takes from now: the wait, to the nearest us, and
   * `serviceUs`. The server is kept even when the caller leaves before its answer.
   * @param nowNs when the request came: not before that of the last call
   * @param serviceUs >= 0
   */
  delayUs(nowNs: number, serviceUs: number): number {
    const waitNs = Math.max(0, this.#freeNs[0]! - nowNs)
    this.#replaceFirst(nowNs + waitNs + serviceUs * 1_000)
    return Math.round(waitNs / 1_000) + serviceUs
  }

  #replaceFirst(freeNs: number): void {
    const heap = this.#freeNs
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (freeNs <= heap[child]!) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = freeNs
  }
}
