import type { EChartsOption } from 'echarts'
import { DARK, LIGHT, type Theme } from './theme.ts'

/** One chart as SVG text, for light and for dark pages. */
export interface ThemedSvg {
  light: string
  dark: string
}

export interface Size {
  width: number
  height: number
}

/** Loaded on first use: half a second that `bench --help` need not pay. */
async function loadECharts() {
  const [core, { LineChart, ScatterChart }, components, { SVGRenderer }] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  const { GridComponent, LegendComponent, MarkAreaComponent, TitleComponent } = components
  core.use([LineChart, ScatterChart, GridComponent, LegendComponent, MarkAreaComponent, TitleComponent, SVGRenderer])
  return core
}

/** Draws what `optionOf` describes, once in each theme. */
export async function renderThemes(size: Size, optionOf: (theme: Theme) => EChartsOption): Promise<ThemedSvg> {
  const { init } = await loadECharts()
  const draw = (theme: Theme) => {
    const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
    chart.setOption(optionOf(theme))
    const svg = chart.renderToSVGString()
    chart.dispose()
    return svg
  }
  return { light: draw(LIGHT), dark: draw(DARK) }
}
