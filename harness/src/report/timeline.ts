import type { Result } from '../recording.ts'
import { formatCores, formatCount, formatMiB, formatMs, formatPct, NOT_MEASURED } from '../units.ts'
import { condenseTimeline, type TimelineRow } from '../condense.ts'
import { figureAlign, markdownTable } from './markdown-table.ts'

interface Column {
  head: string
  cell: (row: TimelineRow) => string
}

function column(head: string, key: Exclude<keyof TimelineRow, 'second'>, format: (value: number) => string): Column {
  return { head, cell: (row) => (row[key] === undefined ? '-' : format(row[key])) }
}

const COLUMNS: { key: Exclude<keyof TimelineRow, 'second' | 'lastSecond'>; column: Column }[] = (
  [
    ['sent', 'sent', formatCount],
    ['ok', 'ok', formatCount],
    ['failed', 'failed', formatCount],
    ['dropped', 'dropped', formatCount],
    ['p50 ms', 'p50Ms', formatMs],
    ['p99 ms', 'p99Ms', formatMs],
    ['lag p99 ms', 'lagP99Ms', formatMs],
    ['gateway MiB', 'gatewayRssMiB', formatMiB],
    ['gateway cores', 'gatewayCpuCores', formatCores],
    ['mock cores', 'mockCpuCores', formatCores],
    ['driver cores', 'driverCpuCores', formatCores],
    ['host busy', 'hostBusyPct', formatPct],
    ['steal', 'hostStealPct', formatPct],
  ] as const
).map(([head, key, format]) => ({ key, column: column(head, key, format) }))

/** The table of the timeline; a column that no second has is left out. */
export function timelineLines(timeline: Result['timeline']): string[] {
  if (timeline.length === 0) return [`${NOT_MEASURED}.`]
  const { secondsPerRow, rows } = condenseTimeline(timeline)
  const columns = COLUMNS.filter(({ key }) => rows.some((row) => row[key] !== undefined))
  const cells = rows.map((row) => [
    secondsPerRow === 1 ? String(row.second) : `${row.second} to ${row.lastSecond}`,
    ...columns.map(({ column: { cell } }) => cell(row)),
  ])
  const how =
    secondsPerRow === 1
      ? 'Requests stand in the second in which they were due.'
      : `Requests stand in the second in which they were due. Each row condenses ${secondsPerRow} seconds: counts are summed; times and memory are those of the worst of these seconds; cores and percentages are averaged.`
  const head = ['second', ...columns.map(({ column: { head } }) => head)]
  return [`${how} A dash: ${NOT_MEASURED}.`, '', ...markdownTable(head, cells, figureAlign(head.length))]
}
