import { setTimeout as delay } from 'node:timers/promises'
import { StreamClient } from './stream-client.ts'
import type { Tally, Window } from './tally.ts'

/** Many streams at once: where each goes and who counts it. */
export interface StreamDrive {
  ways: readonly { url: URL; tally: Tally }[]
  /** Between two chunks of a stream. */
  intervalMs: number
  /** Measured, all streams being up. */
  durationMs: number
  /** All chunks in one burst an interval, instead of spread evenly over it. */
  burst: boolean
  /** That of all tallies; set when the streams start. */
  window: Window
}

/** When a drive starts: CLOCK_MONOTONIC, and from there the window. */
export interface Ramp {
  startNs: number
  windowStartMs: number
  windowEndMs: number
}

/** Streams begun a second: what opening them costs must not fall into the window. */
const RAMP_PER_SEC = 1_000
/** From the last stream's start to the window: compilers and heaps find their level. */
const SETTLE_MS = 2_000
/** What the last chunks may take after the window, before they count as lost. */
const GIVE_UP_AFTER_MS = 10_000
const OPENING_AT_ONCE = 256

interface Planned {
  client: StreamClient
  url: URL
  /** From the start of the ramp. */
  startMs: number
}

/** Opens all connections, starts the streams, and waits for their ends; `during` watches meanwhile. */
export async function driveStreams<Watched>(
  { ways, intervalMs, durationMs, burst, window }: StreamDrive,
  during: (ramp: Ramp) => Promise<Watched>,
): Promise<Watched> {
  const startsMs = plannedStarts(ways.length, intervalMs, burst)
  const windowStartMs = Math.max(...startsMs) + intervalMs + SETTLE_MS
  const windowEndMs = windowStartMs + durationMs
  const planned: Planned[] = []
  for (const [index, { url, tally }] of ways.entries()) {
    planned.push({ client: new StreamClient(url, tally), url, startMs: startsMs[index]! })
    if (index % OPENING_AT_ONCE === 0) await planned.at(-1)!.client.opened
  }
  await Promise.all(planned.map(({ client }) => client.opened))

  const startNs = Number(process.hrtime.bigint())
  window.startNs = startNs + windowStartMs * 1e6
  window.endNs = startNs + windowEndMs * 1e6
  const ramped = startAll(planned, startNs, (startMs) => Math.ceil((windowEndMs - startMs) / intervalMs))
  const watched = during({ startNs, windowStartMs, windowEndMs })

  const givingUp = new AbortController()
  void delay(windowEndMs + GIVE_UP_AFTER_MS, undefined, { signal: givingUp.signal }).then(
    () => {
      for (const { client } of planned) client.giveUp()
    },
    () => undefined,
  )
  await ramped
  await Promise.all(planned.map(({ client }) => client.ended))
  givingUp.abort()
  return watched
}

/**
 * When each stream starts, ms from the first. Groups of RAMP_PER_SEC follow one another an interval apart; inside the
 * interval each stream has a place of its own, so that the chunks of all of them are spread over it. In a burst all
 * have the same place.
 */
function plannedStarts(count: number, intervalMs: number, burst: boolean): number[] {
  const perGroup = Math.max(1, Math.round((RAMP_PER_SEC * intervalMs) / 1_000))
  const groups = Math.ceil(count / perGroup)
  return Array.from({ length: count }, (_, index) => {
    const group = Math.floor(index / perGroup)
    const place = burst ? 0 : ((index % perGroup) + group / groups) / perGroup
    return (group + place) * intervalMs
  })
}

async function startAll(
  planned: readonly Planned[],
  rampNs: number,
  chunksFrom: (startMs: number) => number,
): Promise<void> {
  for (let next = 0; next < planned.length;) {
    const elapsedMs = (Number(process.hrtime.bigint()) - rampNs) / 1e6
    for (; next < planned.length && planned[next]!.startMs <= elapsedMs; next++) {
      const { client, url, startMs } = planned[next]!
      const chunks = chunksFrom(startMs)
      client.start(requestTo(url, chunks), chunks)
    }
    await delay(1)
  }
}

function requestTo(url: URL, chunks: number): string {
  const messages = [{ role: 'user', content: 'Tell me, one word at a time, what a gateway costs.' }]
  const body = JSON.stringify({ model: 'openai/gpt-4o-mini', messages, stream: true, max_tokens: chunks })
  const head = ['POST /v1/chat/completions HTTP/1.1', `host: ${url.host}`, 'content-type: application/json']
  return `${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}
