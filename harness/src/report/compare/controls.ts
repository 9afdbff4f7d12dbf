import type { Control, ControlRecord } from '../../compare/record.ts'
import { formatCount, formatDuration, formatExact, formatRate, formatUs } from '../../units.ts'
import { figureAlign, markdownTable } from '../markdown-table.ts'
import { figureOr, usInterval } from './figures.ts'

/** The negative controls: what the method finds where the right answer is known. */

const usExact = (us: number) => `${formatExact(us)} us`

function controlRow({ name, plannedUs, actualUs, foundUs, holds, told }: Control): string[] {
  return [
    name,
    usExact(plannedUs),
    figureOr(actualUs, (us) => `${formatUs(us)} us`),
    figureOr(foundUs, usInterval),
    holds ? (told === false ? 'holds, but is not told from none' : 'holds') : '**does not hold**',
  ]
}

export function controlLines(control: ControlRecord): string[] {
  const { ratePerSec, durationMs, rounds, mockLatencyMs, controls, nullUs, smallestUs } = control
  const head = ['control', 'planned', 'actual, by its own clock', 'found', '']
  return [
    `${formatRate(ratePerSec)} requests/s for ${formatDuration(durationMs)}, ${formatCount(rounds)} round${rounds === 1 ? '' : 's'}, mock ${formatCount(mockLatencyMs)} ms. Each control is a relay that adds a known delay, above a relay that adds none; what was found comes from the same method as the comparison.`,
    '',
    ...markdownTable(head, controls.map(controlRow), [...figureAlign(head.length - 1), 'left']),
    '',
    `A relay that adds nothing, less the same relay again: ${figureOr(nullUs, usInterval)}.`,
    '',
    `Smallest difference of mean added latency that this machine can tell from none at this load: **${formatUs(smallestUs)} us**.`,
  ]
}
