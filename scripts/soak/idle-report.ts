/**
 * Preloaded into a program whose memory is in question (`node --expose-gc --import <this URL>?to=FILE`): on SIGUSR2 it
 * collects its garbage and writes to FILE what is left.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

/** What is in FILE, as JSON. */
export interface IdleReport {
  heapUsedBytes: number
  /** Outside V8's heap: buffers for the most part. */
  externalBytes: number
  residentBytes: number
  /** What keeps the program alive, by kind; timers and sockets that are unref'd are not among it. */
  resources: Record<string, number>
}

/** What finalizers of one collection let go, the next one can collect. */
const COLLECTIONS = 4

const file = new URL(import.meta.url).searchParams.get('to')
if (file !== null) process.on('SIGUSR2', () => void report(file))

async function report(to: string): Promise<void> {
  for (let pass = 0; pass < COLLECTIONS; pass++) {
    globalThis.gc?.()
    await setImmediate()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  const idle: IdleReport = { heapUsedBytes: heapUsed, externalBytes: external, residentBytes: rss, resources }
  // Whoever waits for the file must find all of it.
  writeFileSync(`${to}.part`, JSON.stringify(idle))
  renameSync(`${to}.part`, to)
}
