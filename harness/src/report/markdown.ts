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
import { shellCommand } from './shell-command.ts'
import { figureAlign, markdownTable } from './markdown-table.ts'
import { TERMS } from './terms.ts'
import { timelineLines } from './timeline.ts'

const NO_ACCOUNT = `${NOT_MEASURED}: the target gives no account of its time.`

function figureTable(head: string[], rows: string[][]): string[] {
  return markdownTable(head, rows, figureAlign(head.length))
}

const pairTable = (pairs: Pair[]) => markdownTable(['', ''], pairs, ['left', 'left'])

function verdictLines(result: Result): string[] {
  const { verdict, requests } = result
  const broken = verdict.checks.filter((check) => !check.ok)
  const lines: string[] = []
  if (verdict.valid) {
    lines.push(`**VALID**: the measurement ${heldText(verdict)}.`)
  } else {
    lines.push(`**INVALID: do not use these numbers.** Failed: ${broken.map((check) => check.name).join(', ')}.`, '')
    for (const check of broken) {
      const { value, limit } = checkCells(check)
      lines.push(`- \`${check.name}\`: ${value} (limit ${limit}). ${check.means}`)
    }
  }
  const { good, lost } = grade(result)
  const answered = `${formatCount(requests.ok)} of ${formatCount(requests.planned)} requests answered`
  const rate = `success rate ${formatSuccess(requests.successRate)}`
  lines.push('')
  lines.push(
    good
      ? `**GOOD** ${result.target.name}: ${answered}, ${rate}.`
      : `**BAD** ${result.target.name}: ${answered}, ${formatCount(lost)} lost, ${rate}.`,
  )
  if (result.interrupted === true) lines.push('', '**INTERRUPTED**: the figures cover only what came before that.')
  return lines
}

function latencyLines({ latencyMs }: Result): string[] {
  if (!latencyMs) return [`${NOT_MEASURED}.`]
  const rows = LATENCY_ROWS.map(({ key, title }) => [title, ...distributionCells(latencyMs[key])])
  return figureTable(['ms', ...DISTRIBUTION_HEAD], rows)
}

function stageLines(result: Result): string[] {
  const stages = stageRows(result)
  if (!stages) return [NO_ACCOUNT]
  const rows = stages.map(({ title, cells, remark }) => [
    title,
    ...(cells ?? [remark ?? NOT_MEASURED, ...STAGE_HEAD.slice(1).map(() => '')]),
  ])
  return figureTable(['us', ...STAGE_HEAD], rows)
}

function ledgerLines(result: Result): string[] {
  const ledger = ledgerRows(result)
  if (!ledger) return [NO_ACCOUNT]
  const rows = ledger.map(({ title, cells, remark, covers }) => [title, ...cells, covers, remark])
  return markdownTable(['', ...LEDGER_HEAD, 'what it is', ''], rows, ['left', 'left', 'right', 'right', 'left', 'left'])
}

function beliefLines(result: Result): string[] {
  const rows = result.verdict.checks.map((check) => {
    const { value, limit } = checkCells(check)
    return [
      check.name,
      check.ok ? (check.value === undefined ? 'says nothing' : 'holds') : '**fails**',
      value,
      limit,
      check.means,
    ]
  })
  return markdownTable(['check', '', 'value', 'limit', 'what it means'], rows, [
    'left',
    'left',
    'right',
    'right',
    'left',
  ])
}

function rerunLines({ command, environment }: Result): string[] {
  if (!command) return ['The command was not recorded.']
  const commit = environment.gitCommit === undefined ? '' : `, commit ${environment.gitCommit}`
  return [`With Node ${environment.node}${commit}:`, '', '```sh', shellCommand(command), '```']
}

/** report.md of one run. */
export function renderMarkdown(result: Result): string {
  const overheads = overheadRows(result).map(({ name, cells, formula }) => [name, ...cells, formula])
  const lines = [
    `# ${result.target.name}, ${result.profile}: ${result.id}`,
    '',
    ...verdictLines(result),
    '',
    ...pairTable([...setUpPairs(result), ['started', result.startedAt], ['finished', result.finishedAt]]),
    '',
    '## Latency',
    '',
    ...latencyLines(result),
    '',
    '## Requests',
    '',
    ...pairTable(requestPairs(result)),
    '',
    '## Overhead',
    '',
    ...markdownTable(['us', ...OVERHEAD_HEAD, 'definition'], overheads, ['left', 'right', 'right', 'right', 'left']),
    '',
    '## Stages of the gateway',
    '',
    ...stageLines(result),
    '',
    '## Ledger of the mean request',
    '',
    ...ledgerLines(result),
    '',
    '## Resources',
    '',
    ...figureTable(
      ['', ...RESOURCE_HEAD],
      resourceRows(result).map(({ name, cells }) => [name, ...cells]),
    ),
    '',
    `Host: ${hostText(result)}.`,
    '',
    '## Why these numbers may be believed',
    '',
    ...beliefLines(result),
    '',
    'The instruments themselves:',
    '',
    ...pairTable(instrumentPairs(result)),
    '',
    '## Second by second',
    '',
    ...timelineLines(result.timeline),
    '',
    '## What the words mean',
    '',
    ...markdownTable(
      ['term', 'definition'],
      TERMS.map(({ term, means }) => [term, means]),
      ['left', 'left'],
    ),
    '',
    '## Run it again',
    '',
    ...rerunLines(result),
  ]
  return `${lines.join('\n')}\n`
}
