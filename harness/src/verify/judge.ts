import type { Interval } from '../compare/record.ts'
import { OVERHEADS } from '../overheads.ts'
import { formatRate, NOT_MEASURED } from '../units.ts'
import type { Claim, ClaimedFigure } from './claim.ts'
import { measuredInterval, metricOf, UNITS, type Measured, type MetricName } from './metrics.ts'
import type { TestablePlan } from './planned-test.ts'

export type Verdict = 'reproduced' | 'not_reproduced' | 'cannot_be_tested'

/** Figures in us, MiB, a ratio or per second, as their metric has it. */
export interface JudgedFigure {
  claimed: ClaimedFigure
  verdict: Verdict
  /** What counts as the same, and better where the claim says so; infinite where there is no bound. */
  accepted: { low: number; high: number }
  measured?: Interval
  /** Why it cannot be tested; else absent. */
  why?: string
}

/** The rate of the run, and whether the target took it. */
export interface JudgedLoad {
  ratePerSec: number
  completedPerSec?: number
  /** At least CARRIED_SHARE of the rate was answered; absent when that was not measured. */
  carried?: boolean
  /** Only of a claim that the load is not carried. */
  verdict?: Verdict
  /** Why that cannot be tested; else absent. */
  why?: string
}

/** One definition of overhead, us, in the same run. */
export interface DefinitionRow {
  metric: MetricName
  title: string
  formula: string
  claimed?: ClaimedFigure
  measured?: Interval
}

export interface Judgement {
  verdict: Verdict
  /** The run was not on the claimed machine: the verdict holds for this one only. */
  thisMachineOnly: boolean
  /** Why the claim as a whole cannot be tested; empty otherwise. */
  why: readonly string[]
  figures: readonly JudgedFigure[]
  /** Absent when the claim names no rate. */
  load?: JudgedLoad
  definitions: readonly DefinitionRow[]
}

const DEFAULT_TOLERANCE_PCT = 20
/** The rate is carried when so much of it is answered; the rest is the rim of the window. */
const CARRIED_SHARE = 0.97
/** Checks that fail too when it is the target that does not take the load. */
const OVERLOAD_CHECKS: readonly string[] = ['dropped_requests', 'achieved_rate']

const ON_CALLERS = 'what callers waited above the mock, less what probes past the gateway waited'
const SELF = 'what the gateway says of itself, by its own definition'

const DEFINITIONS: readonly { metric: MetricName; formula: string }[] = [
  { metric: 'published_overhead', formula: OVERHEADS[0].formula },
  { metric: 'in_process_overhead', formula: OVERHEADS[1].formula },
  { metric: 'client_overhead_mean', formula: `${ON_CALLERS}: of the means` },
  { metric: 'client_overhead_p99', formula: `${ON_CALLERS}: of the 99th percentiles` },
  { metric: 'self_reported_overhead_p50', formula: SELF },
  { metric: 'self_reported_overhead_p99', formula: SELF },
]

/** What is known when one figure is judged. */
interface Trial {
  claim: Claim
  plan: TestablePlan
  measured: Measured
  load: JudgedLoad | undefined
}

/** What one run says of a claim. */
export function judgeClaim(claim: Claim, plan: TestablePlan, measured: Measured): Judgement {
  const load = judgedLoad(claim, plan, measured)
  const trial = { claim, plan, measured, load }
  const figures = claim.figures.map((figure) => judgedFigure(figure, trial))
  const verdict = overall([...figures, ...(load?.verdict === undefined ? [] : [load])])
  const reasons = [...figures, load].map((part) => part?.why).filter((reason) => reason !== undefined)
  return {
    verdict,
    thisMachineOnly: !plan.onClaimedMachine,
    why: verdict === 'cannot_be_tested' ? [...new Set(reasons)] : [],
    figures,
    ...(load && { load }),
    definitions: definitionRows(claim, measured),
  }
}

/** One figure that is off refutes the claim; those that cannot be tested neither support nor refute it. */
function overall(parts: readonly { verdict?: Verdict }[]): Verdict {
  const has = (verdict: Verdict) => parts.some((part) => part.verdict === verdict)
  return has('not_reproduced') ? 'not_reproduced' : has('reproduced') ? 'reproduced' : 'cannot_be_tested'
}

