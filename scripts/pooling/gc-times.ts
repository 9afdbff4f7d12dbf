/**
 * Preloaded into a program (`node --import <this file>?file=<path>`): at its end it writes its garbage collections to the
 * path, as JSON: `[[start in ms since 1970, duration in ms], ...]`.
 */
import { writeFileSync } from 'node:fs'
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'

const times: [number, number][] = []
const take = (entries: readonly PerformanceEntry[]): void => {
  for (const { startTime, duration } of entries) times.push([performance.timeOrigin + startTime, duration])
}
const observer = new PerformanceObserver((list) => {
  take(list.getEntries())
})
observer.observe({ entryTypes: ['gc'] })

const file = new URL(import.meta.url).searchParams.get('file')!
process.on('exit', () => {
  take(observer.takeRecords())
  writeFileSync(file, JSON.stringify(times))
})
