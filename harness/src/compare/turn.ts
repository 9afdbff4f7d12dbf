import { setTimeout as sleep } from 'node:timers/promises'
import { probeArrivals } from '../arrivals.ts'
import { TargetError } from '../errors.ts'
import { LOGGED_LATENCY_US } from '../timeline.ts'
import { parseJsonObject } from '../json-object.ts'
import { planRun, type Plan } from '../plan.ts'
import { preflight } from '../preflight.ts'
import { processTree, readProcess } from '../process-tree.ts'
import type { RunningProgram } from '../processes.ts'
import type { Result } from '../recording.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { ANSWER_EXTRA_MS, loadTarget, requestTo, type RunMeasurement } from '../run.ts'
import { writeRunFolder } from '../run-folder.ts'
import { summarize } from '../summary.ts'
import { withTargetRequest } from '../targets/target-request.ts'
import type { RunningTarget, SelfReportSource, Target } from '../targets/target.ts'
import type { CompareConfig } from './config.ts'
import { checkCorrectness, type Correctness } from './correctness.ts'
import { MockAdmin, type StrictCounts } from './mock-admin.ts'
import type { Turn } from './record.ts'
import { readAboveMock, readLatencySeconds, type AboveMockSeconds } from './seconds.ts'
import { grownMetrics, readMetrics, type TurnReport } from './self-reports.ts'
import type { SparseCounts } from './sparse-counts.ts'

/** What is the same in every turn of a comparison. */
export interface TurnSetting {
  config: CompareConfig
  connections: number
  mock: { url: string; program?: RunningProgram }
  environment: Result['environment']
  /** Folder that the runs' own folders are made in. */
  runsDir: string
  command: string[]
  /** Rest after the first answer, before memory counts as idle, ms. @default 1_000 */
  settleMs?: number
  signal: AbortSignal
}

/** Whose turn it is. */
export interface TurnPlace {
  target: Target
  /** As it is called in the tables, and what it is. */
  name: string
  kind: string
  round: number
  position: number
  /** Look what it does to requests and answers as well: once is enough. */
  checkCorrectness: boolean
}

/** One turn and all that the comparison is drawn up from. */
export interface TurnFigures {
  turn: Turn
  version?: string
  result?: Result
  above?: AboveMockSeconds
  latency?: { target: SparseCounts }[]
  correctness?: Correctness
  strict?: StrictCounts
  reports: TurnReport[]
  /** It ended in the middle of the load. */
  died: boolean
}

/** The one mock of a comparison is gone: nothing can be measured any more, and no target is to blame. */
export class MockEndedError extends TargetError {}

/** For what a runtime does once after its first answer, before memory counts as idle. */
const SETTLE_MS = 1_000

/**
 * A turn: cold start, first answer, rest, warm-up and window, cool-down, stop. A target that cannot be started or dies is a turn
 * with a problem, not an error; the run's folder is written whenever there was a load.
 *
 * @throws {MockEndedError} when the mock ended in the middle; the signal's reason, when it is aborted.
 */
export async function takeTurn(place: TurnPlace, setting: TurnSetting): Promise<TurnFigures> {
  const turn: Turn = { round: place.round, position: place.position }
  const figures: TurnFigures = { turn, reports: [], died: false }
  const { config, plan } = planTurn(place, setting)
  const { mock, signal, connections } = setting
  let running: RunningTarget | undefined
  try {
    const calledAtMs = Date.now()
    running = await place.target.start({ config, mockUrl: mock.url, connections, signal })
    if (running.version !== undefined) figures.version = running.version
    const ready = {
      running: { ...running, name: place.name },
      startedAtMs: running.startedAtMs ?? calledAtMs,
      config,
      plan,
    }
    await startUp(ready, place, setting, figures)
    await load(ready, place, setting, figures)
    await sleep(config.cooldownMs, undefined, { signal })
    put(turn, 'recoveredMiB', residentMiB(running.pid))
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof TargetError) || error instanceof MockEndedError) throw error
    turn.problem ??= error.message
  } finally {
    await running?.stop()
  }
  return figures
}

/** The plan of a turn: the same for all, but for the model and the headers that the target wants. */
export function planTurn(
  { target, kind }: Pick<TurnPlace, 'target' | 'kind'>,
  { config: base, connections }: Pick<TurnSetting, 'config' | 'connections'>,
): { config: CompareConfig; plan: Plan } {
  const config = { ...withTargetRequest(base, target), target: kind }
  const plan = planRun(config, connections)
  const header = target.selfReports?.find((source) => source.kind === 'header')
  const request = header ? { ...plan.request, selfReport: { header: header.header, unit: header.unit } } : plan.request
  // Probes beside the mock itself too: that is the method's own zero.
  return { config, plan: { ...plan, request, probeRatePerSec: base.probeRatePerSec } }
}

/** A target that listens, and what is to be sent to it. */
interface Ready {
  running: RunningTarget
  startedAtMs: number
  config: CompareConfig
  plan: Plan
}

async function startUp(
  { running, startedAtMs, config, plan }: Ready,
  { target, checkCorrectness: check }: TurnPlace,
  { mock, signal, settleMs = SETTLE_MS }: TurnSetting,
  figures: TurnFigures,
): Promise<void> {
  const request = requestTo(running, plan)
  const timeoutMs = plan.mockLatencyMs + ANSWER_EXTRA_MS
  await preflight(running.url, request, timeoutMs, signal)
  if (running.managed) figures.turn.coldStartMs = Math.max(0, Date.now() - startedAtMs - plan.mockLatencyMs)
  await sleep(settleMs, undefined, { signal })
  put(figures.turn, 'idleMiB', residentMiB(running.pid))
  if (!check) return
  const urls = { target: running.url, mock: mock.url }
  figures.correctness = await checkCorrectness(urls, request, config.model, target.upstreamModel, timeoutMs)
}

