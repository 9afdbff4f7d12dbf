/** What several experiments need: the command line as a child, and figures as text. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseResult } from '../../harness/src/run-folder.ts'
import type { Result } from '../../harness/src/recording.ts'

const BENCH = fileURLToPath(new URL('../../harness/bin/bench.js', import.meta.url))

/** bench ended without a result; it has said why on stderr. */
export class BenchError extends Error {
  readonly exitCode: number | null

  constructor(exitCode: number | null) {
    super(`bench ended with code ${exitCode ?? 'none'}`)
    this.exitCode = exitCode
  }
}

/** Runs `bench ...args --json` and resolves with its result; prints the command first. An invalid run is a result too. */
export async function runBench(args: readonly string[]): Promise<Result> {
  console.log(`$ bench ${args.join(' ')}`)
  const child = spawn(process.execPath, [BENCH, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // A terminal's Ctrl-C reaches this process alone and is passed on once: a second one would end bench unwritten.
    detached: true,
  })
  // Interrupted, bench ends the programs that it has started.
  const stop = (): void => void child.kill('SIGINT')
  const events = ['SIGINT', 'SIGTERM', 'exit']
  for (const event of events) process.once(event, stop)
  const texts: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => texts.push(text))
  const [code] = (await once(child, 'close')) as [number | null]
  for (const event of events) process.removeListener(event, stop)
  if (code !== 0 && code !== 1) throw new BenchError(code)
  return parseResult(JSON.parse(texts.join('')), 'the output of bench')
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
