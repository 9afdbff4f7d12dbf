import { addedLatency } from '../compare/added-latency.ts'
import { setScene, withMock, type CompareObserver, type CompareScene } from '../compare/compare.ts'
import { COMPARE_DEFAULTS, type CompareConfig } from '../compare/config.ts'
import type { FrontierTarget } from '../compare/record.ts'
import type { Entry } from '../compare/rounds.ts'
import { selfReports } from '../compare/self-reports.ts'
import { takeTurn, type TurnFigures, type TurnSetting } from '../compare/turn.ts'
import { measureFrontier } from '../frontier/frontier.ts'
import { seededRandom } from '../random.ts'
import type { Target } from '../targets/target.ts'
import type { Claim } from './claim.ts'
import { judgeClaim, type Judgement } from './judge.ts'
import type { Measured } from './metrics.ts'
import { plannedTest, type Here, type PlannedRun, type TestPlan } from './planned-test.ts'

export interface VerifyOptions {
  outDir: string
  allowLoaded: boolean
  command: string[]
  signal: AbortSignal
}

/** What came of a claim: without a judgement it cannot be tested here, and the plan says why. */
export interface Verification {
  claim: Claim
  plan: TestPlan
  judgement?: Judgement
  /** Folder of the runs; absent when there were none. */
  folder?: string
}

/**
 * Runs what a claim says, and judges it.
 *
 * @throws UsageError when the machine has other work; the signal's reason, when it is aborted.
 */
export async function verifyClaim(
  claim: Claim,
  here: Here,
  targets: readonly Target[],
  options: VerifyOptions,
  observer: CompareObserver,
): Promise<Verification> {
  const plan = plannedTest(claim, here)
  if (!plan.testable) return { claim, plan }
  const target = targets.find(({ name }) => name === plan.run.target)!
  const config = runConfig(plan.run, options)
  const scene = await setScene(config, `verify-${claim.id}`, options.command, options.signal)
  const measured = await withMock(scene, (mock) =>
    measure(
      { name: target.name, kind: target.name, target },
      plan.run,
      { ...scene, mock, runsDir: scene.folder.runsDir },
      observer,
    ),
  )
  return { claim, plan, judgement: judgeClaim(claim, plan, measured), folder: scene.folder.path }
}

function runConfig(run: PlannedRun, { outDir, allowLoaded }: VerifyOptions): CompareConfig {
  return {
    ...COMPARE_DEFAULTS,
    // The largest rate is looked for from here.
    ratePerSec: run.ratePerSec ?? COMPARE_DEFAULTS.ratePerSec,
    durationMs: run.durationMs,
    warmupMs: Math.max(COMPARE_DEFAULTS.warmupMs, run.mockLatencyMs),
    mockLatencyMs: run.mockLatencyMs,
    // A claim's mock answers after one and the same delay.
    mockJitterMs: 0,
    requestBytes: run.requestBytes,
    responseBytes: run.responseBytes,
    timeoutMs: run.timeoutMs,
    rounds: 1,
    cooldownMs: 0,
    outDir,
    allowLoaded,
  }
}

async function measure(
  entry: Entry,
  run: PlannedRun,
  setting: TurnSetting & Pick<CompareScene, 'signal'>,
  observer: CompareObserver,
): Promise<Measured> {
  let figures: TurnFigures | undefined
  if (run.ratePerSec !== undefined) {
    observer.say(`${entry.name} at ${run.ratePerSec}/s for ${run.durationMs / 1e3} s`)
    figures = await takeTurn({ ...entry, round: 1, position: 1, checkCorrectness: false }, setting)
    if (figures.turn.problem !== undefined) observer.say(`${entry.name}: ${figures.turn.problem}`)
  }
  const frontier = run.saturation
    ? await measureFrontier(entry, setting, {
        onTrial: (name, ratePerSec) => {
          observer.say(`${name} at ${ratePerSec}/s`)
        },
      })
    : undefined
  return measuredOf(figures, frontier)
}

/** Pure: every definition that a turn and a frontier give. */
export function measuredOf(figures: TurnFigures | undefined, frontier: FrontierTarget | undefined): Measured {
  const largest = frontier?.points.find(({ boundMs }) => boundMs === null)
  const maxPerSec = largest?.limitedBy === undefined ? largest?.ratePerSec : undefined
  const saturation = maxPerSec === undefined ? {} : { maxPerSec }
  const result = figures?.result
  // A run that never was has no check that failed; only the largest rate is known then.
  if (!figures) return { valid: true, failedChecks: [], ...saturation }
  const { above, turn } = figures
  const problems = turn.problem === undefined ? [] : [turn.problem]
  if (!result) return { valid: false, failedChecks: problems, ...saturation }
  const added =
    above &&
    addedLatency([{ round: 1, seconds: above.seconds }], { basis: above.basis, random: seededRandom(result.plan.seed) })
  const [selfReport] = selfReports([figures.reports], added?.mean.value)
  const { overheadUs, latencyMs, stagesUs, requests, rate, resources } = result
  return {
    valid: turn.valid === true && problems.length === 0,
    failedChecks: [...(turn.failedChecks ?? []), ...problems],
    ...saturation,
    ...(overheadUs?.published && { publishedUs: overheadUs.published.mean }),
    ...(overheadUs?.in_process && { inProcessUs: overheadUs.in_process.mean }),
    ...(stagesUs && {
      stagesUs: Object.fromEntries(Object.entries(stagesUs).map(([name, { mean }]) => [name, mean])),
    }),
    ...(added && { clientMeanUs: added.mean, clientP99Us: added.p99 }),
    ...(latencyMs && {
      latencyMeanMs: latencyMs.fromDue.mean,
      latencyP50Ms: latencyMs.fromDue.p50,
      latencyP90Ms: latencyMs.fromDue.p90,
      latencyP95Ms: latencyMs.fromDue.p95,
      latencyP99Ms: latencyMs.fromDue.p99,
    }),
    completedPerSec: rate.completedPerSec,
    successRate: requests.successRate,
    ...(resources.gateway && { peakMemoryMiB: resources.gateway.rssPeakMiB }),
    ...(selfReport?.p50Us !== undefined && { selfReportedP50Us: selfReport.p50Us }),
    ...(selfReport?.p99Us !== undefined && { selfReportedP99Us: selfReport.p99Us }),
  }
}
