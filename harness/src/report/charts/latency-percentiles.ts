import { axis, frame, line, SIDE_GRID, sideLegend, WIDTH, X_NAME_GAP, Y_NAME_GAP } from './layout.ts'
import { renderThemes, type ThemedSvg } from './render.ts'
import { logScale, percentileScale } from './scales.ts'

export interface LatencyPercentiles {
  title: string
  /** `percentile` from 0 to 100; 100 itself, which has no place on the axis, and times that are not above 0 are left out. */
  series: { name: string; points: { percentile: number; ms: number }[] }[]
}

/** An axis that ends before its second tick says nothing. */
const MIN_PERCENTILE = 90

/** Latency at each percentile, with as much room for the slowest 1% as for the nine tenths below. */
export function latencyPercentiles({ title, series }: LatencyPercentiles): Promise<ThemedSvg> {
  const shown = series.map(({ name, points }) => ({
    name,
    points: points.filter(({ percentile, ms }) => percentile < 100 && ms > 0),
  }))
  const all = shown.flatMap(({ points }) => points)
  const x = percentileScale(Math.max(MIN_PERCENTILE, ...all.map(({ percentile }) => percentile)))
  const y = logScale(all.map(({ ms }) => ms))
  return renderThemes({ width: WIDTH, height: 460 }, (theme) => ({
    ...frame(theme, title),
    grid: SIDE_GRID,
    legend: sideLegend(theme),
    xAxis: axis(theme, 'percentile', x, X_NAME_GAP),
    yAxis: { ...axis(theme, 'latency, ms', y, Y_NAME_GAP), scale: true },
    series: shown.map(({ name, points }, index) =>
      line(
        theme,
        index,
        name,
        points.map(({ percentile, ms }) => [x.at(percentile), y.at(ms)]),
      ),
    ),
  }))
}
