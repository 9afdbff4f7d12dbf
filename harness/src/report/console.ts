import { Chalk, type ChalkInstance } from 'chalk'
import type { Result } from '../recording.ts'
import { formatCount, formatSuccess, NOT_MEASURED } from '../units.ts'
import {
  checkCells,
  DISTRIBUTION_HEAD,
  distributionCells,
  heldText,
  hostText,
  instrumentPairs,
  LATENCY_ROWS,
  LEDGER_HEAD,
  ledgerRows,
  OVERHEAD_HEAD,
  overheadRows,
  requestPairs,
  RESOURCE_HEAD,
  resourceRows,
  setUpPairs,
  STAGE_HEAD,
  stageRows,
  type Pair,
} from './cells.ts'
import { grade } from '../facts.ts'
import { textTable, wrap, type Align } from './text-table.ts'

export interface ConsoleOptions {
  color: boolean
  /** The run's folder, when it has been written. */
  folder?: string
}

const WIDTH = 96
const INDENT = '  '
const NO_ACCOUNT = `${NOT_MEASURED}: the target gives no account of its time`

/** A heading whose line is also the head of its columns, and the rows indented under it. */
function section(paint: ChalkInstance, head: string[], rows: string[][], align: Align[]): string[] {
  const [first, ...rest] = textTable([head, ...rows.map(([title, ...cells]) => [INDENT + title!, ...cells])], align)
  return ['', paint.bold(first), ...rest]
}

/** What would be much too long for a line goes on below its beginning. */
function wrapped([label, text]: Pair): Pair[] {
  if (text.length <= 2 * WIDTH) return [[label, text]]
  return wrap(text, WIDTH).map((line, i) => [i === 0 ? label : '', line])
}

const numeric = (columns: number): Align[] => ['left', ...Array.from({ length: columns }, (): Align => 'right')]

function verdictLines(result: Result, paint: ChalkInstance): string[] {
  const { verdict, requests } = result
  const lines: string[] = []
  const broken = verdict.checks.filter((check) => !check.ok)
  lines.push(
    verdict.valid
      ? `${paint.green.bold('VALID')}    the measurement ${heldText(verdict)}`
      : `${paint.red.bold('INVALID')}  do not use these numbers; failed: ${broken.map((check) => check.name).join(', ')}`,
  )
  for (const check of broken) {
    const { value, limit } = checkCells(check)
    lines.push(`${INDENT}${check.name}: ${value} (limit ${limit})`)
    lines.push(...wrap(check.means, WIDTH - 4).map((line) => `${INDENT}${INDENT}${line}`))
  }
  const { good, lost } = grade(result)
  const answered = `${formatCount(requests.ok)} of ${formatCount(requests.planned)} requests answered`
  const rate = `success rate ${formatSuccess(requests.successRate)}`
  lines.push(
    good
      ? `${paint.green.bold('GOOD')}     ${result.target.name}: ${answered}, ${rate}`
      : `${paint.red.bold('BAD')}      ${result.target.name}: ${answered}, ${formatCount(lost)} lost, ${rate}`,
  )
  if (result.interrupted === true) lines.push('INTERRUPTED  the figures cover only what came before that')
  return lines
}

function latencyLines({ latencyMs }: Result, paint: ChalkInstance): string[] {
  if (!latencyMs) return ['', paint.bold('Latency, ms'), `${INDENT}${NOT_MEASURED}`]
  const rows = LATENCY_ROWS.map(({ key, short }) => [short, ...distributionCells(latencyMs[key])])
  return section(paint, ['Latency, ms', ...DISTRIBUTION_HEAD], rows, numeric(DISTRIBUTION_HEAD.length))
}

function stageLines(result: Result, paint: ChalkInstance): string[] {
  const stages = stageRows(result)
  if (!stages) return ['', paint.bold('Stages, us'), `${INDENT}${NO_ACCOUNT}`]
  // A remark must not widen the column of means: such rows are laid out with empty cells, and the remark put behind.
  const titleWidth = Math.max(...stages.map(({ title }) => title.length))
  const rows = stages.map(({ title, cells }) => [title, ...(cells ?? STAGE_HEAD.map(() => ''))])
  const [blank, head, ...lines] = section(paint, ['Stages, us', ...STAGE_HEAD], rows, numeric(STAGE_HEAD.length))
  const withRemarks = stages.map(({ title, remark }, i) =>
    remark === undefined ? lines[i]! : `${INDENT}${title.padEnd(titleWidth)}${INDENT}${remark}`,
  )
  return [blank!, head!, ...withRemarks]
}

function ledgerLines(result: Result, paint: ChalkInstance): string[] {
  const ledger = ledgerRows(result)
  if (!ledger) return ['', paint.bold('Ledger'), `${INDENT}${NO_ACCOUNT}`]
  // What each row covers stands in report.md; a terminal has no room for it.
  const rows = ledger.map(({ title, cells, remark }) => [title, ...cells, remark])
  return section(paint, ['Ledger', ...LEDGER_HEAD, ''], rows, ['left', 'left', 'right', 'right', 'left'])
}

/** The summary that ends a run, for 80 to 100 columns; every figure comes from the result as it stands. */
export function renderConsole(result: Result, { color, folder }: ConsoleOptions): string {
  const paint = new Chalk({ level: color ? 1 : 0 })
  const overheads = overheadRows(result).map(({ name, cells, brief }) => [name, ...cells, brief])
  const resources = resourceRows(result).map(({ name, cells }) => [name, ...cells])
  const lines = [
    ...verdictLines(result, paint),
    '',
    ...textTable(setUpPairs(result).flatMap(wrapped), ['left', 'left']),
    ...latencyLines(result, paint),
    ...section(paint, ['Requests', ''], requestPairs(result), ['left', 'left']),
    ...section(paint, ['Instruments', ''], instrumentPairs(result), ['left', 'left']),
    ...section(paint, ['Overhead, us', ...OVERHEAD_HEAD, ''], overheads, ['left', 'right', 'right', 'right', 'left']),
    ...stageLines(result, paint),
    ...ledgerLines(result, paint),
    ...section(paint, ['Resources', ...RESOURCE_HEAD], resources, numeric(RESOURCE_HEAD.length)),
    `${INDENT}host: ${hostText(result)}`,
  ]
  if (folder !== undefined) lines.push('', `${paint.bold('Files')}  ${folder}: report.md, result.json`)
  return `${lines.join('\n')}\n`
}
