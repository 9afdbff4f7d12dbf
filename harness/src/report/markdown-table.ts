import type { Align } from './text-table.ts'

/** A pipe ends a cell and a newline ends the table, whatever a target calls itself. */
const escapeCell = (text: string) => text.replaceAll('|', String.raw`\|`).replace(/\s*\n\s*/g, ' ')

/** Lines of a table in GitHub's markdown, without a blank line around it. */
export function markdownTable(head: string[], rows: string[][], align: Align[]): string[] {
  const line = (cells: string[]) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(head), `|${align.map((side) => (side === 'right' ? ' ---: ' : ' --- ')).join('|')}|`, ...rows.map(line)]
}

/** The first column holds words, the rest figures. */
export function figureAlign(columns: number): Align[] {
  return Array.from({ length: columns }, (_, column) => (column === 0 ? 'left' : 'right'))
}
