import type { CompareRecord } from '../compare/record.ts'
import { addedLines, pairLines, type LatencyCharts } from './compare/added.ts'
import { answerText } from './compare/answer.ts'
import { conditionLines } from './compare/conditions.ts'
import { controlLines } from './compare/controls.ts'
import { costLines } from './compare/cost.ts'
import { doubts } from './compare/doubts.ts'
import { errorLines } from './compare/errors.ts'
import { plain } from './compare/prose.ts'
import { selfReportLines } from './compare/self-reports.ts'
import { comparisonTerms } from './compare/terms.ts'
import { turnLines } from './compare/turns.ts'
import { frontierLines } from './frontier-markdown.ts'
import { markdownTable } from './markdown-table.ts'

/** Ready markdown of each chart, put where it belongs; a chart without a key is left out. */
export interface CompareCharts extends LatencyCharts {
  frontier?: string
  memory?: string
}

function doubtLines(record: CompareRecord): string[] {
  const found = doubts(record)
  if (found.length === 0) return ['Nothing was flagged, and every target of the list was measured.']
  return found.map(({ about, text }) => `- **${about}**: ${plain(text)}`)
}

const termTable = (frontier: boolean) =>
  markdownTable(
    ['term', 'definition'],
    comparisonTerms({ frontier }).map(({ term, means }) => [term, means]),
    ['left', 'left'],
  )

/** report.md of a comparison. */
export function renderCompareMarkdown(record: CompareRecord, { charts }: { charts: CompareCharts }): string {
  const { targets, control, frontier } = record
  const sections: [title: string, lines: string[]][] = [
    ['What to know before using these figures', doubtLines(record)],
    ['Conditions', conditionLines(record)],
    ['Added latency', addedLines(record, charts)],
    ['Differences, pair by pair', pairLines(record)],
    ['What it costs', costLines(record, charts.memory)],
    ['Errors', errorLines(record)],
    ['What the gateways say of themselves', selfReportLines(record)],
    ...(frontier ? [['Frontier', frontierLines(frontier, charts.frontier)] satisfies [string, string[]]] : []),
    ['Negative controls', control ? controlLines(control) : ['None were run.']],
    ['Turns', turnLines(record)],
    ['What the words mean', termTable(frontier !== undefined)],
  ]
  const lines = [
    `# ${targets.map(({ name }) => name).join(', ')}: compared ${record.startedAt.slice(0, 10)}`,
    '',
    `**${plain(answerText(record))}**`,
    ...sections.flatMap(([title, body]) => ['', `## ${title}`, '', ...body]),
  ]
  return `${lines.join('\n')}\n`
}
