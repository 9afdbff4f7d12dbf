import type { RunConfig } from '../config.ts'
import { contradictions } from '../contradictions.ts'
import { describeEnvironment } from '../environment.ts'
import { TargetError, UsageError } from '../errors.ts'
import { checkFileLimits, planConnections } from '../file-limits.ts'
import { planRun } from '../plan.ts'
import { probeConnections } from '../probes.ts'
import { renderConsole } from '../report/console.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { performRun } from '../run.ts'
import { writeRunFolder } from '../run-folder.ts'
import { summarize } from '../summary.ts'
import { findTarget } from '../targets/find.ts'
import { withTargetRequest } from '../targets/target-request.ts'
import type { CommandIo } from './io.ts'
import { RunProgress } from './run-progress.ts'

/**
 * The main job: run, sum up, write the run's folder, print.
 *
 * @throws UsageError, TargetError; when the target died in the middle, what was measured before is on disk.
 */
export async function runCommand(given: RunConfig, io: CommandIo): Promise<{ exitCode: 0 | 1 | 130 }> {
  const config = withTargetRequest(given, await findTarget(given.target))
  // A longer name of a model needs a longer request.
  const problems = contradictions(config)
  if (problems.length > 0) throw new UsageError(problems)
  const environment = await describeEnvironment()
  const limits = { ...config, limit: environment.files, probes: probeConnections(config) }
  const connections = config.connections || planConnections({ ...limits, latencyMs: config.mockLatencyMs })
  checkFileLimits({ ...limits, connections })
  const plan = planRun(config, connections)
  const startedAt = new Date()

  const progress = new RunProgress(plan, io, !config.quiet && !config.json)
  const measurement = await performRun(config, plan, io.signal, progress).finally(() => {
    progress.clear()
  })
  const interrupted = io.signal.aborted || measurement.died !== undefined
  const result = summarize({
    ...measurement,
    command: io.command,
    startedAt,
    finishedAt: new Date(),
    interrupted,
    config,
    plan,
    environment,
  })
  const folder = await writeRunFolder(config.outDir, {
    result,
    reportMarkdown: renderMarkdown(result),
    hlog: measurement.log,
    aboveMock: measurement.aboveMockLog,
    hgrm: measurement.load.main.distributions.latencyUs.toPercentileText(1e3),
  })
  if (config.json) io.stdout(`${JSON.stringify(result, null, 2)}\n`)
  else if (!config.quiet) io.stdout(renderConsole(result, { color: io.color, folder }))
  if (measurement.died !== undefined)
    throw new TargetError(`${measurement.died}; what was measured before is in ${folder}`)
  if (io.signal.aborted) return { exitCode: 130 }
  return { exitCode: result.verdict.valid ? 0 : 1 }
}
