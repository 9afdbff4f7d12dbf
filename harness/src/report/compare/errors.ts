import type { CompareRecord, TargetRecord } from '../../compare/record.ts'
import { formatCount, NOT_MEASURED } from '../../units.ts'
import { NO_FIGURE } from '../cells.ts'
import { figureAlign, markdownTable } from '../markdown-table.ts'
import { code } from './prose.ts'

/** What went wrong by kind: requests without a right answer, requests altered on the way, answers damaged. */

function countsText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).filter(([, count]) => count > 0)
  return entries.length === 0 ? 'none' : entries.map(([kind, count]) => `${kind}: ${formatCount(count)}`).join(', ')
}

function requestRow({ name, requests }: TargetRecord): string[] {
  if (!requests) return [name, NOT_MEASURED, NO_FIGURE, NO_FIGURE, NO_FIGURE, NO_FIGURE, NO_FIGURE]
  const { planned, ok, failed, dropped, byStatus, byError } = requests
  return [name, ...[planned, ok, failed, dropped].map(formatCount), countsText(byStatus), countsText(byError)]
}

function strictRow({ name, strict }: TargetRecord): string[] {
  if (!strict) return [name, NOT_MEASURED, NO_FIGURE, NO_FIGURE, NO_FIGURE, NO_FIGURE]
  const { checked, wrong, byKind, answersChecked, answersDamaged } = strict
  return [
    name,
    formatCount(checked),
    formatCount(wrong),
    countsText(byKind),
    formatCount(answersChecked),
    formatCount(answersDamaged),
  ]
}

function exampleLines(targets: readonly TargetRecord[]): string[] {
  const examples = targets.flatMap(
    ({ name, strict }) => strict?.examples.map((text) => `- ${name}: ${code(text)}`) ?? [],
  )
  return examples.length === 0 ? [] : ['', 'Examples:', '', ...examples]
}

export function errorLines({ targets }: CompareRecord): string[] {
  const head = ['target', 'planned', 'ok', 'failed', 'dropped', 'by status', 'by error']
  const strictHead = ['target', 'requests checked', 'altered', 'differences by kind', 'answers checked', 'damaged']
  return [
    ...markdownTable(head, targets.map(requestRow), [...figureAlign(5), 'left', 'left']),
    '',
    'Requests as the mock saw them, compared with what the caller sent, and answers as the caller got them, compared with what the mock gives. Differences by kind include harmless ones, which do not count as altered.',
    '',
    ...markdownTable(strictHead, targets.map(strictRow), ['left', 'right', 'right', 'left', 'right', 'right']),
    ...exampleLines(targets),
  ]
}
