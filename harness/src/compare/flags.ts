import { formatCount, formatNumber, formatSuccess } from '../units.ts'
import type { Flag, TargetRecord } from './record.ts'
import type { TurnFigures } from './turn.ts'

/** Checks that fail when the generator was at its limit, when requests left late, and when the mock was at its limit. */
const DRIVER_CHECKS = ['driver_saturation']
const LATE_SENDS = 'schedule_lag'
const MOCK_CHECKS = ['mock_delay_error']
/** One thread serves the mock: a core in full use is its end. */
const MOCK_CORES_MAX = 0.9
/** Answers that did not come from the mock, as a share, that lost requests and answers in flight cannot explain. */
const CACHED_SHARE = 0.01
/** Memory that grew by this share of the idle memory inside the windows, and did not come back. */
const GROWTH_SHARE = 0.1

/** What a reader must know before the figures are used. */
export function flagsOf(record: TargetRecord, turns: readonly TurnFigures[]): Flag[] {
  return [
    died(turns),
    invalid(turns),
    lateSends(turns),
    boundBy('driver_bound', 'the load generator', DRIVER_CHECKS, turns),
    mockBound(turns),
    stripped(record),
    cached(turns),
    errorBodies(record),
    failures(record),
    grows(record),
  ].filter((flag) => flag !== undefined)
}

function died(turns: readonly TurnFigures[]): Flag | undefined {
  const count = turns.filter((one) => one.died).length
  if (count === 0) return undefined
  return { name: 'died', means: `It ended in the middle of the load in ${count} of ${turns.length} turns.` }
}

/** It held every check, or all but that of late sends: requests that leave late wait longer from due, and no longer from sent. */
export function isSound({ turn, died }: TurnFigures): boolean {
  const failed = turn.failedChecks ?? []
  return !died && (turn.valid === true || (failed.length > 0 && failed.every((check) => check === LATE_SENDS)))
}

function lateSends(turns: readonly TurnFigures[]): Flag | undefined {
  const late = turns.filter(({ turn }) => turn.failedChecks?.includes(LATE_SENDS) === true)
  if (late.length === 0) return undefined
  return {
    name: 'late_sends',
    means: `In ${late.length} of ${turns.length} turns requests left later than the limit of a run allows: target and generator share this machine.`,
  }
}

function invalid(turns: readonly TurnFigures[]): Flag | undefined {
  const loaded = turns.filter(({ result }) => result !== undefined)
  const wrong = loaded.filter((one) => !one.died && !isSound(one))
  if (wrong.length === 0) return undefined
  const checks = [...new Set(wrong.flatMap(({ turn }) => turn.failedChecks ?? []))].join(', ')
  const left = loaded.filter(isSound).length
  const alone = left === 1 ? '; with one turn left, no interval covers how turns differ' : ''
  const use = left === 0 ? 'its figures come from them all the same' : `its figures leave them out${alone}`
  return {
    name: 'invalid_turns',
    means: `${wrong.length} of ${loaded.length} turns did not hold their checks (${checks}); ${use}.`,
  }
}

function boundBy(
  name: 'driver_bound' | 'mock_bound',
  what: string,
  checks: readonly string[],
  turns: readonly TurnFigures[],
): Flag | undefined {
  const bound = turns.filter(({ turn }) => turn.failedChecks?.some((check) => checks.includes(check)) === true)
  // One turn of several is a stall of the machine; most of them are a limit.
  if (bound.length * 2 <= turns.length) return undefined
  return {
    name,
    means: `In ${bound.length} of ${turns.length} turns ${what} was at its own limit: the figures are not of the target alone.`,
  }
}

function mockBound(turns: readonly TurnFigures[]): Flag | undefined {
  const cores = turns.flatMap(({ result }) => result?.resources.mock?.cpuCores ?? [])
  const most = Math.max(0, ...cores)
  if (most <= MOCK_CORES_MAX) return boundBy('mock_bound', 'the mock', MOCK_CHECKS, turns)
  return { name: 'mock_bound', means: `The mock used ${formatNumber(most, 2)} of its one core: it may be the limit.` }
}

function stripped({ addedUs }: TargetRecord): Flag | undefined {
  if (addedUs?.basis !== 'service_time') return undefined
  return {
    name: 'truth_stripped',
    means:
      "Its answers do not carry the mock's own account of its delay: whole service times were compared with those of the probes, and the ledger is coarser.",
  }
}

/** Callers were given more answers than requests reached the mock. */
function cached(turns: readonly TurnFigures[]): Flag | undefined {
  const known = turns.flatMap(({ turn: { callerAnswers, mockRequests } }) =>
    callerAnswers === undefined || mockRequests === undefined ? [] : [{ callerAnswers, mockRequests }],
  )
  const answers = known.reduce((sum, { callerAnswers }) => sum + callerAnswers, 0)
  const requests = known.reduce((sum, { mockRequests }) => sum + mockRequests, 0)
  const early = turns.reduce((sum, { result }) => sum + (result?.mock.fasterThanMock ?? 0), 0)
  if (answers - requests > answers * CACHED_SHARE) {
    return {
      name: 'cached_answers',
      means: `Callers were given ${formatCount(answers)} answers while ${formatCount(requests)} requests reached the mock: the rest came from somewhere else.`,
    }
  }
  if (early === 0) return undefined
  return {
    name: 'cached_answers',
    means: `${formatCount(early)} answers came sooner than the delay that they say the mock gave them.`,
  }
}

function errorBodies({ requests }: TargetRecord): Flag | undefined {
  const count = requests?.byError['wrong_answer'] ?? 0
  if (count === 0) return undefined
  return {
    name: 'error_bodies',
    means: `${formatCount(count)} answers with a 2xx status were no completion; they are counted as failed.`,
  }
}

function failures({ requests }: TargetRecord): Flag | undefined {
  if (!requests || requests.ok === requests.planned) return undefined
  return {
    name: 'failures',
    means: `${formatCount(requests.planned - requests.ok)} of ${formatCount(requests.planned)} requests were not answered rightly (success rate ${formatSuccess(requests.successRate)}); latencies are those of the others.`,
  }
}

function grows({ growthMiBPerThousand: growth, memoryMiB, requests, turns }: TargetRecord): Flag | undefined {
  if (!growth || !memoryMiB || !requests || growth.low <= 0) return undefined
  const perTurn = (growth.value * requests.ok) / 1_000 / Math.max(1, turns.length)
  const kept = memoryMiB.recovered.low > memoryMiB.idle.high
  if (perTurn <= memoryMiB.idle.value * GROWTH_SHARE || !kept) return undefined
  return {
    name: 'memory_grows',
    means: `Resident memory grew by ${formatNumber(growth.value, 2)} MiB per 1,000 requests inside the windows, and was not given back in the cool-down: a longer run must show whether it ends.`,
  }
}
