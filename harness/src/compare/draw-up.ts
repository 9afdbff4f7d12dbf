import { seededRandom } from '../random.ts'
import type { Result } from '../recording.ts'
import { addedLatency, latencyIntervals, pairsOf } from './added-latency.ts'
import { bootstrapMean, type Resampling } from './bootstrap.ts'
import type { CompareConfig } from './config.ts'
import { flagsOf, isSound } from './flags.ts'
import { addStrict } from './mock-admin.ts'
import { dollarsPerMillion, PRICES } from './prices.ts'
import type { CompareRecord, ControlRecord, FrontierRecord, Interval, TargetRecord, Turn } from './record.ts'
import { selfReports } from './self-reports.ts'
import type { AddedTurn } from './sparse-counts.ts'
import type { TurnFigures } from './turn.ts'

/** One target and all its turns. */
export interface MeasuredTarget {
  name: string
  /** What it was asked for as. */
  kind: string
  title: string
  settings: readonly string[]
  /** Why it could not take part, and what to do about it; absent when it did. */
  missing?: string
  turns: readonly TurnFigures[]
}

/** All that a comparison brought home, before any arithmetic. */
export interface CompareInput {
  id: string
  config: CompareConfig
  connections: number
  /** Of one request, bytes. */
  requestBytes: number
  environment: Result['environment']
  machine: CompareRecord['machine']
  command: readonly string[]
  startedAt: Date
  finishedAt: Date
  interrupted: boolean
  order: readonly (readonly string[])[]
  targets: readonly MeasuredTarget[]
  control?: ControlRecord
  controlProblem?: string
  frontier?: FrontierRecord
}

/** Pure: the same input gives the same record. @param replicates of each bootstrap; absent: as many as a report wants */
export function drawUpComparison(input: CompareInput, replicates?: number): CompareRecord {
  const { config, order, control, controlProblem, frontier, interrupted } = input
  const resampling = { random: seededRandom(config.seed), ...(replicates !== undefined && { replicates }) }
  const ranked = input.targets.map((target) => ({ name: target.name, turns: addedTurns(target) }))
  return {
    schemaVersion: 1,
    kind: 'comparison',
    id: input.id,
    startedAt: input.startedAt.toISOString(),
    finishedAt: input.finishedAt.toISOString(),
    ...(interrupted && { interrupted }),
    command: [...input.command],
    profile: config.profile,
    environment: input.environment,
    machine: input.machine,
    plan: {
      ratePerSec: config.ratePerSec,
      durationMs: config.durationMs,
      warmupMs: config.warmupMs,
      cooldownMs: config.cooldownMs,
      rounds: config.rounds,
      seed: config.seed,
      requestBytes: input.requestBytes,
      responseBytes: config.responseBytes,
      mockLatencyMs: config.mockLatencyMs,
      mockJitterMs: config.mockJitterMs,
      connections: input.connections,
      threads: config.threads,
      probeRatePerSec: config.probeRatePerSec,
      timeoutMs: config.timeoutMs,
    },
    order: order.map((round) => [...round]),
    targets: input.targets.map((target) => targetRecord(target, input, resampling)),
    pairs: pairsOf(
      ranked.filter(({ turns }) => turns.length > 0),
      control?.smallestUs ?? 0,
      resampling,
    ),
    ...(control && { control }),
    ...(controlProblem !== undefined && { controlProblem }),
    ...(frontier && { frontier }),
  }
}

/**
 * Turns whose figures count: those that held every check, or all but that of late sends, which enter latency from due and nothing
 * else. Where none does, all of them, and a flag says so.
 */
export function countedTurns(turns: readonly TurnFigures[]): TurnFigures[] {
  const loaded = turns.filter(({ result }) => result !== undefined)
  const sound = loaded.filter(isSound)
  return sound.length > 0 ? sound : loaded
}

/** What the added latency of a target comes from, turn by turn. */
export function addedTurns({ turns }: Pick<MeasuredTarget, 'turns'>): AddedTurn[] {
  const counted = countedTurns(turns)
  // One basis for all: a target that stripped the truth in one turn and not in another has nothing to compare.
  const basis = counted[0]?.above?.basis
  return counted.flatMap(({ turn: { round }, above }) =>
    above && above.basis === basis ? [{ round, seconds: above.seconds }] : [],
  )
}

