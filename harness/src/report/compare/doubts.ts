import type { CompareRecord, ControlRecord, TargetRecord } from '../../compare/record.ts'
import { formatCount, formatExact, formatPct, formatRate } from '../../units.ts'
import { apartFromZero, figureOr, usInterval } from './figures.ts'
import { FLAGS } from './flags.ts'

/** Something that would make a reader distrust a figure. */
export interface Doubt {
  about: string
  text: string
}

const COMPARISON = 'the comparison'
const CONTROLS = 'the controls'

function machineDoubts({ interrupted, machine, plan, order }: CompareRecord): Doubt[] {
  const doubts: Doubt[] = []
  if (interrupted === true) {
    const text = `Interrupted: ${order.length} of ${plan.rounds} rounds were begun, and the figures cover only what came before.`
    doubts.push({ about: COMPARISON, text })
  }
  if (machine.overridden) {
    const text = `Started on a loaded machine by --allow-loaded: CPU in use before anything was started ${figureOr(machine.busyPct, formatPct)}, limit ${formatPct(machine.limitPct)}. What else ran is part of every figure.`
    doubts.push({ about: 'the machine', text })
  }
  if (plan.rounds === 1) {
    const text =
      'One round: no order of the targets was averaged out, and no drift of the machine between rounds is in the intervals.'
    doubts.push({ about: COMPARISON, text })
  }
  return doubts
}

function otherLoad(control: ControlRecord, { plan }: CompareRecord): boolean {
  return control.ratePerSec !== plan.ratePerSec || control.mockLatencyMs !== plan.mockLatencyMs
}

/** What the controls say against the method, or that there were none. */
function controlDoubts(record: CompareRecord): Doubt[] {
  const { control, controlProblem } = record
  if (!control) {
    const why = controlProblem ?? 'No negative controls were run'
    const text = `${why}: the smallest difference that this machine can tell from none is not measured.`
    return [{ about: CONTROLS, text }]
  }
  const doubts = control.controls
    .filter(({ holds }) => !holds)
    .map(({ name, plannedUs, actualUs, foundUs }): Doubt => {
      const actual = actualUs === undefined ? '' : `, ${formatExact(actualUs)} us by its own clock`
      const added = `${formatExact(plannedUs)} us were to be added${actual}`
      const text = foundUs
        ? `Did not hold: ${added}; found ${usInterval(foundUs)}. The method was wrong by that here.`
        : `Was not measured: ${added}; no round had a valid turn of it and of the relay that adds none.`
      return { about: `control ${name}`, text }
    })
  if (control.nullUs && apartFromZero(control.nullUs)) {
    const text = `The same relay measured twice came out apart from itself by ${usInterval(control.nullUs)}.`
    doubts.push({ about: CONTROLS, text })
  }
  if (otherLoad(control, record)) {
    const text = `They ran at ${formatRate(control.ratePerSec)} requests/s against a mock of ${formatExact(control.mockLatencyMs)} ms, the comparison at ${formatRate(record.plan.ratePerSec)} against ${formatExact(record.plan.mockLatencyMs)}: the smallest distinguishable difference is that of their load.`
    doubts.push({ about: CONTROLS, text })
  }
  return doubts
}

function harmDoubts({ name, strict }: TargetRecord): Doubt[] {
  if (!strict) return []
  const { checked, wrong, answersChecked, answersDamaged } = strict
  const doubt = (what: string, part: number, whole: number): Doubt[] =>
    part === 0
      ? []
      : [{ about: `${name}, ${what}`, text: `${formatCount(part)} of ${formatCount(whole)}; by kind under Errors.` }]
  return [
    ...doubt('requests altered on the way', wrong, checked),
    ...doubt('answers damaged', answersDamaged, answersChecked),
  ]
}

function targetDoubts(target: TargetRecord): Doubt[] {
  const { name, kind = name, status, reason, flags, turns, addedUs } = target
  const doubts: Doubt[] = []
  if (status !== 'measured') {
    doubts.push({ about: `${name}, ${status}`, text: reason ?? 'The reason was not recorded.' })
  }
  for (const flag of flags) {
    const { title, consequence } = FLAGS[flag.name]
    doubts.push({ about: `${name}, ${title}`, text: `${flag.means} ${consequence}` })
  }
  doubts.push(...harmDoubts(target))
  if (kind === 'direct' && addedUs && apartFromZero(addedUs.mean)) {
    const text = `It has no gateway, yet came out apart from 0: ${usInterval(addedUs.mean)}. The method has an error of that size here.`
    doubts.push({ about: name, text })
  }
  // Of a target that failed, the reason says it already.
  if (status === 'measured') {
    for (const { round, problem } of turns) {
      if (problem !== undefined) doubts.push({ about: `${name}, round ${round}`, text: problem })
    }
  }
  return doubts
}

/** Everything that speaks against the figures, the comparison's own first; nothing is left out because it is small. */
export function doubts(record: CompareRecord): Doubt[] {
  return [...machineDoubts(record), ...controlDoubts(record), ...record.targets.flatMap(targetDoubts)]
}
