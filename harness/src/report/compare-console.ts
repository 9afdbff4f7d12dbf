import { Chalk } from 'chalk'
import type { CompareRecord, TargetRecord } from '../compare/record.ts'
import { formatSuccess, formatUs, NOT_MEASURED } from '../units.ts'
import { NO_FIGURE } from './cells.ts'
import { percentileText } from './compare/added.ts'
import { answerText } from './compare/answer.ts'
import { doubts, type Doubt } from './compare/doubts.ts'
import { figureOr, mibInterval, usInterval, withoutInterval } from './compare/figures.ts'
import { whyUnranked } from './compare/standing.ts'
import { textTable, wrap, type Align } from './text-table.ts'

export interface CompareConsoleOptions {
  color: boolean
  /** Where the comparison has been written. */
  folder?: string
}

const WIDTH = 96
const INDENT = '  '

const HEAD = ['added latency', 'mean', 'p99', 'CPU/request', 'peak memory', 'success']
const ALIGN: Align[] = ['left', 'right', 'right', 'right', 'right', 'right']

/** A terminal has room for the intervals of the means; the others stand in report.md. */
function targetRow(target: TargetRecord): string[] {
  const { name, addedUs, cpuUsPerRequest, memoryMiB, requests } = target
  const why = whyUnranked(target)
  const title = INDENT + name + (why === undefined ? '' : ` (${why})`)
  if (!addedUs && !requests) return [title, NOT_MEASURED, ...HEAD.slice(2).map(() => NO_FIGURE)]
  return [
    title,
    figureOr(addedUs, ({ mean }) => usInterval(mean)),
    figureOr(addedUs, (added) => withoutInterval(percentileText(added, 'p99'))),
    figureOr(cpuUsPerRequest, (us) => withoutInterval(usInterval(us))),
    figureOr(memoryMiB, ({ peak }) => withoutInterval(mibInterval(peak))),
    figureOr(requests, ({ successRate }) => formatSuccess(successRate)),
  ]
}

function doubtLines({ about, text }: Doubt): string[] {
  const [first, ...rest] = wrap(`${about}: ${text.trim().replace(/\s+/g, ' ')}`, WIDTH - 4)
  return [`${INDENT}- ${first!}`, ...rest.map((line) => `${INDENT}${INDENT}${line}`)]
}

/** The summary that ends `bench compare`: the answer, what speaks against it, and one row a target. */
export function renderCompareConsole(record: CompareRecord, { color, folder }: CompareConsoleOptions): string {
  const paint = new Chalk({ level: color ? 1 : 0 })
  const against = doubts(record).flatMap(doubtLines)
  const [head, ...rows] = textTable([HEAD, ...record.targets.map(targetRow)], ALIGN)
  const smallest = figureOr(record.control, ({ smallestUs }) => `${formatUs(smallestUs)} us`)
  const lines = [
    ...wrap(answerText(record), WIDTH).map((line) => paint.bold(line)),
    ...(against.length === 0 ? [] : ['', paint.yellow.bold('Before using these figures'), ...against]),
    '',
    paint.bold(head),
    ...rows,
    `${INDENT}smallest difference that this machine can tell from none: ${smallest}`,
  ]
  if (folder !== undefined) lines.push('', `${paint.bold('Files')}  ${folder}: report.md, comparison.json`)
  return `${lines.join('\n')}\n`
}
