import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { Value } from 'typebox/value'
import { UsageError } from '../errors.ts'
import { renderCompareMarkdown, type CompareCharts } from '../report/compare-markdown.ts'
import { chartFiles, pictureMarkdown } from '../report/charts/files.ts'
import type { ThemedSvg } from '../report/charts/render.ts'
import { claimFolder, runFolderName } from '../run-folder.ts'
import { CompareRecordSchema, type CompareRecord } from './record.ts'

const RECORD_FILE = 'comparison.json'

/** The charts of a comparison, and what each says in words. */
const CHART_WORDS = {
  added: 'Added latency of each target with its 95% interval: mean, p50 and p99',
  latency: 'Latency of each target by percentile, from the instant at which a request was due',
  memory: 'Resident memory of each target inside the window, mean of all rounds',
  frontier: 'Largest rate that each target carried under each bound of its p99 added',
} satisfies Record<keyof CompareCharts, string>

type ChartName = keyof typeof CHART_WORDS

export type RenderedCharts = Partial<Record<ChartName, ThemedSvg>>

function pictureOf(name: ChartName): string {
  return pictureMarkdown(name, CHART_WORDS[name])
}

/** The pictures of the charts that lie in a comparison's folder, for its report. */
export async function chartsOf(path: string): Promise<CompareCharts> {
  const folder = path.endsWith('.json') ? dirname(path) : path
  const files = new Set(await readdir(folder))
  const names = Object.keys(CHART_WORDS) as ChartName[]
  return Object.fromEntries(names.filter((name) => files.has(`${name}.svg`)).map((name) => [name, pictureOf(name)]))
}

/** A comparison's own folder under `outDir`: `comparison.json`, `report.md`, charts, and its runs in `runs/`. */
export class CompareFolder {
  readonly path: string
  readonly id: string
  readonly runsDir: string

  private constructor(path: string) {
    this.path = path
    this.id = basename(path)
    this.runsDir = join(path, 'runs')
  }

  /** Makes a folder that was not there before. @param what `compare` or `calibrate` */
  static async claim(outDir: string, what: string, startedAt: Date, profile: string): Promise<CompareFolder> {
    const parent = resolve(outDir)
    await mkdir(parent, { recursive: true })
    const name = runFolderName({
      startedAt: startedAt.toISOString(),
      target: { name: what, url: '', managed: false },
      profile,
    })
    const folder = new CompareFolder(await claimFolder(parent, name))
    await mkdir(folder.runsDir)
    return folder
  }

  /** Writes, or writes anew, what is known by now, and returns it as it was written: runs relative to the folder. */
  async write(record: CompareRecord, charts: RenderedCharts = {}): Promise<CompareRecord> {
    const relativeRecord = { ...record, targets: record.targets.map((target) => this.#withRelativeRuns(target)) }
    const all = Object.entries(charts)
    for (const { name, svg } of chartFiles(all.map(([fileBase, chart]) => ({ fileBase, chart })))) {
      await writeFile(join(this.path, name), svg)
    }
    await this.#replace(RECORD_FILE, `${JSON.stringify(relativeRecord, null, 2)}\n`)
    const pictures = Object.fromEntries(all.map(([name]) => [name, pictureOf(name as ChartName)]))
    await this.#replace('report.md', renderCompareMarkdown(relativeRecord, { charts: pictures }))
    return relativeRecord
  }

  /** In one step: whoever ends bench in the middle of it finds what was there before. */
  async #replace(name: string, text: string): Promise<void> {
    const draft = join(this.path, `.draft-${name}`)
    await writeFile(draft, text)
    await rename(draft, join(this.path, name))
  }

  #withRelativeRuns(target: CompareRecord['targets'][number]): CompareRecord['targets'][number] {
    const turns = target.turns.map((turn) =>
      turn.run === undefined ? turn : { ...turn, run: relative(this.path, turn.run) },
    )
    return { ...target, turns }
  }
}

/** Whether a path is, or holds, a comparison and not a run. */
export async function isComparison(path: string): Promise<boolean> {
  const file = path.endsWith(RECORD_FILE) ? path : join(path, RECORD_FILE)
  return (await stat(file).catch(() => undefined))?.isFile() === true
}

/** Reads a comparison from its folder or its file. @throws UsageError that names the file and what is wrong */
export async function readComparison(path: string): Promise<CompareRecord> {
  const file = path.endsWith('.json') ? path : join(path, RECORD_FILE)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) throw new UsageError([`${file}: cannot be read; a comparison's folder holds one`])
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError([`${file}: is not JSON: ${error instanceof Error ? error.message : String(error)}`])
  }
  if (Value.Check(CompareRecordSchema, value)) return value
  throw new UsageError(
    Value.Errors(CompareRecordSchema, value).map(
      ({ instancePath, message }) => `${file}: ${instancePath || '/'} ${message}`,
    ),
  )
}
