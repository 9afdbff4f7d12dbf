import type { Cell, ComparedRun, Comparison, ComparisonRow, Improvement } from '../comparison.ts'
import { unlikePublished, type Difference } from '../differences.ts'
import {
  formatExact,
  formatMiB,
  formatMs,
  formatNumber,
  formatSignedPct,
  formatSuccess,
  formatUs,
  NOT_MEASURED,
} from '../units.ts'
import { machines } from '../facts.ts'
import { figureAlign, markdownTable } from './markdown-table.ts'

const NO_IMPROVEMENT = '-'

function figure({ unit, value }: { unit: Cell['unit']; value: number }): string {
  switch (unit) {
    case 'ratio':
      return formatSuccess(value)
    case 'ms':
      return `${formatMs(value)} ms`
    case 'us':
      return `${formatUs(value)} us`
    case 'MiB':
      return `${formatMiB(value)} MiB`
    case 'MB':
      return `${formatExact(value)} MB`
  }
}

function runCell({ unit, value, belowClockUs }: Cell): string {
  if (belowClockUs !== undefined) {
    const batch = value === undefined ? NOT_MEASURED : figure({ unit, value })
    return `< clock (${formatNumber(belowClockUs, 2)} us); batch ${batch}`
  }
  return value === undefined ? NOT_MEASURED : figure({ unit, value })
}

/** With all the digits that were published, and no more. */
function publishedCell({ unit, value }: Cell): string {
  if (value === undefined) return 'not published'
  return unit === 'ratio' ? formatSuccess(value) : `${formatExact(value)} ${unit}`
}

function improvementCell(improvement: Improvement | undefined, sound: boolean): string {
  if (!improvement) return NO_IMPROVEMENT
  const { change, better } = improvement
  const size = improvement.in === 'percent' ? formatSignedPct(change) : `${formatPoints(change)} points`
  // What rounds to nothing is neither better nor worse.
  if (!sound || better === undefined || !/[1-9]/.test(size)) return size
  return `${size} ${better ? 'better' : 'worse'}`
}

function formatPoints(points: number): string {
  return `${points > 0 ? '+' : ''}${formatExact(Number(points.toFixed(4)))}`
}

function columnHead({ letter, result, failedChecks }: ComparedRun): string {
  const marks = [
    ...(result.verdict.valid ? [] : [`INVALID: ${failedChecks.join(', ')}`]),
    ...(result.interrupted === true ? ['INTERRUPTED'] : []),
  ]
  const mark = marks.length === 0 ? '' : ` **${marks.join('; ')}**`
  return `${letter}: ${result.target.name}, ${result.profile}${mark}`
}

function differenceTable(runs: ComparedRun[], differences: Difference[]): string[] {
  const head = ['', ...runs.map(({ letter }) => letter)]
  return markdownTable(
    head,
    differences.map(({ label, values }) => [label, ...values]),
    figureAlign(head.length),
  )
}

function warningLines({ runs, incomparable }: Comparison): string[] {
  const lines: string[] = []
  for (const { letter, result, failedChecks } of runs) {
    if (!result.verdict.valid) {
      lines.push(`**Run ${letter} is INVALID** (${failedChecks.join(', ')}): its figures must not be used.`, '')
    }
  }
  const blocking = incomparable.filter(({ severity }) => severity === 'blocks')
  if (blocking.length > 0) {
    lines.push(
      '**These runs are not comparable**: not the same work on the same machine. They differ in',
      '',
      ...differenceTable(runs, blocking),
      '',
    )
  }
  const notes = incomparable.filter(({ severity }) => severity === 'note')
  if (notes.length > 0) {
    lines.push(
      blocking.length > 0
        ? 'They also differ in'
        : 'The same work on the same machine; worth knowing that the runs differ in',
      '',
      ...differenceTable(runs, notes),
      '',
    )
  }
  if (incomparable.length === 0 && runs.length > 1) {
    lines.push('The runs had the same plan, payload, mock, machine and runtime.', '')
  }
  return lines
}

function runTable(runs: ComparedRun[]): string[] {
  const rows = runs.map(({ letter, result }) => [
    letter,
    result.id,
    result.target.version === undefined ? result.target.name : `${result.target.name} ${result.target.version}`,
    result.profile,
    result.verdict.valid ? 'valid' : '**INVALID**',
    machines(result).real,
  ])
  return markdownTable(['', 'run', 'target', 'profile', 'verdict', 'really ran on'], rows, figureAlign(6).fill('left'))
}

function legendLines({ runs, sound }: Comparison): string[] {
  const lines = [
    "Latencies are ms from the instant at which a request was due; stages and overheads are means in us; the gateway's memory is resident memory in MiB. Warm-up excluded.",
  ]
  if (runs.length === 2) {
    lines.push(
      'Improvement is the change from A to B: (B - A) / A in %, so that a minus is better wherever less is better, which is every row but the success rate; the success rate is B - A in percentage points.' +
        (sound ? '' : ' Better and worse are not said here, for the reasons above the table.'),
      'One run a side carries no confidence interval: before believing a small change, repeat both, interleaved.',
    )
  }
  return lines.flatMap((line) => ['', line])
}

function publishedLines({ runs, published }: Comparison): string[] {
  if (published.length === 0) return []
  const lines = [
    '',
    '## The published columns',
    '',
    'Published by others, on other machines, with other software: nothing in these columns was measured by this project or on this machine, and no improvement is computed against them.',
    'Figures are as published, times converted to the unit of their row; whether MB means 10^6 or 2^20 bytes is not said there. Nor is how latency was counted (from due or from sent).',
    '',
  ]
  for (const { name, profile, source, conditions } of published) {
    lines.push(`- **${name}, ${profile}**: ${source}. ${conditions.join('; ')}.`)
  }
  for (const { letter, result } of runs) {
    const theirs = published.find(({ profile }) => profile === result.profile)
    const unlike = theirs ? unlikePublished(result, theirs) : []
    if (unlike.length === 0) continue
    const list = unlike.map(([what, own, other]) => `${formatExact(own)} ${what} (published: ${formatExact(other)})`)
    lines.push('', `**Run ${letter} had another load than the published figures of its profile**: ${list.join(', ')}.`)
  }
  return lines
}

function tableRow(row: ComparisonRow, { runs, sound }: Comparison): string[] {
  const improvement = runs.length === 2 ? [improvementCell(row.improvement, sound)] : []
  return [row.metric, ...row.cells.map(runCell), ...improvement, ...row.published.map(publishedCell)]
}

/** The comparison as markdown: what makes the runs incomparable first, then the table in the published shape. */
export function renderComparison(comparison: Comparison): string {
  const { runs, published, rows, sound } = comparison
  const head = [
    'Metric',
    ...runs.map(columnHead),
    ...(runs.length === 2 ? [sound ? 'Improvement' : 'Improvement (not to be relied on)'] : []),
    ...published.map(({ name, profile }) => `published: ${name}, ${profile}`),
  ]
  const lines = [
    `# ${runs.map(({ letter, result }) => `${letter}: ${result.target.name}, ${result.profile}`).join(' against ')}`,
    '',
    ...warningLines(comparison),
    ...runTable(runs),
    '',
    ...markdownTable(
      head,
      rows.map((row) => tableRow(row, comparison)),
      figureAlign(head.length),
    ),
    ...legendLines(comparison),
    ...publishedLines(comparison),
  ]
  return `${lines.join('\n')}\n`
}
