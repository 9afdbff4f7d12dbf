import { findDifferences } from '../differences.ts'
import type { Side, SideRun } from './sides.ts'

/** A condition that is not the same in all runs; of each side the values that occur. */
export interface SidedDifference {
  /** Path in result.json. */
  field: string
  /** In words, with the unit. */
  label: string
  base: string[]
  new: string[]
}

export interface Conditions {
  /** The runs did not do the same work on the same machine: no figure of theirs can be held against another. */
  blocking: SidedDifference[]
  /** Worth knowing, and perhaps the very thing compared. */
  noted: SidedDifference[]
}

/** What the runs of both sides do not have in common: between the sides, or inside of one. */
export function conditionsOf(base: Side, now: Side): Conditions {
  const sided = (field: string, label: string, values: readonly string[]): SidedDifference => ({
    field,
    label,
    base: distinct(values.slice(0, base.runs.length)),
    new: distinct(values.slice(base.runs.length)),
  })
  const results = [...base.runs, ...now.runs].map(({ result }) => result)
  const targets = results.map(({ target }) => target.name)
  const found = findDifferences(results)
  const ofSeverity = (severity: 'blocks' | 'note') =>
    found
      .filter((difference) => difference.severity === severity)
      .map(({ field, label, values }) => sided(field, label, values))
  return {
    blocking: [
      ...(distinct(targets).length > 1 ? [sided('target.name', 'target', targets)] : []),
      ...ofSeverity('blocks'),
    ],
    noted: ofSeverity('note'),
  }
}

/** Why figures of these two sides cannot be held against each other, one line a reason; none when they can. */
export function refusals(base: Side, now: Side, options: { allowInvalid: boolean }): string[] {
  const unlike = conditionsOf(base, now).blocking.map(
    ({ field, label, ...values }) =>
      `${field} (${label}): BASE has ${values.base.join(' and ')}, NEW has ${values.new.join(' and ')}; it must be the same in all runs`,
  )
  if (options.allowInvalid) return unlike
  const invalid = [base, now].flatMap(({ name, runs }) =>
    runs
      .filter(({ result }) => !result.verdict.valid)
      .map(
        (run) =>
          `${name} ${run.path}: INVALID: ${failedChecks(run).join(', ')}; run it again, or compare its figures all the same with --allow-invalid`,
      ),
  )
  return [...unlike, ...invalid]
}

export function failedChecks({ result }: SideRun): string[] {
  return result.verdict.checks.filter((check) => !check.ok).map((check) => check.name)
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
