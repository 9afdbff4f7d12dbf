import type { EChartsOption, LegendComponentOption, LineSeriesOption, ScatterSeriesOption } from 'echarts'
import type { Scale } from './scales.ts'
import { seriesStyle, shorten, type Theme } from './theme.ts'

/** The parts of an ECharts option that all charts have in common. */

export const WIDTH = 800

/** Room for the names of targets, right of the plot. */
const LEGEND_WIDTH = 228

/** In characters: what the library takes text to be as wide as is too little in some fonts. */
const LONGEST_TITLE = 72

const FONT = 'system-ui, Helvetica, Arial, sans-serif'

/** Series with fewer points have a marker on each. */
const MARKERS = 8

/** Title, colours and font. */
export function frame(theme: Theme, title: string): EChartsOption {
  return {
    animation: false,
    backgroundColor: theme.background,
    textStyle: { fontFamily: FONT, color: theme.text },
    title: {
      text: shorten(title, LONGEST_TITLE),
      left: 16,
      top: 12,
      textStyle: { color: theme.text, fontSize: 16, fontWeight: 600 },
    },
  }
}

/** A plot with its legend to the right. */
export const SIDE_GRID = { left: 84, right: LEGEND_WIDTH + 16, top: 56, bottom: 62 }

export function legend(theme: Theme): LegendComponentOption {
  // Nobody clicks on a picture: without the mode its entries would have hover styles.
  return { selectedMode: false, textStyle: { color: theme.text, fontSize: 12, lineHeight: 15 } }
}

/** Names one under the other, right of the plot; `notes` are in full and may have line breaks. */
export function sideLegend(theme: Theme, notes: string[] = []): LegendComponentOption {
  return {
    ...legend(theme),
    orient: 'vertical',
    left: WIDTH - LEGEND_WIDTH,
    top: 56,
    itemWidth: 30,
    itemHeight: 9,
    itemGap: 10,
    formatter: (name) => (notes.includes(name) ? name : shorten(name)),
  }
}

/** An axis without ticks of its own has those of its scale. `nameGap`: from the axis line to its title, px. */
export function axis(theme: Theme, name: string, { note, marks }: Scale, nameGap: number) {
  const label = { color: theme.mutedText, fontSize: 12 }
  const shared = {
    type: 'value' as const,
    name: note === '' ? name : `${name}, ${note}`,
    nameLocation: 'middle' as const,
    nameGap,
    nameTextStyle: { color: theme.text, fontSize: 13 },
    axisLine: { show: true, onZero: false, lineStyle: { color: theme.mutedText } },
    splitLine: { lineStyle: { color: theme.gridLine } },
  }
  if (!marks) return { ...shared, axisTick: { show: true }, axisLabel: label }
  const labels = new Map(marks.ticks.map((tick) => [tick.at, tick.label]))
  const customValues = [...labels.keys()]
  return {
    ...shared,
    min: marks.min,
    max: marks.max,
    axisTick: { show: true, customValues },
    axisLabel: { ...label, customValues, formatter: (position: number) => labels.get(position) ?? '' },
  }
}

export const X_NAME_GAP = 32
export const Y_NAME_GAP = 58

/** A line with few enough markers to see its dashes, each series having them elsewhere. */
export function line(theme: Theme, index: number, name: string, points: [x: number, y: number][]): LineSeriesOption {
  const { color, symbol, dash } = seriesStyle(theme, index)
  const step = Math.ceil(points.length / MARKERS)
  return {
    type: 'line',
    name,
    silent: true,
    symbol,
    symbolSize: 9,
    lineStyle: { color, width: 2, type: dash },
    itemStyle: { color },
    data: points.map((value, at) => (at % step === index % step ? { value } : { value, symbol: 'none' })),
  }
}

/** A symbol filled with the colour, or hollow. */
export function marker(theme: Theme, color: string, hollow: boolean) {
  return {
    itemStyle: {
      color: hollow ? theme.background : color,
      borderColor: color,
      borderWidth: hollow ? 2 : 0,
      opacity: 1,
    },
  }
}

/** A series without points, which explains a symbol in the legend. */
export function note(theme: Theme, name: string, symbol: string, hollow: boolean): ScatterSeriesOption {
  return { type: 'scatter', name, symbol, ...marker(theme, theme.mutedText, hollow), data: [] }
}
