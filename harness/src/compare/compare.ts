import { measureControls, SHORT_DELAYS_US, shortControls } from '../calibrate/controls.ts'
import { describeEnvironment } from '../environment.ts'
import { TargetError } from '../errors.ts'
import { checkFileLimits, planConnections } from '../file-limits.ts'
import { measureFrontier, TRIAL_MS } from '../frontier/frontier.ts'
import { startMock } from '../mock-process.ts'
import { probeConnections } from '../probes.ts'
import type { RunningProgram } from '../processes.ts'
import { seededRandom } from '../random.ts'
import { findTarget } from '../targets/find.ts'
import { renderCharts } from './charts.ts'
import { withPossibleJitter, type CompareConfig } from './config.ts'
import { drawUpComparison, type CompareInput, type MeasuredTarget } from './draw-up.ts'
import { CompareFolder } from './folder.ts'
import { requireRest } from './machine.ts'
import { shuffledRounds } from './order.ts'
import type { CompareRecord, ControlRecord, FrontierRecord } from './record.ts'
import { takeRounds, type Entry, type RoundsObserver } from './rounds.ts'
import { MockEndedError, type TurnFigures, type TurnSetting } from './turn.ts'

/** What tells a person how it goes: one line each. */
export interface CompareObserver {
  say: (line: string) => void
}

/** Of a record that is written while more is to come: its intervals are rough, and quickly made. */
const DRAFT_REPLICATES = 50

/** What stands before the first turn: machine, targets that are there, mock. */
export interface CompareScene {
  config: CompareConfig
  command: string[]
  environment: Awaited<ReturnType<typeof describeEnvironment>>
  machine: CompareRecord['machine']
  connections: number
  startedAt: Date
  folder: CompareFolder
  signal: AbortSignal
}

/**
 * Looks at the machine and claims a folder for the results.
 *
 * @throws {UsageError} when the machine has other work, or too few file descriptors; nothing has been started then.
 */
export async function setScene(
  given: CompareConfig,
  what: string,
  command: string[],
  signal: AbortSignal,
): Promise<CompareScene> {
  const config = withPossibleJitter(given)
  const environment = await describeEnvironment()
  const limits = { ...config, limit: environment.files, probes: probeConnections(config) }
  const connections = config.connections || planConnections({ ...limits, latencyMs: config.mockLatencyMs })
  checkFileLimits({ ...limits, connections })
  const machine = await requireRest(config.allowLoaded, signal)
  const startedAt = new Date()
  const folder = await CompareFolder.claim(config.outDir, what, startedAt, config.profile)
  return { config, command, environment, machine, connections, startedAt, folder, signal }
}

/** The one mock of a comparison, for as long as `use` takes. */
export async function withMock<T>(
  { config, signal }: Pick<CompareScene, 'config' | 'signal'>,
  use: (mock: TurnSetting['mock']) => Promise<T>,
): Promise<T> {
  if (config.mockUrl !== undefined) return use({ url: config.mockUrl })
  const program: RunningProgram = await startMock(config, signal)
  try {
    return await use({ url: program.url, program })
  } finally {
    await program.stop()
  }
}

/**
 * The whole comparison: controls, rounds, frontier. What has been measured is in the folder after each round, and at the end
 * whatever ended it; an aborted signal ends it early.
 *
 * @throws what ended it, when that was not the signal; the record is written all the same.
 */
export async function compare(scene: CompareScene, observer: CompareObserver): Promise<CompareRecord> {
  const { config, signal, folder } = scene
  const { entries, missing } = await findEntries(config, observer)
  const random = seededRandom(config.seed)
  const order = shuffledRounds(
    entries.map(({ name }) => name),
    config.rounds,
    random,
  )
  const turns = new Map<string, TurnFigures[]>()
  const more: Controls & { frontier?: FrontierRecord } = {}
  const inputNow = (): CompareInput => ({
    ...scene,
    id: folder.id,
    requestBytes: config.requestBytes,
    finishedAt: new Date(),
    interrupted: signal.aborted,
    order: turnsTaken(order, turns),
    targets: config.targets.map(({ name }) => measuredTarget(name, entries, missing, turns)),
    ...more,
  })
  let failure: Error | undefined
  try {
    await withMock(scene, async (mock) => {
      const setting: TurnSetting = { ...scene, mock, runsDir: folder.runsDir }
      if (config.controls) Object.assign(more, await controlsBefore(setting, observer))
      const rounds = observeRounds(observer, async () => {
        await folder.write(drawUpComparison(inputNow(), DRAFT_REPLICATES))
      })
      await takeRounds(order, entries, setting, turns, rounds, true)
      if (config.frontier) await addFrontier(setting, entries, more, observer)
    })
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  }
  observer.say('drawing up the report')
  const input = { ...inputNow(), interrupted: failure !== undefined }
  const record = drawUpComparison(input)
  const written = await folder.write(record, await renderCharts(record, input.targets))
  if (failure !== undefined && !signal.aborted) throw failure
  return written
}

