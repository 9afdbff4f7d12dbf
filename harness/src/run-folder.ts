import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Value } from 'typebox/value'
import { UsageError } from './errors.ts'
import { ResultSchema, type Result } from './recording.ts'

export interface RunFiles {
  result: Result
  reportMarkdown: string
  /** HDR histogram log, as public plotters read it. */
  hlog?: string
  /** Histogram log of what was waited above the mock: see above-mock.ts. */
  aboveMock?: string
  /** Percentile distribution of one histogram, as public plotters read it. */
  hgrm?: string
}

/** Of a run's folder. */
export const ABOVE_MOCK_FILE = 'above-mock.hlog'

/** Longest stretch of a target's or profile's name that goes into a folder name. */
const MAX_PART_CHARS = 60

/** Letters, digits, dot and dash only, so that a URL or a path is a folder name on every file system. */
function safePart(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^[-.]+|[-.]+$/g, '')
  return safe.slice(0, MAX_PART_CHARS) || 'unnamed'
}

/** `<utc time>-<target>-<profile>` @example '20261120T170331Z-builtin-t3.medium' */
export function runFolderName(result: Pick<Result, 'startedAt' | 'target' | 'profile'>): string {
  const started = new Date(result.startedAt)
  const utc = started.toISOString().replace(/[-:]|\.\d+/g, '')
  return `${utc}-${safePart(result.target.name)}-${safePart(result.profile)}`
}

/** Makes a folder that was not there before: two runs of one second get `-2`, `-3`. */
export async function claimFolder(outDir: string, name: string): Promise<string> {
  for (let n = 1; ; n++) {
    const folder = join(outDir, n === 1 ? name : `${name}-${n}`)
    try {
      await mkdir(folder)
      return folder
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}

/**
 * Writes a run's own folder under `outDir` and returns its path. Readers see the whole folder or none of its files,
 * and no earlier run is ever touched.
 */
export async function writeRunFolder(outDir: string, files: RunFiles): Promise<string> {
  const parent = resolve(outDir)
  await mkdir(parent, { recursive: true })
  const draft = join(parent, `.draft-${randomUUID()}`)
  await mkdir(draft)
  try {
    await writeFile(join(draft, 'result.json'), `${JSON.stringify(files.result, null, 2)}\n`)
    await writeFile(join(draft, 'report.md'), files.reportMarkdown)
    if (files.hlog !== undefined) await writeFile(join(draft, 'latency.hlog'), files.hlog)
    if (files.aboveMock !== undefined) await writeFile(join(draft, ABOVE_MOCK_FILE), files.aboveMock)
    if (files.hgrm !== undefined) await writeFile(join(draft, 'latency.hgrm'), files.hgrm)
    const folder = await claimFolder(parent, runFolderName(files.result))
    // rename() takes the place of an empty folder in one step, and only of an empty one: the claim made above.
    await rename(draft, folder)
    return folder
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Value at a JSON pointer, as short text for an error message. */
function valueAt(root: unknown, pointer: string): string {
  let value = root
  for (const key of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return 'nothing'
    value = (value as Record<string, unknown>)[key.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) return 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** A result.json that has been parsed as JSON, checked; `file` is only for messages. */
export function parseResult(value: unknown, file: string): Result {
  if (isObject(value) && 'schemaVersion' in value && value.schemaVersion !== 1) {
    throw new UsageError([`${file}: /schemaVersion is ${valueAt(value, '/schemaVersion')}; this bench reads version 1`])
  }
  if (Value.Check(ResultSchema, value)) return value
  // TypeBox itself stops listing after a few, which is enough to see what kind of file this is.
  const problems = Value.Errors(ResultSchema, value).map(({ instancePath, keyword, message }) => {
    const found = keyword === 'required' ? '' : `, got ${valueAt(value, instancePath)}`
    return `${file}: ${instancePath || '/'} ${message}${found}`
  })
  throw new UsageError(problems)
}

/** Reads a run from its folder, or from a result.json. Throws a UsageError that names the file and what is wrong. */
export async function readRun(path: string): Promise<Result> {
  const info = await stat(path).catch(() => undefined)
  if (!info) throw new UsageError([`${path}: there is no such run folder or result.json`])
  const file = info.isDirectory() ? join(path, 'result.json') : path
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) throw new UsageError([`${file}: cannot be read; a run folder holds a result.json`])
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError([`${file}: is not JSON: ${error instanceof Error ? error.message : String(error)}`])
  }
  return parseResult(value, file)
}
