import type { CompareRecord, Turn } from '../../compare/record.ts'
import { formatCount, formatMiB, formatNumber, formatRate, formatUs } from '../../units.ts'
import { figureAlign, markdownTable } from '../markdown-table.ts'
import { figureOr } from './figures.ts'
import { plain } from './prose.ts'

/** Every turn as it came: what the figures above were made of. */

function verdictText({ valid, failedChecks = [] }: Turn): string {
  if (valid === undefined) return 'no verdict'
  const failed = failedChecks.length === 0 ? '' : `: ${failedChecks.join(', ')}`
  return valid ? 'valid' : `**INVALID**${failed}`
}

function turnRow(name: string, turn: Turn): string[] {
  const { run } = turn
  return [
    `${turn.round}.${turn.position}`,
    name,
    run === undefined ? 'no run' : `[${run}](${encodeURI(run)}/)`,
    verdictText(turn),
    figureOr(turn.addedMeanUs, formatUs),
    figureOr(turn.coldStartMs, formatCount),
    figureOr(turn.cpuUsPerRequest, formatUs),
    figureOr(turn.completedPerSec, formatRate),
    ...[turn.idleMiB, turn.steadyMiB, turn.peakMiB, turn.recoveredMiB].map((mib) => figureOr(mib, formatMiB)),
    figureOr(turn.growthMiBPerThousand, (mib) => formatNumber(mib, 3)),
    figureOr(turn.mockRequests, formatCount),
    turn.problem === undefined ? '' : plain(turn.problem),
  ]
}

export function turnLines({ targets }: CompareRecord): string[] {
  const turns = targets.flatMap(({ name, turns }) => turns.map((turn) => ({ name, turn })))
  if (turns.length === 0) return ['There were no turns.']
  turns.sort((a, b) => a.turn.round - b.turn.round || a.turn.position - b.turn.position)
  const figures = [
    'added mean, us',
    'cold start, ms',
    'CPU us/request',
    'ok/s',
    'idle MiB',
    'steady MiB',
    'peak MiB',
    'recovered MiB',
    'growth MiB/1,000',
    'requests at the mock',
  ]
  return [
    'In the order in which they ran; "2.3" is round 2, third place. Each run folder holds the report of that turn alone.',
    '',
    ...markdownTable(
      ['turn', 'target', 'run', 'verdict', ...figures, 'problem'],
      turns.map(({ name, turn }) => turnRow(name, turn)),
      ['left', 'left', 'left', 'left', ...figureAlign(figures.length + 1).slice(1), 'left'],
    ),
  ]
}
