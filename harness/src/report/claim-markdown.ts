import type { Interval } from '../compare/record.ts'
import {
  formatCount,
  formatExact,
  formatMiB,
  formatMs,
  formatRate,
  formatSuccess,
  formatUs,
  NOT_MEASURED,
} from '../units.ts'
import type { Claim, ClaimedFigure } from '../verify/claim.ts'
import type { JudgedFigure, JudgedLoad, Judgement, Verdict } from '../verify/judge.ts'
import { metricOf, UNITS, type UnitName } from '../verify/metrics.ts'
import type { TestPlan } from '../verify/planned-test.ts'
import { NO_FIGURE } from './cells.ts'
import { markdownTable } from './markdown-table.ts'

const NOT_STATED = 'not stated'

const VERDICTS: Record<Verdict, string> = {
  reproduced: 'reproduced',
  not_reproduced: 'not reproduced',
  cannot_be_tested: 'cannot be tested here',
}

/** A published figure, as its source has it. */
const claimedText = ({ value, unit }: ClaimedFigure) => withUnit(formatExact(value), unit)

function withUnit(text: string, unit: UnitName): string {
  if (unit === '%') return `${text}%`
  return `${text} ${unit === 'per_s' ? 'per second' : unit}`
}

/** From us, MiB, a ratio or per second to the unit of a claim; what is claimed in MB is printed in MiB. */
function ownText(value: number, unit: UnitName): string {
  switch (unit) {
    case 'us':
      return formatUs(value)
    case 'ms':
      return formatMs(value / UNITS.ms.most)
    case 's':
      return formatMs(value / UNITS.s.most)
    case 'MB':
    case 'MiB':
      return formatMiB(value)
    case '%':
      return formatSuccess(value).replace('%', '')
    case 'per_s':
      return formatRate(value)
  }
}

const ownUnit = (unit: UnitName): UnitName => (unit === 'MB' ? 'MiB' : unit)

/** @example '231 us (224 to 239)' */
function measuredText(measured: Interval | undefined, unit: UnitName): string {
  if (!measured) return NOT_MEASURED
  const { value, low, high } = measured
  const figure = withUnit(ownText(value, unit), ownUnit(unit))
  return low === high ? figure : `${figure} (${ownText(low, unit)} to ${ownText(high, unit)})`
}

function acceptedText({ low, high }: JudgedFigure['accepted'], unit: UnitName): string {
  const text = (bound: number) => ownText(bound, unit)
  if (low === -Infinity) return withUnit(`at most ${text(high)}`, ownUnit(unit))
  if (high === Infinity) return withUnit(`at least ${text(low)}`, ownUnit(unit))
  return withUnit(`${text(low)} to ${text(high)}`, ownUnit(unit))
}

function verdictText({ verdict, thisMachineOnly }: Judgement): string {
  const where = verdict !== 'cannot_be_tested' && thisMachineOnly ? ' on this machine' : ''
  return `**${(VERDICTS[verdict] + where).toUpperCase()}**`
}

/** How many figures the verdict rests on. */
function countText({ figures, load }: Judgement): string {
  const verdicts = [...figures.map((figure) => figure.verdict), ...(load?.verdict ? [load.verdict] : [])]
  const count = (verdict: Verdict) => formatCount(verdicts.filter((own) => own === verdict).length)
  return `of ${formatCount(verdicts.length)} claimed: ${count('reproduced')} reproduced, ${count('not_reproduced')} not reproduced, ${count('cannot_be_tested')} not testable`
}

function verdictLines(plan: TestPlan, judgement: Judgement | undefined): string[] {
  if (!judgement) {
    const why = plan.testable ? ['no run was made'] : plan.why
    return ['**CANNOT BE TESTED HERE**:', '', ...why.map((reason) => `- ${reason}.`)]
  }
  const lines = [`${verdictText(judgement)}: ${countText(judgement)}.`]
  if (judgement.why.length > 0) lines.push('', ...judgement.why.map((reason) => `- ${reason}.`))
  if (judgement.verdict !== 'cannot_be_tested' && judgement.thisMachineOnly) {
    lines.push('', 'The run was not on the machine of the claim; there the figures may be others.')
  }
  return lines
}

