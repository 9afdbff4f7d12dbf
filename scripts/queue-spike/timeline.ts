import { setTimeout as delay } from 'node:timers/promises'
import { readGatewayState, type GatewayState } from '../lib/gateway-state.ts'

const POLL_MS = 250
const BAR_CHARS = 50

export interface TimelineRow extends Pick<GatewayState, 'active' | 'buffered' | 'waitingForRoom'> {
  /** From the first poll. */
  atMs: number
}

/** Asks a gateway for its queue four times a second, until told to stop. */
export class QueueTimeline {
  readonly rows: TimelineRow[] = []
  readonly #url: string
  readonly #stopping = new AbortController()
  readonly #beganMs = performance.now()
  readonly #polling: Promise<void>

  constructor(url: string) {
    this.#url = url
    this.#polling = this.#poll()
  }

  /** Resolves when at least so many requests are at work at once. */
  async active(least: number): Promise<void> {
    while ((this.rows.at(-1)?.active ?? 0) < least) await delay(POLL_MS)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#polling
  }

  async #poll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const { active, buffered, waitingForRoom } = await readGatewayState(this.#url)
      const atMs = performance.now() - this.#beganMs
      this.rows.push({ atMs, active, buffered, waitingForRoom })
      await delay(POLL_MS - (atMs % POLL_MS))
    }
  }
}

/** One line for each half second in which somebody was at work, from the first such on. */
export function printTimeline(rows: readonly TimelineRow[]): void {
  const first = rows.findIndex(({ active }) => active > 1)
  const last = rows.findLastIndex(({ active }) => active > 1)
  const busy = first < 0 ? [] : rows.slice(first, last + 1)
  const most = Math.max(1, ...busy.map(({ buffered, waitingForRoom }) => buffered + waitingForRoom))
  console.log('     s   active  buffered  waiting for room')
  for (let at = 0; at < busy.length; at += 2) {
    const { atMs, active, buffered, waitingForRoom } = busy[at]!
    const bar = '#'.repeat(Math.round(((buffered + waitingForRoom) / most) * BAR_CHARS))
    const cells = [((atMs - busy[0]!.atMs) / 1_000).toFixed(1).padStart(6), String(active).padStart(9)]
    console.log([...cells, String(buffered).padStart(10), String(waitingForRoom).padStart(18), `  ${bar}`].join(''))
  }
}