function targetRecord(
  target: MeasuredTarget,
  { config, interrupted }: Pick<CompareInput, 'config' | 'interrupted'>,
  resampling: Resampling,
): TargetRecord {
  const { name, kind, title, settings, missing, turns } = target
  const words = { name, ...(kind !== name && { kind }), title, settings: [...settings] }
  if (missing !== undefined) return { ...words, status: 'missing', reason: missing, turns: [], flags: [] }
  const counted = countedTurns(turns)
  const version = turns.find((one) => one.version !== undefined)?.version
  const turnRecords = turns.map((one) => ({
    ...withAddedMean(one),
    ...(one.result && { counts: isSound(one) }),
  }))
  const reason = turns.find(({ turn }) => turn.problem !== undefined)?.turn.problem
  const base = { ...words, ...(version !== undefined && { version }), turns: turnRecords }
  if (counted.length === 0) {
    return {
      ...base,
      status: 'failed',
      reason: reason ?? (interrupted ? 'interrupted before it had a whole turn' : 'no turn was measured'),
      flags: [],
    }
  }
  const basis = counted[0]!.above?.basis ?? 'above_mock'
  const addedUs = addedLatency(addedTurns(target), { basis, ...resampling })
  const ofTurns = (read: (turn: Turn) => number | undefined): Interval | undefined => meanOf(counted, read, resampling)
  const memory = memoryOf(counted, resampling)
  const cpu = ofTurns(({ cpuUsPerRequest }) => cpuUsPerRequest)
  const latencyUs = latencyIntervals(
    counted.map(({ latency = [] }) => ({ seconds: latency })),
    resampling,
  )
  const record: TargetRecord = {
    ...base,
    status: 'measured',
    ...(reason !== undefined && { reason }),
    requests: requestsOf(turns),
    ...(addedUs && { addedUs }),
    ...(latencyUs && {
      latencyMs: {
        mean: inMs(latencyUs.mean),
        p50: inMs(latencyUs.p50),
        p99: inMs(latencyUs.p99),
        p999: inMs(latencyUs.p999),
      },
    }),
    ...optional(
      'completedPerSec',
      ofTurns(({ completedPerSec }) => completedPerSec),
    ),
    ...optional('cpuUsPerRequest', cpu),
    ...optional('memoryMiB', memory),
    ...optional(
      'growthMiBPerThousand',
      ofTurns(({ growthMiBPerThousand }) => growthMiBPerThousand),
    ),
    ...optional(
      'coldStartMs',
      ofTurns(({ coldStartMs }) => coldStartMs),
    ),
    ...optional('dollarsPerMillion', cpu && dollarsOf(cpu, config.instance)),
    ...optional('strict', strictOf(turns)),
    ...optional('selfReports', selfReportsOf(counted, addedUs?.mean.value)),
    flags: [],
  }
  return { ...record, flags: flagsOf(record, turns) }
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>)
}

function withAddedMean({ turn, above }: TurnFigures): Turn {
  if (!above) return turn
  const added = addedLatency([{ round: turn.round, seconds: above.seconds }], {
    basis: above.basis,
    random: seededRandom(0),
    replicates: 1,
  })
  return added ? { ...turn, addedMeanUs: added.mean.value } : turn
}

function meanOf(
  turns: readonly TurnFigures[],
  read: (turn: Turn) => number | undefined,
  resampling: Resampling,
): Interval | undefined {
  const values = turns.map(({ turn }) => read(turn)).filter((value) => value !== undefined)
  return bootstrapMean(values, resampling)
}

function memoryOf(turns: readonly TurnFigures[], resampling: Resampling): TargetRecord['memoryMiB'] {
  const idle = meanOf(turns, ({ idleMiB }) => idleMiB, resampling)
  const steady = meanOf(turns, ({ steadyMiB }) => steadyMiB, resampling)
  const peak = meanOf(turns, ({ peakMiB }) => peakMiB, resampling)
  const recovered = meanOf(turns, ({ recoveredMiB }) => recoveredMiB, resampling)
  return idle && steady && peak && recovered ? { idle, steady, peak, recovered } : undefined
}

function requestsOf(turns: readonly TurnFigures[]): NonNullable<TargetRecord['requests']> {
  const all = turns.flatMap(({ result }) => (result ? [result.requests] : []))
  const sum = (read: (requests: Result['requests']) => number) => all.reduce((total, one) => total + read(one), 0)
  const planned = sum((requests) => requests.planned)
  const ok = sum((requests) => requests.ok)
  return {
    planned,
    ok,
    failed: sum(({ failed }) => failed),
    dropped: sum(({ dropped }) => dropped),
    successRate: planned === 0 ? 0 : ok / planned,
    byStatus: addedCounts(all.map(({ byStatus }) => byStatus)),
    byError: addedCounts(all.map(({ byError }) => byError)),
  }
}

function addedCounts(all: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const counts of all) for (const [key, count] of Object.entries(counts)) sums[key] = (sums[key] ?? 0) + count
  return sums
}

function strictOf(turns: readonly TurnFigures[]): TargetRecord['strict'] {
  const checks = turns.flatMap(({ correctness }) => (correctness ? [correctness] : []))
  const strict = [...checks.map((check) => check.strict), ...turns.map((turn) => turn.strict)].reduce(
    addStrict,
    undefined,
  )
  if (!strict) return undefined
  return {
    ...strict,
    examples: [...strict.examples, ...checks.flatMap(({ problems }) => problems)],
    answersChecked: checks.reduce((sum, { answersChecked }) => sum + answersChecked, 0),
    answersDamaged: checks.reduce((sum, { answersDamaged }) => sum + answersDamaged, 0),
  }
}

function selfReportsOf(turns: readonly TurnFigures[], addedMeanUs: number | undefined): TargetRecord['selfReports'] {
  const reports = selfReports(
    turns.map((one) => one.reports),
    addedMeanUs,
  )
  return reports.length === 0 ? undefined : reports
}

function dollarsOf(cpuUs: Interval, instance: string): TargetRecord['dollarsPerMillion'] {
  const price = PRICES.instances[instance]
  if (!price) return undefined
  const { value, low, high } = cpuUs
  return {
    instance,
    dollarsPerHour: price.dollarsPerHour,
    asOf: PRICES.asOf,
    cost: {
      value: dollarsPerMillion(value, price),
      low: dollarsPerMillion(low, price),
      high: dollarsPerMillion(high, price),
    },
  }
}

function inMs({ value, low, high }: Interval): Interval {
  return { value: value / 1e3, low: low / 1e3, high: high / 1e3 }
}