function sourceText({ who, source, claim }: Claim): string {
  const { title, url, published } = source
  const place = url === undefined ? title : `[${title}](${url})`
  const date = published === undefined ? `date ${NOT_STATED}` : `published ${published}`
  // The sentence is the claim file's, not a quotation.
  return `What ${who} claims, in short: ${claim} Source: ${place}; ${date}.`
}

function conditionLines(claim: Claim, { conditions }: TestPlan): string[] {
  const rows = conditions.map(({ label, claimed, here, met }) => [
    label,
    claimed ?? NOT_STATED,
    here,
    met ? 'same' : claimed === undefined ? 'unknown' : '**differs**',
  ])
  const lines = markdownTable(['condition', 'claimed', 'here', ''], rows, ['left', 'left', 'left', 'left'])
  const { assumed } = claim
  if (!assumed) return lines
  return [...lines, '', `What the claim file assumes where nothing is stated: ${assumed.why}.`]
}

const judgedText = (verdict: Verdict, why: string | undefined) =>
  why === undefined ? VERDICTS[verdict] : `${VERDICTS[verdict]}: ${why}`

const definitionText = ({ definition, notStated = [] }: ClaimedFigure) =>
  [
    definition === NOT_STATED ? `definition ${NOT_STATED}` : definition,
    ...notStated.map((condition) => `${NOT_STATED}: ${condition}`),
  ].join('; ')

function figureRow({ claimed, accepted, measured, verdict, why }: JudgedFigure): string[] {
  const { metric, unit } = claimed
  return [
    metricOf(metric).title,
    claimedText(claimed),
    acceptedText(accepted, unit),
    measuredText(measured, unit),
    judgedText(verdict, why),
    definitionText(claimed),
  ]
}

function loadRow({ ratePerSec, completedPerSec, verdict, why }: JudgedLoad): string[] {
  const rate = formatRate(ratePerSec)
  const answered = completedPerSec === undefined ? NOT_MEASURED : `${formatRate(completedPerSec)} of ${rate} per second`
  if (verdict === undefined) return ['Load answered', NO_FIGURE, NO_FIGURE, answered, NO_FIGURE, NO_FIGURE]
  return ['Load answered', `fails at ${rate} per second`, NO_FIGURE, answered, judgedText(verdict, why), NO_FIGURE]
}

function figureLines({ figures, load }: Judgement): string[] {
  const head = ['figure', 'claimed', 'accepted', 'here', 'verdict', 'as its source defines it']
  const rows = [...(load ? [loadRow(load)] : []), ...figures.map(figureRow)]
  return markdownTable(head, rows, ['left', 'right', 'right', 'right', 'left', 'left'])
}

function untestedFigureLines({ figures }: Claim): string[] {
  if (figures.length === 0) return ['None, but that the gateway does not carry the load.']
  const rows = figures.map((figure) => [metricOf(figure.metric).title, claimedText(figure), definitionText(figure)])
  return markdownTable(['figure', 'claimed', 'as its source defines it'], rows, ['left', 'right', 'left'])
}

function definitionLines({ definitions }: Judgement): string[] {
  const head = ['overhead', 'claimed', 'here', 'definition']
  const rows = definitions.map(({ title, claimed, measured, formula }) => [
    title,
    claimed ? claimedText(claimed) : NO_FIGURE,
    measuredText(measured, 'us'),
    formula,
  ])
  return markdownTable(head, rows, ['left', 'right', 'right', 'left'])
}

/** A claim with its verdict as markdown. `judgement` is that of the run; absent where the claim cannot be tested. */
export function renderClaim(claim: Claim, plan: TestPlan, judgement?: Judgement): string {
  const lines = [
    `# Claim: ${claim.gateway}, by ${claim.who}`,
    '',
    ...verdictLines(plan, judgement),
    '',
    sourceText(claim),
    '',
    '## Conditions',
    '',
    ...conditionLines(claim, plan),
    '',
    '## Figures',
    '',
    ...(judgement ? figureLines(judgement) : untestedFigureLines(claim)),
  ]
  if (judgement) {
    lines.push('', '## The same run under each definition of overhead', '', ...definitionLines(judgement))
  }
  return `${lines.join('\n')}\n`
}
