import { setTimeout as sleep } from 'node:timers/promises'

/** What goes on in a server that takes no new connections. */
export interface Draining {
  /** Requests in the gateway. */
  readonly requests: number
  /** Open connections. */
  readonly connections: number
  /** An answer is still on its way out. */
  readonly sending: boolean
  closeIdle(): void
  cutAll(): Promise<void>
}

export interface DrainSurroundings {
  nowMs: () => number
  sleep: (ms: number) => Promise<unknown>
}

const CHECK_MS = 20
/** Once the last request is done: whoever has sent half a head by then has had its time. */
const HALF_SENT_MS = 1_000

/**
 * Waits for the last request, then lets go of every connection.
 *
 * @param limitMs of the wait; then what is left is cut
 * @returns how many requests were cut
 */
export async function drained(
  server: Draining,
  limitMs: number,
  surroundings: DrainSurroundings = { nowMs: () => performance.now(), sleep },
): Promise<number> {
  const { nowMs, sleep } = surroundings
  const cutAtMs = nowMs() + limitMs
  let busyAtMs = nowMs()
  for (;;) {
    // A connection that becomes idle only now is closed now, not when its keep-alive ends.
    server.closeIdle()
    if (server.connections === 0 && server.requests === 0) return 0
    if (server.requests > 0 || server.sending) busyAtMs = nowMs()
    if (nowMs() >= cutAtMs || nowMs() - busyAtMs >= HALF_SENT_MS) {
      const { requests } = server
      await server.cutAll()
      return requests
    }
    await sleep(CHECK_MS)
  }
}
