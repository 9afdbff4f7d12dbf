import { isRegression, type Diff, type DiffRun, type MetricDiff } from '../diff/diff.ts'
import type { Difference, LimitVerdict } from '../diff/judge.ts'
import type { MetricUnit } from '../diff/metrics.ts'
import {
  formatExact,
  formatMiB,
  formatMs,
  formatCount,
  formatPct,
  formatRate,
  formatSuccess,
  formatUs,
} from '../units.ts'
import { NO_FIGURE } from './cells.ts'
import { figureAlign, markdownTable } from './markdown-table.ts'

/** Above this chance of two sides alike looking apart, the report warns that the runs are too few. */
const TOO_LIKELY = 0.05

const FIGURE: Readonly<Record<MetricUnit, (value: number) => string>> = {
  ms: (ms) => `${formatMs(ms)} ms`,
  us: (us) => `${formatUs(us)} us`,
  ratio: formatSuccess,
  MiB: (mib) => `${formatMiB(mib)} MiB`,
  perSec: (perSec) => `${formatRate(perSec)}/s`,
}

const CHANGE: Readonly<Record<MetricUnit, (value: number) => string>> = {
  ...FIGURE,
  ratio: (ratio) => `${formatExact(Number((ratio * 100).toFixed(4)))} pt`,
}

const DIFFERENCES: Readonly<Record<Difference, string>> = {
  better: 'change: better',
  worse: 'change: worse',
  none: 'change: within noise',
  unknown: 'change: noise unknown',
}

const LIMIT_VERDICTS: Readonly<Record<LimitVerdict, string>> = {
  kept: 'within the limit',
  within_noise: 'past the limit, within noise: repeat the runs',
  exceeded: '**regression**',
}

const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')

/** As a comment on a pull request: the verdict first, then what was limited or differs, then all else. */
export function renderDiff(diff: Diff): string {
  const { metrics } = diff
  const shown = metrics.filter(isProminent)
  const rest = metrics.filter((metric) => !isProminent(metric))
  const lines = [
    `## ${diff.target}: NEW against BASE`,
    '',
    `**${headline(diff)}**`,
    ...[...cautions(diff), ...invalidLines(diff)].flatMap((line) => ['', line]),
    ...(shown.length > 0 ? ['', ...metricTable(shown)] : []),
    ...(rest.length > 0 ? ['', ...details(`The other ${rest.length} metrics`, metricTable(rest))] : []),
    '',
    ...details('What was compared', comparedLines(diff)),
  ]
  return `${lines.join('\n')}\n`
}

function isProminent({ limits, difference }: MetricDiff): boolean {
  return limits.length > 0 || difference === 'better' || difference === 'worse'
}

function headline({ verdict, metrics }: Diff): string {
  switch (verdict) {
    case 'regression':
      return `Regression in ${code(metrics.filter(isRegression).map(({ metric }) => metric))}.`
    case 'no_regression':
      return 'No regression.'
    case 'differences': {
      const of = (difference: Difference) => namesOf(metrics, (metric) => metric.difference === difference)
      const parts = (['worse', 'better'] as const)
        .filter((each) => of(each) !== '')
        .map((each) => `${of(each)} ${each}`)
      return `Differences beyond noise: ${parts.join('; ')}.`
    }
    case 'no_differences':
      return 'No difference beyond noise.'
  }
}

function namesOf(metrics: readonly MetricDiff[], wanted: (metric: MetricDiff) => boolean): string {
  return code(metrics.filter(wanted).map(({ metric }) => metric))
}

/** What the verdict does not say by itself. */
function cautions(diff: Diff): string[] {
  const { metrics, base, new: now } = diff
  const inNoise = namesOf(metrics, ({ limits }) => limits.some(({ verdict }) => verdict === 'within_noise'))
  const blind = namesOf(metrics, (metric) => metric.noise === 'unknown' && isRegression(metric))
  return [
    ...(inNoise === '' ? [] : [`Past the limit, but within noise: ${inNoise}. Repeat the runs to know.`]),
    ...(blind === '' ? [] : [`The noise of ${blind} is unknown: the limit alone decided.`]),
    Math.min(base.length, now.length) < 2 ? singleRunText(base, now) : repeatsText(diff),
  ]
}

