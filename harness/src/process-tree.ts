import { readdirSync, readFileSync } from 'node:fs'
import { parseChildren, parseProcessMemory, parseProcessStat } from './proc-texts.ts'

/** A process and what it started, less the trees that are measured on their own. */

export interface ProcessReading {
  pid: number
  userMs: number
  systemMs: number
  rssKiB: number
  peakKiB?: number
}

/** A text under /proc; undefined when it is not there: another system, or a process that has just ended. */
export function readProcText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

export function readProcess(pid: number): ProcessReading | undefined {
  const stat = parseProcessStat(readProcText(`/proc/${pid}/stat`) ?? '')
  const memory = parseProcessMemory(readProcText(`/proc/${pid}/status`) ?? '')
  if (!stat || !memory) return undefined
  return { pid, userMs: stat.userMs, systemMs: stat.systemMs, ...memory }
}

/** The root and all its descendants, in no set order, without any of `apart` and what is under them. */
export function processTree(root: number, apart: ReadonlySet<number>): number[] {
  const found = [root]
  // The list grows while it is walked.
  for (const pid of found) {
    for (const child of childrenOf(pid)) if (!apart.has(child)) found.push(child)
  }
  return found
}

function childrenOf(pid: number): number[] {
  try {
    // A process keeps one list of children for each of its threads.
    return readdirSync(`/proc/${pid}/task`).flatMap((tid) =>
      parseChildren(readProcText(`/proc/${pid}/task/${tid}/children`) ?? ''),
    )
  } catch {
    return []
  }
}
