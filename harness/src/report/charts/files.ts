import type { ThemedSvg } from './render.ts'

const lightFile = (fileBase: string) => `${fileBase}.svg`
const darkFile = (fileBase: string) => `${fileBase}-dark.svg`

/** The files of charts, two each, as {@link pictureMarkdown} finds them. */
export function chartFiles(charts: { fileBase: string; chart: ThemedSvg }[]): { name: string; svg: string }[] {
  return charts.flatMap(({ fileBase, chart }) => [
    { name: lightFile(fileBase), svg: chart.light },
    { name: darkFile(fileBase), svg: chart.dark },
  ])
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** A chart in markdown that follows the reader's light or dark theme on GitHub. `fileBase`: relative to the document. */
export function pictureMarkdown(fileBase: string, alt: string): string {
  const url = (file: string) => attribute(encodeURI(file))
  return [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="${url(darkFile(fileBase))}">`,
    // A blank line in the text would end the HTML.
    `  <img alt="${attribute(alt.replace(/\s+/g, ' '))}" src="${url(lightFile(fileBase))}">`,
    '</picture>',
  ].join('\n')
}
