import { axis, frame, line, SIDE_GRID, sideLegend, WIDTH, X_NAME_GAP, Y_NAME_GAP } from './layout.ts'
import { renderThemes, type ThemedSvg } from './render.ts'
import { LINEAR } from './scales.ts'

export interface Memory {
  title: string
  /** `second`: from the start of what is shown. */
  series: { name: string; points: { second: number; mib: number }[] }[]
}

/** Resident memory over time, from 0, so that what a target takes can be compared by eye. */
export function memory({ title, series }: Memory): Promise<ThemedSvg> {
  return renderThemes({ width: WIDTH, height: 420 }, (theme) => ({
    ...frame(theme, title),
    grid: SIDE_GRID,
    legend: sideLegend(theme),
    xAxis: axis(theme, 'time, s', LINEAR, X_NAME_GAP),
    yAxis: { ...axis(theme, 'resident memory, MiB', LINEAR, Y_NAME_GAP), min: 0 },
    series: series.map(({ name, points }, index) =>
      line(
        theme,
        index,
        name,
        points.map(({ second, mib }) => [second, mib]),
      ),
    ),
  }))
}
