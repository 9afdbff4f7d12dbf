import { compare, setScene } from '../compare/compare.ts'
import type { CompareConfig } from '../compare/config.ts'
import { renderCompareConsole } from '../report/compare-console.ts'
import type { CommandIo } from './io.ts'

/**
 * `bench compare`: several targets under the same load. Code 1 when a target has no valid turn or controls did not hold.
 *
 * @throws UsageError, TargetError before anything was measured; later everything measured is in the folder.
 */
export async function compareCommand(config: CompareConfig, io: CommandIo): Promise<{ exitCode: 0 | 1 | 130 }> {
  const scene = await setScene(config, 'compare', io.command, io.signal)
  const record = await compare(scene, { say: sayer(config, io) })
  if (config.json) io.stdout(`${JSON.stringify(record, null, 2)}\n`)
  else if (!config.quiet) io.stdout(renderCompareConsole(record, { color: io.color, folder: scene.folder.path }))
  if (io.signal.aborted) return { exitCode: 130 }
  const measured = record.targets.every(({ turns }) =>
    turns.some(({ counts, problem }) => counts === true && problem === undefined),
  )
  const controlled = record.control?.controls.every(({ holds }) => holds) ?? record.controlProblem === undefined
  return { exitCode: measured && controlled ? 0 : 1 }
}

/** Progress on stderr, where it is wanted. */
export function sayer(config: Pick<CompareConfig, 'quiet' | 'json'>, io: CommandIo): (line: string) => void {
  return (line) => {
    if (!config.quiet && !config.json) io.stderr(`${line}\n`)
  }
}
