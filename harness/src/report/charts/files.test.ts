import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chartFiles, pictureMarkdown } from './files.ts'

test('a chart is two files, and the picture names both', () => {
  const files = chartFiles([{ fileBase: 'memory', chart: { light: '<svg>1</svg>', dark: '<svg>2</svg>' } }])
  assert.deepEqual(files, [
    { name: 'memory.svg', svg: '<svg>1</svg>' },
    { name: 'memory-dark.svg', svg: '<svg>2</svg>' },
  ])
  const picture = pictureMarkdown('memory', 'resident memory')
  assert.match(picture, /<source media="\(prefers-color-scheme: dark\)" srcset="memory-dark\.svg">/)
  assert.match(picture, /<img alt="resident memory" src="memory\.svg">/)
})

test('neither name nor description ends its attribute or the HTML', () => {
  const picture = pictureMarkdown('a "b" c', 'x <y> & "z"\n\nend')
  assert.match(picture, /src="a%20%22b%22%20c\.svg"/)
  assert.match(picture, /alt="x &lt;y&gt; &amp; &quot;z&quot; end"/)
})
