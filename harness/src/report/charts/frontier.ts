import type { ScatterSeriesOption } from 'echarts'
import { formatExact } from '../../units.ts'
import { axis, frame, marker, note, SIDE_GRID, sideLegend, WIDTH, X_NAME_GAP, Y_NAME_GAP } from './layout.ts'
import { renderThemes, type ThemedSvg } from './render.ts'
import { LINEAR, logScale } from './scales.ts'
import { seriesStyle, type Theme } from './theme.ts'

interface FrontierPoint {
  /** p99 added at most, ms; null for no bound. */
  boundMs: number | null
  /** Absent when no rate was carried. */
  ratePerSec?: number
  /** What allowed no higher rate, where that was not the target. */
  limitedBy?: string
}

export interface Frontier {
  title: string
  targets: { name: string; points: FrontierPoint[] }[]
}

/** Width of a bound's group is 1. */
const GROUP_SPREAD = 0.9
const MAX_SPACING = 0.14

const CROSS = 'path://M1.5,0L5,3.5L8.5,0L10,1.5L6.5,5L10,8.5L8.5,10L5,6.5L1.5,10L0,8.5L3.5,5L0,1.5Z'
const NONE_CARRIED = 'x at the foot: no rate\nkept within the bound'

const boundText = (boundMs: number | null) => (boundMs === null ? 'no bound' : `≤ ${formatExact(boundMs)} ms`)

/** Bounds side by side at 0, 1, 2 ..., with ticks between them. */
function boundAxis(theme: Theme, labels: string[]) {
  const base = axis(theme, 'bound on added latency at p99', LINEAR, X_NAME_GAP)
  return {
    ...base,
    min: -0.5,
    max: labels.length - 0.5,
    axisTick: { show: true, customValues: Array.from({ length: labels.length + 1 }, (_, edge) => edge - 0.5) },
    axisLabel: {
      ...base.axisLabel,
      customValues: [...labels.keys()],
      formatter: (group: number) => labels[group] ?? '',
    },
  }
}

function hollowNote(limits: Set<string>): string {
  return `hollow: limited by\n${[...limits].join(', ').replaceAll('_', ' ')},\nnot by the target`
}

/** The largest rate that each target carried within each bound. */
export function frontier({ title, targets }: Frontier): Promise<ThemedSvg> {
  const all = targets.flatMap(({ points }) => points)
  const bounds = [...new Set(all.map(({ boundMs }) => boundMs))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity))
  const y = logScale(all.flatMap(({ ratePerSec }) => ratePerSec ?? []))
  const foot = y.marks?.min ?? 0
  const spacing = Math.min(MAX_SPACING, GROUP_SPREAD / targets.length)

  const seriesOf = (
    theme: Theme,
    { name, points }: Frontier['targets'][number],
    index: number,
  ): ScatterSeriesOption => {
    const { color, symbol } = seriesStyle(theme, index)
    const data = points.flatMap(({ boundMs, ratePerSec, limitedBy }) => {
      const x = bounds.indexOf(boundMs) + (index - (targets.length - 1) / 2) * spacing
      if (ratePerSec !== undefined) {
        return { value: [x, y.at(ratePerSec)], ...marker(theme, color, limitedBy !== undefined) }
      }
      // Limited before any rate was carried: nothing is known of the target.
      return limitedBy === undefined ? { value: [x, foot], symbol: CROSS } : []
    })
    return { type: 'scatter', silent: true, name, symbol, symbolSize: 10, ...marker(theme, color, false), data }
  }

  const limits = new Set(all.flatMap(({ limitedBy }) => limitedBy ?? []))
  const noneCarried = all.some(({ ratePerSec, limitedBy }) => ratePerSec === undefined && limitedBy === undefined)
  const hollow = hollowNote(limits)
  return renderThemes({ width: WIDTH, height: 460 }, (theme) => ({
    ...frame(theme, title),
    grid: SIDE_GRID,
    legend: { ...sideLegend(theme, [hollow, NONE_CARRIED]), itemWidth: 12, itemHeight: 12 },
    xAxis: boundAxis(theme, bounds.length === 0 ? [''] : bounds.map(boundText)),
    yAxis: { min: 0, ...axis(theme, 'requests per second', y, Y_NAME_GAP) },
    series: [
      ...targets.map((target, index) => seriesOf(theme, target, index)),
      ...(limits.size > 0 ? [note(theme, hollow, 'circle', true)] : []),
      ...(noneCarried ? [note(theme, NONE_CARRIED, CROSS, false)] : []),
    ],
  }))
}
