import { execa } from 'execa'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Result } from '../recording.ts'
import { readRun } from '../run-folder.ts'

const BENCH = fileURLToPath(new URL('../../bin/bench.js', import.meta.url))

/** Starts the real command; never rejects, so that a test can read the exit code. */
export function bench(args: readonly string[]) {
  return execa(process.execPath, [BENCH, ...args], { reject: false, stdin: 'ignore', env: { NO_COLOR: '1' } })
}

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-test-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The one run that a command has written into `outDir`. */
export async function onlyRun(outDir: string): Promise<{ folder: string; result: Result; files: string[] }> {
  const [name, ...others] = await readdir(outDir)
  if (name === undefined || others.length > 0) throw new Error(`expected one run in ${outDir}`)
  const folder = join(outDir, name)
  return { folder, result: await readRun(folder), files: (await readdir(folder)).sort() }
}

/** Process ids of all that `root` has started and that still live, their descendants included. */
export function descendants(root: number): number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const ppid = parentOf(pid)
    if (ppid !== undefined) parents.set(pid, ppid)
  }
  const found = [root]
  for (const ancestor of found) {
    for (const [pid, ppid] of parents) if (ppid === ancestor) found.push(pid)
  }
  return found.slice(1)
}

/** False for a zombie too: it holds nothing any more. */
export function alive(pid: number): boolean {
  return parentOf(pid) !== undefined
}

function parentOf(pid: number): number | undefined {
  try {
    const [state, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return state === 'Z' ? undefined : Number(ppid)
  } catch {
    return undefined
  }
}

/** Waits until `condition` holds; fails after `limitMs`. */
export async function until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
