import type { FrontierPoint, FrontierRecord, FrontierTarget, FrontierTrial } from '../compare/record.ts'
import { formatCount, formatDuration, formatExact, formatMs, formatRate, NOT_MEASURED } from '../units.ts'
import { figureOr } from './compare/figures.ts'
import { plain } from './compare/prose.ts'
import { NO_FIGURE } from './cells.ts'
import { figureAlign, markdownTable } from './markdown-table.ts'

/** The largest rate that each target carried, by the bound on p99 added latency; closed-loop figures apart from it. */

type Limit = NonNullable<FrontierPoint['limitedBy']>

const MARKS: Readonly<Record<Limit, { mark: string; means: string }>> = {
  mock: {
    mark: 'mock-bound',
    means: 'the mock was at its own limit: the target may carry more, and the point is not ranked',
  },
  driver: {
    mark: 'driver-bound',
    means: 'the load generator was at its own limit: the target may carry more, and the point is not ranked',
  },
  search_limit: {
    mark: 'search ended',
    means: 'the search went no higher, by its own limit: the target may carry more, and the point is not ranked',
  },
}

const perSec = (rate: number) => `${formatRate(rate)}/s`

/** Above an instrument's limit nothing was learnt of the target: such a rate is a lower bound, and marked. */
function pointText(point: FrontierPoint | undefined): string {
  if (!point) return NOT_MEASURED
  const { ratePerSec, firstFailedPerSec, limitedBy } = point
  const not = firstFailedPerSec === undefined ? '' : `, not ${perSec(firstFailedPerSec)}`
  if (ratePerSec === undefined) {
    return limitedBy === undefined ? `none${not}` : `${NOT_MEASURED}, **${MARKS[limitedBy].mark}**`
  }
  return limitedBy === undefined
    ? `${perSec(ratePerSec)}${not}`
    : `at least ${perSec(ratePerSec)}, **${MARKS[limitedBy].mark}**`
}

function boundsOf(targets: readonly FrontierTarget[]): FrontierPoint['boundMs'][] {
  const bounds = new Set(targets.flatMap(({ points }) => points.map(({ boundMs }) => boundMs)))
  return [...bounds].sort((a, b) => (a ?? Infinity) - (b ?? Infinity))
}

function frontierTable(targets: readonly FrontierTarget[]): string[] {
  const bounds = boundsOf(targets)
  const head = ['target', ...bounds.map((bound) => (bound === null ? 'no bound' : `<= ${formatExact(bound)} ms`))]
  const rows = targets.map(({ name, points }) => [
    name,
    ...bounds.map((bound) => pointText(points.find(({ boundMs }) => boundMs === bound))),
  ])
  return markdownTable(head, rows, figureAlign(head.length))
}

function markLines(targets: readonly FrontierTarget[]): string[] {
  const used = new Set(
    targets.flatMap(({ points, trials, closedLoop }) =>
      [...points, ...trials, ...(closedLoop ? [closedLoop] : [])].flatMap(({ limitedBy }) => limitedBy ?? []),
    ),
  )
  const lines = [...used].map((limit) => `- **${MARKS[limit].mark}**: ${MARKS[limit].means}.`)
  const reasons = targets.flatMap(({ name, reason }) => (reason === undefined ? [] : [`- ${name}: ${plain(reason)}`]))
  return lines.length + reasons.length === 0 ? [] : ['', ...lines, ...reasons]
}

const markText = (limitedBy: Limit | undefined) => (limitedBy === undefined ? '' : `**${MARKS[limitedBy].mark}**`)

function closedLoopLines(targets: readonly FrontierTarget[]): string[] {
  const rows = targets.map(({ name, closedLoop: c }) =>
    c
      ? [
          name,
          `${c.tool}, ${formatCount(c.connections)} connections, ${formatDuration(c.durationMs)}`,
          perSec(c.perSec),
          formatCount(c.errors),
          `${formatMs(c.p99Ms)} ms`,
          markText(c.limitedBy),
        ]
      : [name, NOT_MEASURED, NO_FIGURE, NO_FIGURE, NO_FIGURE, ''],
  )
  return [
    '### Closed loop: not comparable with the table above',
    '',
    'Each connection sends its next request only when the last one was answered. When the target slows down, so does the load: the rate is what target and client settled on, not one that was asked for, and the p99 leaves out the wait of the requests that were never sent. It is the latency of the whole answer, the mock included, and no bound was kept.',
    '',
    ...markdownTable(['target', 'closed loop by', 'answers', 'errors', 'p99', ''], rows, [
      'left',
      'left',
      'right',
      'right',
      'right',
      'left',
    ]),
  ]
}

function trialRow(name: string, trial: FrontierTrial): string[] {
  return [
    name,
    perSec(trial.ratePerSec),
    perSec(trial.sentPerSec),
    perSec(trial.completedPerSec),
    formatCount(trial.failed),
    figureOr(trial.p99AddedMs, (ms) => `${formatMs(ms)} ms`),
    markText(trial.limitedBy),
  ]
}

function trialLines(targets: readonly FrontierTarget[]): string[] {
  const rows = targets.flatMap(({ name, trials }) => trials.map((trial) => trialRow(name, trial)))
  if (rows.length === 0) return []
  const head = ['target', 'planned', 'sent', 'completed', 'failed or dropped', 'p99 added', '']
  return ['', '### Every trial', '', ...markdownTable(head, rows, [...figureAlign(head.length - 1), 'left'])]
}

export function frontierLines(
  { trialMs, mockLatencyMs, targets }: FrontierRecord,
  chart: string | undefined,
): string[] {
  return [
    `The largest rate that each target carried with nothing failed or dropped and p99 added latency within the bound, and the smallest rate above it that it did not carry. Open loop, trials of ${formatDuration(trialMs)}, mock ${formatCount(mockLatencyMs)} ms. One trial a rate carries no interval: rates that are close are not an order. Its probes are too few for the p99 of the floor, so a lower percentile is taken off: the p99 added of a trial is too much rather than too little. Where direct is in the list, a bound that it does not hold either is the machine's and says nothing of the others.`,
    '',
    ...frontierTable(targets),
    ...markLines(targets),
    ...(chart === undefined ? [] : ['', chart]),
    '',
    ...closedLoopLines(targets),
    ...trialLines(targets),
  ]
}
