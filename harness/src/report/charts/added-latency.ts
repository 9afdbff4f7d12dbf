import type { LineSeriesOption, ScatterSeriesOption } from 'echarts'
import type { Interval } from '../../compare/record.ts'
import { formatUs, NOT_MEASURED } from '../../units.ts'
import { axis, frame, legend, marker, note, WIDTH, X_NAME_GAP } from './layout.ts'
import { renderThemes, type ThemedSvg } from './render.ts'
import { LINEAR, spreadScale, type Scale } from './scales.ts'
import { seriesStyle, shorten, type Theme } from './theme.ts'

/** All figures are us, as in the record of a comparison. */
export interface AddedLatency {
  title: string
  /** What the axis shows. */
  unit: 'us' | 'ms'
  /** `upperBound`: the p99 is too much rather than too little. */
  rows: { name: string; mean?: Interval; p50?: Interval; p99?: Interval; upperBound?: boolean }[]
  /** Smallest overhead that the machine can tell from none. */
  smallestUs?: number
}

type Row = AddedLatency['rows'][number]

const STATISTICS = ['mean', 'p50', 'p99'] as const

/** Height of a row is 1; its statistics stand this far apart. */
const SPACING = 0.24

const ROW_PX = 54
const GRID = { left: 196, right: 32, top: 84, bottom: 62 }

const UPPER_BOUND = 'hollow: at most this'

/** Names of the targets at 0, 1, 2 ... from the top, with ticks between them. */
function nameAxis(theme: Theme, rows: Row[]) {
  const base = axis(theme, '', LINEAR, 0)
  const label = (row: Row) =>
    STATISTICS.some((statistic) => row[statistic]) ? shorten(row.name) : `${shorten(row.name)}\n${NOT_MEASURED}`
  return {
    ...base,
    inverse: true,
    min: -0.5,
    max: Math.max(rows.length, 1) - 0.5,
    axisTick: { show: true, customValues: Array.from({ length: rows.length + 1 }, (_, edge) => edge - 0.5) },
    axisLabel: {
      ...base.axisLabel,
      color: theme.text,
      lineHeight: 16,
      customValues: [...rows.keys()],
      formatter: (at: number) => (rows[at] ? label(rows[at]) : ''),
    },
  }
}

/** One statistic of all targets: its intervals as whiskers, and its markers on them. */
function statisticSeries(
  theme: Theme,
  rows: Row[],
  index: number,
  x: Scale['at'],
): [LineSeriesOption, ScatterSeriesOption] {
  const statistic = STATISTICS[index]!
  const { color, symbol } = seriesStyle(theme, index)
  const shown = rows.flatMap((row, at) => {
    const interval = row[statistic]
    const hollow = statistic === 'p99' && row.upperBound === true
    return interval ? { ...interval, hollow, y: at + (index - 1) * SPACING } : []
  })
  return [
    {
      type: 'line',
      silent: true,
      symbol: 'rect',
      symbolSize: [2, 9],
      lineStyle: { color, width: 2 },
      itemStyle: { color },
      // '-' is the library's gap, so that one line draws all whiskers.
      data: shown.flatMap(({ low, high, y }) => [
        [x(low), y],
        [x(high), y],
        ['-', '-'],
      ]),
    },
    {
      type: 'scatter',
      silent: true,
      name: statistic,
      symbol,
      symbolSize: 11,
      ...marker(theme, color, false),
      data: shown.map(({ value, hollow, y }) => ({ value: [x(value), y], ...marker(theme, color, hollow) })),
    },
  ]
}

/** What cannot be told from none: from 0, or from -smallest where the axis reaches below 0. */
function bandSeries(
  theme: Theme,
  smallest: number,
  name: string,
  lowest: number,
  { at, marks }: Scale,
): ScatterSeriesOption {
  // A log axis has no 0: its band begins where the axis does.
  const from = Math.max(at(lowest < 0 ? -smallest : 0), marks?.min ?? -Infinity)
  const to = at(smallest)
  return {
    type: 'scatter',
    silent: true,
    name,
    symbol: 'rect',
    itemStyle: { color: theme.band, borderColor: theme.gridLine, borderWidth: 1 },
    // Without a size: only so that the axis reaches as far as the band.
    symbolSize: 0,
    data: [
      [from, 0],
      [to, 0],
    ],
    markArea: { silent: true, itemStyle: { color: theme.band }, data: [[{ xAxis: from }, { xAxis: to }]] },
  }
}

/** Mean, p50 and p99 of what each target adds, with their 95% intervals. */
export function addedLatency({ title, unit, rows, smallestUs = 0 }: AddedLatency): Promise<ThemedSvg> {
  const intervals = rows.flatMap((row) => STATISTICS.flatMap((statistic) => row[statistic] ?? []))
  const endsUs = intervals.flatMap(({ value, low, high }) => [low, value, high])
  const usPerUnit = unit === 'ms' ? 1000 : 1
  const smallest = smallestUs > 0 ? [smallestUs / usPerUnit] : []
  const scale = spreadScale([...endsUs.map((us) => us / usPerUnit), ...smallest], ...smallest)
  const x = { ...scale, at: (us: number) => scale.at(us / usPerUnit) }
  const band = `within ${formatUs(smallestUs)} us: not distinguishable from none`
  const hollow = rows.some(({ p99, upperBound }) => p99 !== undefined && upperBound === true)

  return renderThemes(
    { width: WIDTH, height: GRID.top + GRID.bottom + ROW_PX * Math.max(rows.length, 1) },
    (theme) => ({
      ...frame(theme, title),
      grid: GRID,
      legend: {
        ...legend(theme),
        left: 14,
        top: 44,
        itemWidth: 14,
        itemHeight: 11,
        // The library takes text to be narrower than it is in some fonts.
        itemGap: 28,
        data: [...STATISTICS, ...(hollow ? [UPPER_BOUND] : []), ...(smallestUs > 0 ? [band] : [])],
      },
      xAxis: axis(theme, `added latency, ${unit}`, x, X_NAME_GAP),
      yAxis: nameAxis(theme, rows),
      series: [
        ...(smallestUs > 0 ? [bandSeries(theme, smallestUs, band, Math.min(...endsUs), x)] : []),
        ...STATISTICS.flatMap((_, index) => statisticSeries(theme, rows, index, x.at)),
        ...(hollow ? [note(theme, UPPER_BOUND, seriesStyle(theme, STATISTICS.indexOf('p99')).symbol, true)] : []),
      ],
    }),
  )
}
