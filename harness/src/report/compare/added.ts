import type { AddedLatency, CompareRecord, Interval, Pair, TargetRecord } from '../../compare/record.ts'
import { formatCount, formatUs, NOT_MEASURED } from '../../units.ts'
import { NO_FIGURE } from '../cells.ts'
import { figureAlign, markdownTable } from '../markdown-table.ts'
import { figureOr, msInterval, usInterval } from './figures.ts'
import { relation, whyUnranked } from './standing.ts'

/** Added latency, what callers waited in all, and the differences pair by pair. */

const BASIS: Readonly<Record<AddedLatency['basis'], string>> = {
  above_mock: 'above the mock',
  service_time: 'whole service times: coarser',
}

/** An upper bound says so in front of its figure. */
export function percentileText({ upperBound, ...added }: AddedLatency, percentile: 'p50' | 'p99' | 'p999'): string {
  const bound = upperBound.some((name) => name === percentile) ? '<= ' : ''
  return figureOr(added[percentile], (us) => bound + usInterval(us))
}

function addedRow(target: TargetRecord): string[] {
  const { addedUs: added } = target
  const name = [target.name, whyUnranked(target)].filter((text) => text !== undefined).join(', **not ranked**: ')
  if (!added) return [name, NOT_MEASURED, NO_FIGURE, NO_FIGURE, NO_FIGURE, NO_FIGURE, NO_FIGURE, NO_FIGURE]
  return [
    name,
    usInterval(added.mean),
    percentileText(added, 'p50'),
    percentileText(added, 'p99'),
    percentileText(added, 'p999'),
    formatCount(added.requests),
    formatCount(added.probes),
    BASIS[added.basis],
  ]
}

function smallestText({ control }: CompareRecord): string {
  return control
    ? `The smallest overhead that this machine could tell from none, by the negative controls: **${formatUs(control.smallestUs)} us** of mean added latency. What is smaller is printed as "not distinguishable".`
    : `The smallest overhead that this machine could tell from none: **${NOT_MEASURED}**, for no negative controls were run.`
}

const DEFINITION = [
  "Added latency is service time (sent to end) less the mock's own delay, less what probes sent past the target to the mock waited in the same seconds. An interval, in brackets, is the 95% bootstrap interval.",
  'p50, p99 and p99.9 are shifts at that percentile: the percentile of the target less the percentile of the probes. They are not percentiles of differences, for no request is measured both ways.',
  '"<=" marks an upper bound: there were too few probes for that percentile of the floor, so a lower one was taken off, and the figure is too much rather than too little.',
]

const ZERO =
  'direct has no gateway: what it shows is the error of the method on this machine, not a cost, and it should not be apart from 0.'

function latencyRow({ name, latencyMs }: TargetRecord): string[] {
  return [
    name,
    ...(latencyMs
      ? [latencyMs.mean, latencyMs.p50, latencyMs.p99, latencyMs.p999].map(msInterval)
      : [NOT_MEASURED, NO_FIGURE, NO_FIGURE, NO_FIGURE]),
  ]
}

export interface LatencyCharts {
  added?: string
  latency?: string
}

const chart = (snippet: string | undefined) => (snippet === undefined ? [] : ['', snippet])

export function addedLines(record: CompareRecord, charts: LatencyCharts): string[] {
  const { targets } = record
  const head = ['target', 'mean', 'p50', 'p99', 'p99.9', 'requests', 'probes', 'basis']
  const latencyHead = ['target', 'mean', 'p50', 'p99', 'p99.9']
  const hasDirect = targets.some(({ name }) => name === 'direct')
  return [
    ...markdownTable(head, targets.map(addedRow), [...figureAlign(head.length - 1), 'left']),
    ...[smallestText(record), ...DEFINITION, ...(hasDirect ? [ZERO] : [])].flatMap((line) => ['', line]),
    ...chart(charts.added),
    '',
    "What callers waited in all, from the instant at which each request was due, the mock's delay included:",
    '',
    ...markdownTable(latencyHead, targets.map(latencyRow), figureAlign(latencyHead.length)),
    ...chart(charts.latency),
  ]
}

function verdictText({ a, b }: Pair, { pairs, targets }: CompareRecord): string {
  const unranked = targets.flatMap((target) => {
    const why = [a, b].includes(target.name) ? whyUnranked(target) : undefined
    return why === undefined ? [] : [`${target.name}: ${why}`]
  })
  if (unranked.length > 0) return `not ranked (${unranked.join('; ')})`
  switch (relation(pairs, a, b)) {
    case 'faster':
      return `${a} is faster`
    case 'slower':
      return `${b} is faster`
    case 'not_distinguishable':
    case 'not_compared':
      return 'not distinguishable'
  }
}

function pairRow(pair: Pair, record: CompareRecord): string[] {
  const bounded = record.targets.some(
    ({ name, addedUs }) => [pair.a, pair.b].includes(name) && addedUs?.upperBound.includes('p99') === true,
  )
  const p99 = (us: Interval) => usInterval(us) + (bounded ? ', of upper bounds' : '')
  return [
    `${pair.a} less ${pair.b}`,
    usInterval(pair.meanUs),
    figureOr(pair.p99Us, p99),
    figureOr(pair.rounds, String),
    verdictText(pair, record),
  ]
}

export function pairLines(record: CompareRecord): string[] {
  if (record.pairs.length === 0) return ['No two targets were measured in the same rounds.']
  const rows = record.pairs.map((pair) => pairRow(pair, record))
  return [
    ...markdownTable(['pair', 'mean', 'p99', 'rounds', 'by the mean'], rows, [
      'left',
      'right',
      'right',
      'right',
      'left',
    ]),
    '',
    'The added latency of the first less that of the second, paired over the rounds that both have: an interval from fewer than five of them covers less than it says (87% for four, 75% for three, 50% for two, where turns differ more than their seconds). "Faster" is said of the mean only, and only where its interval is apart from 0 and the difference is not smaller than what this machine can tell. No correction is made for the number of pairs: of twenty pairs without a difference, one interval is on average apart from 0 by chance.',
  ]
}
