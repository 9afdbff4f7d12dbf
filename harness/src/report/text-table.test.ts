import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { markdownTable } from './markdown-table.ts'
import { textTable, wrap } from './text-table.ts'

describe('textTable', () => {
  test('columns are as wide as their widest cell, and lines end where their text ends', () => {
    const rows = [
      ['name', 'n', 'note'],
      ['a', '1,000', ''],
    ]
    assert.deepEqual(textTable(rows, ['left', 'right', 'left']), ['name      n  note', 'a     1,000'])
  })
})

describe('wrap', () => {
  test('breaks at spaces only', () => {
    assert.deepEqual(wrap('one two three', 7), ['one two', 'three'])
    assert.deepEqual(wrap('incomprehensible it is', 5), ['incomprehensible', 'it is'])
  })

  test('keeps every word, and every line of several words within the width', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/)
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 5, max: 40 }), (words, width) => {
        const lines = wrap(words.join(' '), width)
        assert.equal(lines.join(' '), words.join(' '))
        assert.ok(lines.every((line) => line.length <= width || !line.includes(' ')))
      }),
    )
  })
})

test('a markdown table has as many cells in each line as columns, whatever the cells hold', () => {
  const cell = fc.string()
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
      const lines = markdownTable(['a', 'b'], rows, ['left', 'right'])
      assert.equal(lines.length, rows.length + 2)
      for (const line of lines) assert.equal(line.match(/(?<!\\)\|/g)?.length, 3, line)
    }),
  )
})
