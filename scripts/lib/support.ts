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

/** `bench ...args --json`, a run: its result. An invalid run is a result too. */
export async function runBench(args: readonly string[]): Promise<Result> {
  return parseResult(await runBenchJson(args), 'the output of bench')
}

/**
 * Runs `bench ...args --json` and resolves with what it printed; prints the command first.
 * @throws {BenchError} when bench ended with another code than 0 or 1
 */
export async function runBenchJson(args: readonly string[]): Promise<unknown> {
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
  return JSON.parse(texts.join('')) as unknown
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