function singleRunText(base: readonly DiffRun[], now: readonly DiffRun[]): string {
  const who = base.length > 1 ? 'NEW is one run' : now.length > 1 ? 'BASE is one run' : 'One run a side'
  return `${who}: the intervals come from the seconds inside of the runs, and how one run differs from the next is not in them. Where there is no log of the seconds, the noise is unknown. Several runs a side, taken in turns, would tell.`
}

function repeatsText({ base, new: now, separatedByChance }: Diff): string {
  const text = `Means of ${base.length} runs of BASE and ${now.length} of NEW; 95% intervals by bootstrap over the runs and, where there is a log of them, their seconds.`
  if (separatedByChance <= TOO_LIKELY) return text
  return `${text} **So few runs look apart by chance alone in ${formatPct(separatedByChance * 100)} of comparisons of what is alike, metric by metric: take four or more a side.**`
}

function invalidLines({ base, new: now }: Diff): string[] {
  return [...base.map((run) => ['BASE', run] as const), ...now.map((run) => ['NEW', run] as const)]
    .filter(([, run]) => !run.valid)
    .map(
      ([side, run]) => `**INVALID, compared by --allow-invalid**: ${side} ${run.path}: ${run.failedChecks.join(', ')}.`,
    )
}

function metricTable(metrics: readonly MetricDiff[]): string[] {
  const head = ['Metric', 'BASE', 'NEW', 'Change', '95% interval', 'Limit', 'Verdict']
  return markdownTable(head, metrics.map(metricCells), [...figureAlign(head.length - 1), 'left'])
}

function metricCells(row: MetricDiff): string[] {
  const { metric, title, unit, base, new: now, change, changePct, changeInterval, limits, difference } = row
  // A success rate changes by points; a percentage of a percentage would be taken for those.
  const pct = changePct === undefined || unit === 'ratio' ? '' : ` (${signed(changePct, formatPct)})`
  const interval =
    changeInterval && `${signedChange(unit, changeInterval.low)} to ${signedChange(unit, changeInterval.high)}`
  const verdicts = limits.map(({ verdict }) => LIMIT_VERDICTS[verdict])
  return [
    `\`${metric}\` ${title}`,
    FIGURE[unit](base),
    FIGURE[unit](now),
    signedChange(unit, change) + pct,
    interval ?? NO_FIGURE,
    limits.map(({ limit, bound }) => `${limit.slice(limit.indexOf('=') + 1)}: ${FIGURE[unit](bound)}`).join('; ') ||
      NO_FIGURE,
    [...new Set([...verdicts, DIFFERENCES[difference]])].join('; '),
  ]
}

function signedChange(unit: MetricUnit, change: number): string {
  return signed(change, CHANGE[unit])
}

function signed(value: number, format: (value: number) => string): string {
  const text = format(value)
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text
}

function details(summary: string, lines: readonly string[]): string[] {
  return ['<details>', `<summary>${summary}</summary>`, '', ...lines, '', '</details>']
}

function comparedLines({ base, new: now, notMeasured, conditions, metrics }: Diff): string[] {
  const rows = [...base.map((run) => runCells('BASE', run)), ...now.map((run) => runCells('NEW', run))]
  const head = ['', 'Run', 'Started', 'Version', 'Commit']
  const withInterval = metrics.filter(({ changeInterval }) => changeInterval !== undefined).length
  return [
    ...markdownTable(
      head,
      rows,
      head.map(() => 'left'),
    ),
    ...(conditions.length === 0
      ? []
      : [
          '',
          'Conditions that differ:',
          '',
          ...markdownTable(
            ['Condition', 'BASE', 'NEW'],
            conditions.map((condition) => [condition.label, condition.base.join(', '), condition.new.join(', ')]),
            ['left', 'left', 'left'],
          ),
        ]),
    ...(notMeasured.length === 0
      ? []
      : [
          '',
          `Not measured in all runs: ${notMeasured.map(({ metric, sides }) => `\`${metric}\` (${sides.join(', ')})`).join(', ')}.`,
        ]),
    ...(withInterval === 0
      ? []
      : [
          '',
          `${formatCount(withInterval)} metrics have a 95% interval: where nothing changed, one in twenty is expected to look different by chance.`,
        ]),
  ]
}

function runCells(side: string, { id, startedAt, targetVersion, gitCommit }: DiffRun): string[] {
  return [side, id, startedAt, targetVersion ?? 'unknown', gitCommit?.slice(0, 12) ?? 'unknown']
}
