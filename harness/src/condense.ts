import type { Result } from './recording.ts'

/** Longest per-second table that is printed second by second. */
export const MAX_TIMELINE_ROWS = 60

type Second = Result['timeline'][number]
export interface TimelineRow extends Second {
  lastSecond: number
}

/** Sums what is counted, keeps the worst second of each time and of memory, averages what is a rate. */
function mergeSeconds(group: Second[]): TimelineRow {
  const first = group[0]!
  const row: TimelineRow = { ...first, lastSecond: group.at(-1)!.second }
  const figures = (key: keyof Second) => group.map((second) => second[key]).filter((figure) => figure !== undefined)
  for (const key of ['sent', 'ok', 'failed', 'dropped'] as const) {
    const all = figures(key)
    if (all.length > 0) row[key] = all.reduce((sum, figure) => sum + figure, 0)
  }
  for (const key of ['p50Ms', 'p99Ms', 'lagP99Ms', 'gatewayRssMiB', 'mockRssMiB', 'driverRssMiB'] as const) {
    const all = figures(key)
    if (all.length > 0) row[key] = Math.max(...all)
  }
  for (const key of ['gatewayCpuCores', 'mockCpuCores', 'driverCpuCores', 'hostBusyPct', 'hostStealPct'] as const) {
    const all = figures(key)
    if (all.length > 0) row[key] = all.reduce((sum, figure) => sum + figure, 0) / all.length
  }
  return row
}

/** At most MAX_TIMELINE_ROWS rows, each of `secondsPerRow` seconds (the last may be shorter). */
export function condenseTimeline(timeline: Second[]): { secondsPerRow: number; rows: TimelineRow[] } {
  const secondsPerRow = Math.max(1, Math.ceil(timeline.length / MAX_TIMELINE_ROWS))
  const rows: TimelineRow[] = []
  for (let at = 0; at < timeline.length; at += secondsPerRow) {
    rows.push(mergeSeconds(timeline.slice(at, at + secondsPerRow)))
  }
  return { secondsPerRow, rows }
}
