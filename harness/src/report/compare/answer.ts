import type { CompareRecord } from '../../compare/record.ts'
import { formatCount, formatRate, formatSuccess, formatUs } from '../../units.ts'
import { usInterval, withoutInterval } from './figures.ts'
import { listed } from './prose.ts'
import { standing, whyUnranked, type Exception, type RankedTarget, type Standing } from './standing.ts'

const NO_ORDER = 'no target can be placed: none has a sound figure of added latency'

/** With what its figure must not be read without. */
function memberText({ name, addedUs, requests, strict }: RankedTarget): string {
  const marks = [
    ...(addedUs.basis === 'service_time' ? ['coarser'] : []),
    ...(requests && requests.successRate < 1 ? [`success rate ${formatSuccess(requests.successRate)}`] : []),
    ...(strict && strict.wrong > 0 ? ['altered requests'] : []),
    ...(strict && strict.answersDamaged > 0 ? ['damaged answers'] : []),
  ]
  return `${name} ${withoutInterval(usInterval(addedUs.mean))}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`
}

function groupText(group: RankedTarget[], exceptions: readonly Exception[]): string {
  const members = listed(group.map(memberText))
  if (group.length === 1) return members
  const names = new Set(group.map(({ name }) => name))
  const mixed = exceptions.some(({ a, b }) => names.has(a) && names.has(b))
  return `${members}, ${mixed ? 'whose order is not settled' : 'not distinguishable from each other'}`
}

function exceptionText({ a, b, relation }: Exception): string {
  switch (relation) {
    case 'faster':
      return `${a} is faster than ${b}`
    case 'slower':
      return `${b} is faster than ${a}`
    case 'not_distinguishable':
      return `${a} and ${b} are not distinguishable`
    case 'not_compared':
      return `${a} and ${b} were not measured in the same rounds`
  }
}

function orderText({ groups, exceptions }: Standing): string {
  const order = groups.map((group) => groupText(group, exceptions)).join('; then ')
  const but = exceptions.length === 0 ? '' : ` Pair by pair: ${exceptions.map(exceptionText).join('; ')}.`
  return `${order}.${but}`
}

/** What puts the whole answer in doubt, a few words each. */
export function reservations({ interrupted, machine, control }: CompareRecord): string[] {
  const failed = control?.controls.filter(({ holds }) => !holds).map(({ name }) => name) ?? []
  return [
    ...(interrupted === true ? ['it was interrupted'] : []),
    ...(machine.overridden ? ['the machine was loaded'] : []),
    ...(failed.length > 0 ? [`the control ${listed(failed)} did not hold`] : []),
  ]
}

/** The comparison in a sentence or three: it says no more than the pairs do. */
export function answerText(record: CompareRecord): string {
  const { plan, control } = record
  const placed = standing(record)
  const doubts = reservations(record)
  const unranked = record.targets.flatMap((target) => {
    const why = whyUnranked(target)
    return why === undefined ? [] : [`${target.name} (${why})`]
  })
  const load = `${formatRate(plan.ratePerSec)} requests/s and a mock that answers after ${formatCount(plan.mockLatencyMs)} ms`
  const answer =
    placed.groups.length === 0 ? `${NO_ORDER}.` : `added to the mean request, least first: ${orderText(placed)}`
  return [
    ...(doubts.length === 0 ? [] : [`Not to be relied on, because ${listed(doubts)}.`]),
    `At ${load}, ${answer}`,
    ...(control
      ? [`Differences below ${formatUs(control.smallestUs)} us cannot be told from none on this machine.`]
      : []),
    ...(unranked.length === 0 ? [] : [`Not ranked: ${unranked.join(', ')}.`]),
  ].join(' ')
}
