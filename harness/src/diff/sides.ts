import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { readLatencySeconds } from '../compare/seconds.ts'
import type { SparseCounts } from '../compare/sparse-counts.ts'
import { UsageError } from '../errors.ts'
import { LATENCY_US } from '../histogram.ts'
import type { Result } from '../recording.ts'
import { readRun } from '../run-folder.ts'
import { together } from './together.ts'

export type SideName = 'BASE' | 'NEW'

/** One run of a side. */
export interface SideRun {
  /** As it was named. */
  path: string
  result: Result
  /** Latencies from due, us, second by second; absent where the run has no latency.hlog. */
  seconds?: readonly SparseCounts[]
}

/** Repeats of the same thing: at least one run. */
export interface Side {
  name: SideName
  runs: readonly SideRun[]
}

/**
 * Reads one side: a run folder, several with commas between them, or a folder that holds run folders.
 *
 * @throws {UsageError} with every path that has no run and every run that cannot be read, or every run named twice.
 */
export async function readSide(name: SideName, text: string): Promise<Side> {
  const parts = text.split(',').map((path) => path.trim())
  const runs = (await together(parts.map((path) => readPart(name, path)))).flat()
  const problems = twice(name, runs)
  if (problems.length > 0) throw new UsageError(problems)
  return { name, runs }
}

async function readPart(name: SideName, path: string): Promise<SideRun[]> {
  const paths = await runPaths(name, path)
  return together(paths.map(readSideRun))
}

async function runPaths(name: SideName, path: string): Promise<string[]> {
  if (path === '') throw new UsageError([`${name}: an empty path; write run folders with commas between them`])
  if (!(await isFolder(path)) || (await isFile(join(path, 'result.json')))) return [path]
  const entries = await readdir(path)
  // A dot begins the name of a run that is being written.
  const folders = entries.filter((entry) => !entry.startsWith('.')).map((entry) => join(path, entry))
  const paths: string[] = []
  for (const folder of folders.sort()) if (await isFile(join(folder, 'result.json'))) paths.push(folder)
  if (paths.length > 0) return paths
  throw new UsageError([`${name}: ${path}: neither a run folder (with a result.json) nor a folder that holds some`])
}

/** The same run again would pass for a repeat, and the noise between runs for smaller than it is. */
function twice(name: SideName, runs: readonly SideRun[]): string[] {
  const places = runs.map(({ path }) => resolve(path))
  return runs
    .filter((_, i) => places.indexOf(places[i]!) !== i)
    .map(({ path }) => `${name}: ${path}: named twice; a run is one repeat`)
}

async function readSideRun(path: string): Promise<SideRun> {
  const result = await readRun(path)
  const file = join((await isFolder(path)) ? path : dirname(path), 'latency.hlog')
  if (!(await isFile(file))) return { path, result }
  return { path, result, seconds: parseLog(file, await readFile(file, 'utf8')) }
}

function parseLog(file: string, text: string): SparseCounts[] {
  try {
    return readLatencySeconds(text, LATENCY_US).map(({ target }) => target)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError([`${file}: is not a histogram log of latencies in us: ${reason}`])
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}
