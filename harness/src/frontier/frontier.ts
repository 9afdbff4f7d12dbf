import { addedLatency } from '../compare/added-latency.ts'
import type { CompareConfig } from '../compare/config.ts'
import type { FrontierPoint, FrontierTarget, FrontierTrial } from '../compare/record.ts'
import type { Entry } from '../compare/rounds.ts'
import { readAboveMock } from '../compare/seconds.ts'
import { MockEndedError, planTurn, type TurnSetting } from '../compare/turn.ts'
import { TargetError } from '../errors.ts'
import { planConnections } from '../file-limits.ts'
import { readProcess } from '../process-tree.ts'
import { probeConnections } from '../probes.ts'
import { seededRandom } from '../random.ts'
import type { Result } from '../recording.ts'
import { loadTarget, requestTo } from '../run.ts'
import { summarize } from '../summary.ts'
import type { RunningTarget } from '../targets/target.ts'
import { closedLoop } from './closed-loop.ts'
import { frontierPoints, searchFrontier, type FrontierSearch } from './search.ts'

/** Measured part of a trial. */
export const TRIAL_MS = 3_000

/** How far a search goes, and how long its parts take. */
export interface FrontierOptions extends Pick<
  FrontierSearch,
  'boundsMs' | 'lowestPerSec' | 'highestPerSec' | 'precision' | 'maxTrials'
> {
  /** Measured part of a trial. @default 3_000 */
  trialMs: number
  /** Load before it; at least as long as the mock may take. @default 1_500 */
  trialWarmupMs: number
  /** @default 4_000 */
  closedLoopMs: number
}

const DEFAULTS: FrontierOptions = {
  boundsMs: [1, 5, 10, 50, 100, null],
  lowestPerSec: 1,
  // Beyond it one driver thread that shares two cores is the limit.
  highestPerSec: 20_000,
  precision: 1.15,
  maxTrials: 18,
  trialMs: TRIAL_MS,
  trialWarmupMs: 1_500,
  closedLoopMs: 4_000,
}

/**
 * More probes than a long run has, and still too few for the p99 of the floor: a lower percentile is taken off, so that the p99
 * added of a trial is too much rather than too little.
 */
const TRIAL_PROBES_PER_SEC = 50
const CLOSED_LOOP_CONNECTIONS_MIN = 64
/** Above it one thread that serves or sends is at its limit. */
const BUSY_MAX = 0.9

/**
 * Above it requests left so late, ms at p99, that the rate was not put to the target. A run's own check is stricter, for the sake of
 * its latencies from due; what a target adds is counted from sent.
 */
const LAG_MS_MAX = 5
/** The mock's own error, as a share of its delay. */
const MOCK_LATE_SHARE = 0.01

export interface FrontierObserver {
  onTrial: (name: string, ratePerSec: number) => void
}

/**
 * The most that one target carries: trials on one process, started anew when it died, then a closed loop beside them.
 *
 * @throws {MockEndedError} when the mock ended in the middle; the signal's reason, when it is aborted.
 */
export async function measureFrontier(
  entry: Entry,
  setting: TurnSetting,
  observer: FrontierObserver,
  options: FrontierOptions = DEFAULTS,
): Promise<FrontierTarget> {
  const { name } = entry
  const trials: FrontierTrial[] = []
  const site = new TrialSite(entry, setting, options)
  try {
    const { points } = await searchFrontier({
      ...options,
      startPerSec: setting.config.ratePerSec,
      signal: setting.signal,
      trial: async (ratePerSec) => {
        observer.onTrial(name, ratePerSec)
        const trial = await site.trial(ratePerSec)
        trials.push(trial)
        return trial
      },
    })
    const closed = await site.closedLoop(points)
    return { name, points, trials, ...(closed && { closedLoop: closed }) }
  } catch (error) {
    setting.signal.throwIfAborted()
    if (!(error instanceof TargetError) || error instanceof MockEndedError) throw error
    return { name, points: frontierPoints(options.boundsMs, trials), trials, reason: error.message }
  } finally {
    await site.stop()
  }
}

/** One running target, and trials on it. */
class TrialSite {
  readonly #entry: Entry
  readonly #setting: TurnSetting
  readonly #closedLoopMs: number
  #running: RunningTarget | undefined