/** Of the planned order what came of it. */
function turnsTaken(
  order: readonly (readonly string[])[],
  turns: ReadonlyMap<string, readonly TurnFigures[]>,
): string[][] {
  return order
    .map((names, index) => names.filter((name) => turns.get(name)?.some(({ turn }) => turn.round === index + 1)))
    .filter((names) => names.length > 0)
}

/** The controls, or why there are none. */
interface Controls {
  control?: ControlRecord
  controlProblem?: string
}

interface Missing {
  kind: string
  title: string
  settings: readonly string[]
  reason: string
}

/** Which of the targets are there; of the others the reason is kept. */
async function findEntries(
  config: CompareConfig,
  observer: CompareObserver,
): Promise<{ entries: Entry[]; missing: Map<string, Missing> }> {
  const entries: Entry[] = []
  const missing = new Map<string, Missing>()
  for (const { name, target: kind } of config.targets) {
    const target = await findTarget(kind)
    const found = await target.find()
    if (found.installed) entries.push({ name, kind, target })
    else {
      const reason = `${found.reason}; ${found.install}`
      missing.set(name, { kind, title: target.title, settings: target.settings, reason })
      observer.say(`${name} is left out: ${reason}`)
    }
  }
  if (entries.length === 0) throw new TargetError('none of the targets is there: nothing to compare')
  return { entries, missing }
}

function measuredTarget(
  name: string,
  entries: readonly Entry[],
  missing: ReadonlyMap<string, Missing>,
  turns: ReadonlyMap<string, TurnFigures[]>,
): MeasuredTarget {
  const absent = missing.get(name)
  if (absent) {
    const { kind, title, settings, reason } = absent
    return { name, kind, title, settings, missing: reason, turns: [] }
  }
  const { target, kind } = entries.find((entry) => entry.name === name)!
  return { name, kind, title: target.title, settings: target.settings, turns: turns.get(name) ?? [] }
}

/** Without controls a comparison is worth less, and the report says so; it is not worth nothing. */
async function controlsBefore(setting: TurnSetting, observer: CompareObserver): Promise<Controls> {
  const config = shortControls(setting.config)
  try {
    const control = await measureControls({
      delaysUs: SHORT_DELAYS_US,
      setting: { ...setting, config },
      observer: observeRounds(observer, () => Promise.resolve(), 'control'),
    })
    return { control }
  } catch (error) {
    if (!(error instanceof TargetError) || error instanceof MockEndedError) throw error
    observer.say(error.message)
    return { controlProblem: error.message }
  }
}

async function addFrontier(
  setting: TurnSetting,
  entries: readonly Entry[],
  more: { frontier?: FrontierRecord },
  observer: CompareObserver,
): Promise<void> {
  const frontier: FrontierRecord = { trialMs: TRIAL_MS, mockLatencyMs: setting.config.mockLatencyMs, targets: [] }
  more.frontier = frontier
  for (const entry of entries) {
    frontier.targets.push(
      await measureFrontier(entry, setting, {
        onTrial: (name, ratePerSec) => {
          observer.say(`frontier: ${name} at ${ratePerSec}/s`)
        },
      }),
    )
  }
}

/** Rounds as lines. */
export function observeRounds(
  observer: CompareObserver,
  onRoundEnd: () => Promise<void>,
  what = 'round',
): RoundsObserver {
  return {
    onTurn: ({ round, rounds, position, of, name }) => {
      observer.say(`${what} ${round} of ${rounds}, ${position} of ${of}: ${name}`)
    },
    onTurnEnd: (name, { turn: { problem } }) => {
      if (problem !== undefined) observer.say(`${name}: ${problem}`)
    },
    onRoundEnd,
  }
}
