/** What differs between the two renderings of a chart. Text has a contrast of at least 4.5 on the background, marks of 3. */
export interface Theme {
  background: string
  text: string
  mutedText: string
  gridLine: string
  /** Fills a region behind the marks; the grid lines show through. */
  band: string
  /** One colour a series. */
  series: readonly string[]
}

// Okabe and Ito's palette, whose colours the colour-blind can tell apart; those too pale or too dark for a background are
// replaced by others that stay apart, computed after Machado et al. for protanopia and deuteranopia.
export const LIGHT: Theme = {
  background: '#ffffff',
  text: '#1f2328',
  mutedText: '#59636e',
  gridLine: '#d1d9e0',
  band: '#6e778130',
  series: ['#0072b2', '#d55e00', '#009e73', '#1f2328', '#cc79a7', '#6b3a00', '#4b2be8', '#3399d6'],
}

/** On the background of GitHub's dark pages. */
export const DARK: Theme = {
  background: '#0d1117',
  text: '#f0f6fc',
  mutedText: '#9198a1',
  gridLine: '#3d444d',
  band: '#9198a138',
  series: ['#2b8fd9', '#d55e00', '#009e73', '#f0f6fc', '#cc79a7', '#e69f00', '#f0e442', '#8ad0f5'],
}

/** As many as colours, so that a series can be told without them. */
export const SYMBOLS = [
  'circle',
  'rect',
  'triangle',
  'diamond',
  'path://M0,0L10,0L5,9Z',
  'path://M3.5,0L6.5,0L6.5,3.5L10,3.5L10,6.5L6.5,6.5L6.5,10L3.5,10L3.5,6.5L0,6.5L0,3.5L3.5,3.5Z',
  'path://M2.5,0L7.5,0L10,5L7.5,10L2.5,10L0,5Z',
  'path://M5,0L6.2,3.5L10,3.5L7,5.8L8.1,9.5L5,7.3L1.9,9.5L3,5.8L0,3.5L3.8,3.5Z',
] as const

/** Lengths of line and gap, px. */
const DASHES: readonly (number[] | 'solid')[] = [
  'solid',
  [8, 4],
  [2, 3],
  [10, 3, 2, 3],
  [14, 4],
  [5, 2],
  [10, 3, 2, 3, 2, 3],
]

const cycled = <T>(values: readonly T[], index: number): T => values[index % values.length]!

/** How the series of one index looks, alike in all charts. Beyond eight, colours and symbols return with other dashes. */
export function seriesStyle(theme: Theme, index: number) {
  return {
    color: cycled(theme.series, index),
    symbol: cycled(SYMBOLS, index),
    dash: cycled(DASHES, index),
  }
}

const LONGEST_NAME = 22

/**
 * Cut in the middle, so that names that differ at either end stay apart.
 * @example shorten('a-gateway-with-a-long-name-1') // 'a-gateway-w…ong-name-1'
 */
export function shorten(name: string, longest = LONGEST_NAME): string {
  const text = Array.from(new Intl.Segmenter().segment(name.replace(/\s+/g, ' ')), ({ segment }) => segment)
  if (text.length <= longest) return text.join('')
  const kept = longest - 1
  return `${text.slice(0, Math.ceil(kept / 2)).join('')}…${text.slice(-Math.floor(kept / 2)).join('')}`
}
