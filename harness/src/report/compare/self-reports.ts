import type { CompareRecord, SelfReport, TargetRecord } from '../../compare/record.ts'
import { formatCount, formatExact, formatNumber, formatUs } from '../../units.ts'
import { markdownTable } from '../markdown-table.ts'
import { figureOr, usInterval } from './figures.ts'
import { plain } from './prose.ts'

/** What a gateway says of itself beside what was measured of it. */

const us = (figure: number) => `${formatUs(figure)} us`

/** In three digits: the ratio may be a thousandth or a thousand. */
function ratioText(ratio: number): string {
  return Math.abs(ratio) < 10 ? formatExact(Number(ratio.toPrecision(3))) : formatNumber(ratio, 0)
}

function reportRow({ name, addedUs }: TargetRecord, report: SelfReport): string[] {
  return [
    name,
    plain(report.source),
    plain(report.claims),
    us(report.meanUs),
    figureOr(report.p50Us, us),
    figureOr(report.p99Us, us),
    formatCount(report.requests),
    figureOr(addedUs, ({ mean }) => usInterval(mean)),
    figureOr(report.ratioToMeasured, ratioText),
  ]
}

export function selfReportLines({ targets }: CompareRecord): string[] {
  const rows = targets.flatMap((target) => target.selfReports?.map((report) => reportRow(target, report)) ?? [])
  if (rows.length === 0) return ['No target said anything of itself.']
  const silent = targets.filter(({ status, selfReports }) => status === 'measured' && !selfReports?.length)
  const head = [
    'target',
    'source',
    'what it says that it is',
    'its mean',
    'its p50',
    'its p99',
    'requests',
    'measured mean added',
    'ratio',
  ]
  return [
    ...markdownTable(head, rows, ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'right']),
    '',
    'The ratio is its mean over the mean added latency that was measured. A figure that a process takes of itself leaves out what happens before its first clock reading and after its last: the connection, the wait in the socket and for the event loop, and parsing and writing that its own definition does not name. Below 1, callers paid more than it says; above 1, it counts something that callers did not pay on top of the mock, such as the time of the provider.',
    ...(silent.length === 0 ? [] : ['', `Nothing of themselves said: ${silent.map(({ name }) => name).join(', ')}.`]),
  ]
}