  constructor(entry: Entry, setting: TurnSetting, options: FrontierOptions) {
    this.#entry = entry
    this.#closedLoopMs = options.closedLoopMs
    const config = {
      ...setting.config,
      durationMs: options.trialMs,
      warmupMs: Math.max(options.trialWarmupMs, setting.config.mockLatencyMs + setting.config.mockJitterMs),
      probeRatePerSec: TRIAL_PROBES_PER_SEC,
    }
    this.#setting = {
      ...setting,
      config,
      connections: connectionsAt(config, options.highestPerSec, setting.environment.files),
    }
  }

  async trial(ratePerSec: number): Promise<FrontierTrial> {
    const { mock, signal, command, environment } = this.#setting
    const running = await this.#start()
    const { config, plan } = planTurn(
      { target: this.#entry.target, kind: this.#entry.kind },
      { ...this.#setting, config: { ...this.#setting.config, ratePerSec } },
    )
    const startedAt = new Date()
    const measurement = await loadTarget(
      plan,
      { mock: mock.program, mockUrl: mock.url, target: { ...running, name: this.#entry.name }, pings: false },
      signal,
      { onPhase: () => undefined, onProgress: () => undefined },
    )
    signal.throwIfAborted()
    if (measurement.ended === 'mock') throw new MockEndedError(measurement.died!)
    const died = measurement.died !== undefined
    if (died) await this.stop()
    const times = { startedAt, finishedAt: new Date(), interrupted: died }
    const result = summarize({ ...measurement, ...times, command, config, plan, environment })
    return trialOf(ratePerSec, result, measurement.aboveMockLog, died)
  }

  async closedLoop(points: readonly FrontierPoint[]): Promise<FrontierTarget['closedLoop']> {
    const { mock, signal, config: base, connections: most } = this.#setting
    const best = points.find(({ boundMs }) => boundMs === null)?.ratePerSec ?? base.ratePerSec
    // Little's law, and as many again: fewer callers would be the limit themselves.
    const wanted = Math.ceil((best * base.mockLatencyMs * 2) / 1e3)
    const connections = Math.min(most, Math.max(CLOSED_LOOP_CONNECTIONS_MIN, wanted))
    const running = await this.#start()
    const { plan } = planTurn({ target: this.#entry.target, kind: this.#entry.kind }, this.#setting)
    const { path, headers, body, answerHolds } = requestTo(running, plan)
    const mockBefore = cpuMs(mock.program?.pid)
    const { busyRatio, ...figures } = await closedLoop({
      url: running.url,
      path,
      headers,
      body,
      ...(answerHolds !== undefined && { answerHolds }),
      connections,
      durationMs: this.#closedLoopMs,
      signal,
    })
    const mockBusy = (cpuMs(mock.program?.pid) - mockBefore) / figures.durationMs
    const limitedBy = mockBusy > BUSY_MAX ? 'mock' : busyRatio > BUSY_MAX ? 'driver' : undefined
    return { ...figures, ...(limitedBy && { limitedBy }) }
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  async #start(): Promise<RunningTarget> {
    const { mock, signal, connections } = this.#setting
    const { config } = planTurn({ target: this.#entry.target, kind: this.#entry.kind }, this.#setting)
    this.#running ??= await this.#entry.target.start({ config, mockUrl: mock.url, connections, signal })
    return this.#running
  }
}

function connectionsAt(config: CompareConfig, ratePerSec: number, files: number): number {
  return planConnections({
    ...config,
    ratePerSec,
    latencyMs: config.mockLatencyMs,
    limit: files,
    probes: probeConnections(config),
  })
}

function trialOf(ratePerSec: number, result: Result, aboveMockLog: string, died: boolean): FrontierTrial {
  const { seconds, basis } = readAboveMock(aboveMockLog)
  const added = addedLatency([{ round: 1, seconds }], { basis, random: seededRandom(1), replicates: 1 })
  const { failed, dropped } = result.requests
  const limitedBy = limitOf(result)
  return {
    ratePerSec,
    ...(added && { p99AddedMs: added.p99.value / 1e3 }),
    failed: failed + dropped + (died ? 1 : 0),
    sentPerSec: result.rate.sentPerSec,
    completedPerSec: result.rate.completedPerSec,
    ...(limitedBy && { limitedBy }),
  }
}

function limitOf({ driver, mock, plan, resources }: Result): FrontierTrial['limitedBy'] {
  const mockLateMs = mock.delayErrorMs?.p99 ?? 0
  const mockBusy = (resources.mock?.cpuCores ?? 0) > BUSY_MAX
  if (mockBusy || mockLateMs > Math.max(LAG_MS_MAX, plan.mockLatencyMs * MOCK_LATE_SHARE)) return 'mock'
  const late = (driver.scheduleLagMs?.p99 ?? 0) > LAG_MS_MAX
  return late || (driver.eventLoopUtilization ?? 0) > BUSY_MAX ? 'driver' : undefined
}

function cpuMs(pid: number | undefined): number {
  const reading = pid === undefined ? undefined : readProcess(pid)
  return reading ? reading.userMs + reading.systemMs : NaN
}