function judgedLoad(claim: Claim, { run }: TestablePlan, measured: Measured): JudgedLoad | undefined {
  const { ratePerSec } = run
  const { completedPerSec } = measured
  if (ratePerSec === undefined) return undefined
  if (completedPerSec === undefined) {
    return { ratePerSec, ...(claim.loadFails && { verdict: 'cannot_be_tested', why: NOT_MEASURED }) }
  }
  const carried = completedPerSec >= CARRIED_SHARE * ratePerSec
  const load = { ratePerSec, completedPerSec, carried }
  if (!claim.loadFails) return load
  if (isInvalid(measured, load)) return { ...load, verdict: 'cannot_be_tested', why: invalidText(measured) }
  return { ...load, verdict: carried ? 'not_reproduced' : 'reproduced' }
}

function judgedFigure(claimed: ClaimedFigure, trial: Trial): JudgedFigure {
  const accepted = acceptedRange(claimed)
  const measured = measuredInterval(claimed.metric, trial.measured)
  const figure = { claimed, accepted, ...(measured && { measured }) }
  const why = obstacle(claimed.metric, trial)
  if (why !== undefined) return { ...figure, verdict: 'cannot_be_tested', why }
  if (!measured) {
    const noAccount = metricOf(claimed.metric).ownAccount === true
    const reason = noAccount ? 'the target gives no figure by this definition' : NOT_MEASURED
    return { ...figure, verdict: 'cannot_be_tested', why: reason }
  }
  const reaches = measured.low <= accepted.high && measured.high >= accepted.low
  return { ...figure, verdict: reaches ? 'reproduced' : 'not_reproduced' }
}

/** What of a run that was made keeps a figure of it from being held against the claim. */
function obstacle(metric: MetricName, { claim, plan, measured, load }: Trial): string | undefined {
  const ofLoad = metricOf(metric).ofLoad === true
  if (isInvalid(measured, load)) return invalidText(measured)
  // The largest rate comes from a search of its own. Off the claimed machine a smaller one may be why it fell short.
  if (metric !== 'max_rate' && fellShort(claim, load) && !(ofLoad && plan.onClaimedMachine)) {
    const { completedPerSec, ratePerSec } = load
    return `the load was not carried: ${formatRate(completedPerSec)} of ${formatRate(ratePerSec)} requests per second were answered`
  }
  // Of requests that were dropped there is no latency.
  return measured.valid || ofLoad ? undefined : invalidText(measured)
}

/** Invalid for another reason than a target that does not take the load. */
function isInvalid({ valid, failedChecks }: Measured, load: JudgedLoad | undefined): boolean {
  const overload = load?.carried === false && failedChecks.every((check) => OVERLOAD_CHECKS.includes(check))
  return !valid && !overload
}

function invalidText({ failedChecks }: Measured): string {
  return `the run is invalid, its failed checks: ${failedChecks.join(', ')}`
}

/** Less was answered than the claim says; a claim of a lower throughput than its rate asks for no more than that. */
function fellShort(claim: Claim, load: JudgedLoad | undefined): load is JudgedLoad & { completedPerSec: number } {
  if (claim.loadFails || load?.completedPerSec === undefined) return false
  const throughput = claim.figures.find(({ metric }) => metric === 'throughput')?.value ?? Infinity
  return load.completedPerSec < CARRIED_SHARE * Math.min(load.ratePerSec, throughput)
}

/** A tolerance of 20% is a factor of 1.2 either way. */
function acceptedRange({ value, unit, comparison, tolerancePct }: ClaimedFigure): JudgedFigure['accepted'] {
  const factor = 1 + (tolerancePct ?? DEFAULT_TOLERANCE_PCT) / 100
  const { least, most } = UNITS[unit]
  return {
    low: comparison === 'at_most' ? -Infinity : (value * least) / factor,
    high: comparison === 'at_least' ? Infinity : value * most * factor,
  }
}

function definitionRows({ figures }: Claim, measured: Measured): DefinitionRow[] {
  return DEFINITIONS.map(({ metric, formula }) => {
    const claimed = figures.find((figure) => figure.metric === metric)
    const own = measuredInterval(metric, measured)
    return {
      metric,
      title: metricOf(metric).title,
      formula,
      ...(claimed && { claimed }),
      ...(own && { measured: own }),
    }
  })
}
