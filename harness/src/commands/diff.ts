import { writeFile } from 'node:fs/promises'
import { diffSides } from '../diff/diff.ts'
import { parseLimits } from '../diff/limits.ts'
import { readSide } from '../diff/sides.ts'
import { together } from '../diff/together.ts'
import { UsageError } from '../errors.ts'
import { seededRandom } from '../random.ts'
import { renderDiff } from '../report/diff-markdown.ts'

export interface DiffOptions {
  /** Each a run folder, several with commas between them, or a folder that holds run folders. */
  base: string
  now: string
  /** Values of `--max`: see limits.ts. */
  max: readonly string[]
  /** Compare runs whose verdict is INVALID as well. */
  allowInvalid: boolean
  json: boolean
  /** Write there instead of to stdout. */
  out?: string
}

/** Of the bootstrap: the same runs give the same intervals. */
const SEED = 1

/** `bench diff BASE NEW`: code 1 when a limit is exceeded beyond noise. */
export async function diffCommand(
  { base, now, max, allowInvalid, json, out }: DiffOptions,
  { stdout }: { stdout: (text: string) => void },
): Promise<{ exitCode: 0 | 1 }> {
  const [limits, baseSide, newSide] = await together([
    Promise.resolve(max).then(parseLimits),
    readSide('BASE', base),
    readSide('NEW', now),
  ])
  const diff = diffSides(baseSide, newSide, { limits, allowInvalid, random: seededRandom(SEED) })
  const text = json ? `${JSON.stringify(diff, null, 2)}\n` : renderDiff(diff)
  if (out === undefined) stdout(text)
  else {
    await write(out, text)
    stdout(`${out}\n`)
  }
  return { exitCode: diff.verdict === 'regression' ? 1 : 0 }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (error) {
    throw new UsageError([`--out: cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`])
  }
}