async function load(
  { running, config, plan }: Ready,
  { target: { selfReports = [] } }: TurnPlace,
  setting: TurnSetting,
  figures: TurnFigures,
): Promise<void> {
  const { mock, signal } = setting
  const { path, body: text } = plan.request
  const admin = new MockAdmin(mock.url)
  const body = parseJsonObject(text)
  const strictOn = typeof body !== 'string' && (await admin.expect([{ path, body, ignore: ['model'] }]))
  const before = await readMetrics(running.url, selfReports)
  const startedAt = new Date()
  let answers = 0
  let measurement: RunMeasurement
  let strict: StrictCounts | undefined
  try {
    // Pings would be work that only one of the targets has.
    const programs = { mock: mock.program, mockUrl: mock.url, target: running, pings: false }
    measurement = await loadTarget(plan, programs, signal, {
      onPhase: () => undefined,
      onProgress: (live) => (answers = live.ok),
    })
    strict = strictOn ? await admin.report() : undefined
  } finally {
    if (strictOn) await admin.end()
  }
  const { result, folder } = await writeRun(measurement, startedAt, { config, plan }, setting)
  figures.turn.run = folder
  if (measurement.ended === 'mock') throw new MockEndedError(measurement.died!)
  takeOver(figures, result, measurement)
  if (!figures.died) {
    figures.reports.push(
      ...grownMetrics(before, await readMetrics(running.url, selfReports)),
      ...timedReports(selfReports, measurement),
    )
  }
  // How many of the planned probes were sent is known only of a load that was sent whole.
  if (!strict || figures.died) return
  const mockRequests = Math.max(0, strict.checked - probesPlanned(plan))
  figures.strict = { ...strict, checked: mockRequests }
  figures.turn.callerAnswers = answers
  figures.turn.mockRequests = mockRequests
}

async function writeRun(
  measurement: RunMeasurement,
  startedAt: Date,
  { config, plan }: Pick<Ready, 'config' | 'plan'>,
  { command, environment, signal, runsDir }: TurnSetting,
): Promise<{ result: Result; folder: string }> {
  const interrupted = signal.aborted || measurement.died !== undefined
  const times = { startedAt, finishedAt: new Date(), interrupted }
  const result = summarize({ ...measurement, ...times, command, config, plan, environment })
  const folder = await writeRunFolder(runsDir, {
    result,
    reportMarkdown: renderMarkdown(result),
    hlog: measurement.log,
    aboveMock: measurement.aboveMockLog,
  })
  return { result, folder }
}

function takeOver(figures: TurnFigures, result: Result, { aboveMockLog, log, died }: RunMeasurement): void {
  const { turn } = figures
  figures.result = result
  figures.above = readAboveMock(aboveMockLog)
  figures.latency = readLatencySeconds(log, LOGGED_LATENCY_US)
  figures.died = died !== undefined
  if (died !== undefined) turn.problem = died
  turn.valid = result.verdict.valid
  turn.failedChecks = result.verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name)
  turn.completedPerSec = result.rate.completedPerSec
  const { gateway } = result.resources
  const window = windowMiB(result)
  put(turn, 'steadyMiB', gateway?.rssMeanMiB)
  put(turn, 'peakMiB', window.length === 0 ? undefined : Math.max(...window))
  put(turn, 'cpuUsPerRequest', gateway?.cpuUsPerRequest)
  put(turn, 'growthMiBPerThousand', growthMiBPerThousand(result))
}

function timedReports(sources: readonly SelfReportSource[], { load: { main } }: RunMeasurement): TurnReport[] {
  const { selfReportedNs, inProcessOverheadNs } = main.distributions
  return sources.flatMap((source): TurnReport[] => {
    if (source.kind === 'header') return [{ source, ns: selfReportedNs }]
    return source.kind === 'server_timing' ? [{ source, ns: inProcessOverheadNs }] : []
  })
}

function windowMiB({ timeline }: Result): number[] {
  return timeline.flatMap(({ gatewayRssMiB }) => (gatewayRssMiB === undefined ? [] : [gatewayRssMiB]))
}

/** Least squares of resident memory over the seconds of the window; undefined when it was not measured in three of them. */
export function growthMiBPerThousand({ timeline, rate }: Pick<Result, 'timeline' | 'rate'>): number | undefined {
  const points = timeline.flatMap(({ second, gatewayRssMiB }) =>
    gatewayRssMiB === undefined ? [] : [{ second, mib: gatewayRssMiB }],
  )
  if (points.length < 3 || rate.completedPerSec === 0) return undefined
  const meanSecond = points.reduce((sum, { second }) => sum + second, 0) / points.length
  const meanMiB = points.reduce((sum, { mib }) => sum + mib, 0) / points.length
  const together = points.reduce((sum, { second, mib }) => sum + (second - meanSecond) * (mib - meanMiB), 0)
  const apart = points.reduce((sum, { second }) => sum + (second - meanSecond) ** 2, 0)
  return ((together / apart) * 1_000) / rate.completedPerSec
}

function probesPlanned(plan: Plan): number {
  const { warmupCount, count } = probeArrivals(plan, plan.probeRatePerSec, 0)
  return warmupCount + count
}

/** Of a process and all that it started. */
function residentMiB(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined
  const readings = processTree(pid, new Set()).map(readProcess)
  const kib = readings.reduce((sum, reading) => sum + (reading?.rssKiB ?? 0), 0)
  return kib === 0 ? undefined : kib / 1_024
}

function put<K extends keyof Turn>(turn: Turn, key: K, value: Turn[K] | undefined): void {
  if (value !== undefined) turn[key] = value
}
