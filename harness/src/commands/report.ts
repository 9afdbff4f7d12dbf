import { writeFile } from 'node:fs/promises'
import { chartsOf, isComparison, readComparison } from '../compare/folder.ts'
import { compareRuns } from '../comparison.ts'
import { UsageError } from '../errors.ts'
import { publishedFigures, type PublishedFigures } from '../published.ts'
import type { Result } from '../recording.ts'
import { renderCompareMarkdown } from '../report/compare-markdown.ts'
import { renderComparison } from '../report/comparison-markdown.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { readRun } from '../run-folder.ts'

export interface ReportOptions {
  /** Run folders or result.json files. */
  runs: string[]
  /** Put the published figures of the runs' profiles beside them. */
  published: boolean
  /** Write there instead of to stdout. */
  out?: string
}

/** Reads all runs, or throws one UsageError with the problems of every run that cannot be read. */
async function readRuns(paths: string[]): Promise<Result[]> {
  const results: Result[] = []
  const problems: string[] = []
  for (const path of paths) {
    try {
      results.push(await readRun(path))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new UsageError(problems)
  return results
}

function publishedOf(results: Result[]): PublishedFigures[] {
  const profiles = [...new Set(results.map(({ profile }) => profile))]
  const found = profiles.map(publishedFigures).filter((figures) => figures !== undefined)
  if (found.length > 0) return found
  throw new UsageError([
    `--published: nothing is published for ${profiles.join(', ')}; only for t3.medium and t3.xlarge`,
  ])
}

/** The report of a comparison, drawn up anew from what it recorded; its charts are the files beside it. */
async function comparisonReport(path: string): Promise<string> {
  const record = await readComparison(path)
  return renderCompareMarkdown(record, { charts: await chartsOf(path) })
}

/** `bench report A [B ...]`: the report of one run or one comparison, or several runs side by side. */
export async function runReportCommand(
  { runs, published, out }: ReportOptions,
  { stdout }: { stdout: (text: string) => void },
): Promise<void> {
  if (runs.length === 0)
    throw new UsageError(['report: name at least one run folder, as in bench report results/<run>'])
  const text = await reportText(runs, published)
  if (out === undefined) {
    stdout(text)
    return
  }
  try {
    await writeFile(out, text)
  } catch (error) {
    throw new UsageError([`--out: cannot write ${out}: ${error instanceof Error ? error.message : String(error)}`])
  }
  stdout(`${out}\n`)
}

async function reportText(paths: string[], published: boolean): Promise<string> {
  const [first] = paths
  if (first !== undefined && (await isComparison(first))) {
    const alone = paths.length === 1 && !published
    if (!alone) throw new UsageError([`${first}: is a comparison already; give it alone, without --published`])
    return comparisonReport(first)
  }
  const results = await readRuns(paths)
  return results.length === 1 && !published
    ? renderMarkdown(results[0]!)
    : renderComparison(compareRuns(results, published ? { published: publishedOf(results) } : {}))
}
