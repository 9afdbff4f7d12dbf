import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DARK, LIGHT, seriesStyle, shorten } from './theme.ts'

/** Relative luminance of WCAG 2.2. */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light! + 0.05) / (dark! + 0.05)
}

for (const [name, theme] of Object.entries({ light: LIGHT, dark: DARK })) {
  describe(`the ${name} theme`, () => {
    test('has text that stands out by 4.5 at least', () => {
      assert.ok(contrast(theme.text, theme.background) >= 4.5)
      assert.ok(contrast(theme.mutedText, theme.background) >= 4.5)
    })

    test('has series that stand out by 3 at least', () => {
      for (const color of theme.series) assert.ok(contrast(color, theme.background) >= 3, color)
    })

    test('tells eight series apart by colour and by symbol, twenty by colour and dash', () => {
      const styles = Array.from({ length: 20 }, (_, index) => seriesStyle(theme, index))
      const eight = styles.slice(0, 8)
      assert.equal(new Set(eight.map(({ color }) => color)).size, 8)
      assert.equal(new Set(eight.map(({ symbol }) => symbol)).size, 8)
      assert.equal(new Set(styles.map(({ color, dash }) => `${color} ${dash.toString()}`)).size, 20)
    })
  })
}

describe('shorten', () => {
  for (const [name, expected] of [
    ['litellm', 'litellm'],
    ['exactly-22-characters.', 'exactly-22-characters.'],
    ['a-gateway-with-a-long-name-1', 'a-gateway-w…ong-name-1'],
    ['two\nlines', 'two lines'],
  ] as const) {
    test(`${JSON.stringify(name)} is written ${JSON.stringify(expected)}`, () => {
      assert.equal(shorten(name), expected)
    })
  }
})
