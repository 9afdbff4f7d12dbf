import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { flagOf, readFlags } from './flags.ts'
import { TABLE } from './settings.ts'

/** What the README says of settings is what the code has. */

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The cells of each row of every table under the heading. */
function rowsUnder(heading: string): string[][] {
  const section = README.split(/^## /m).find((text) => text.startsWith(`${heading}\n`))
  assert.ok(section !== undefined, `the README has no section "${heading}"`)
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** What a cell has in backquotes. */
function codesOf(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')
}

const SETTING_ROWS = new Map(rowsUnder('Settings').map((cells) => [codesOf(cells[0])[0] ?? '', cells]))

function rowOf(setting: string): string[] {
  const cells = SETTING_ROWS.get(setting)
  assert.ok(cells !== undefined, `no row of the README has the setting ${setting}`)
  return cells
}

/** A default as the README writes it. */
function shownDefault(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '')
  return ['', '""', '[]'].includes(text) ? 'none' : text
}

/** The text with one more at the end of its number, or one less: '64MiB', '65MiB'. */
function moved(text: string, by: 1 | -1): string {
  return text.replace(/\d+/, (digits) => String(Number(digits) + by))
}

describe('the settings in the README', () => {
  for (const [name, { default: fallback, read }] of Object.entries(TABLE)) {
    test(`${name} has its flag and its default`, () => {
      const [, flag, shown] = rowOf(name)
      assert.deepEqual(codesOf(flag), [flagOf(name)])
      assert.deepEqual(codesOf(shown), [shownDefault(fallback)])
    })

    const range = SETTING_ROWS.get(name)?.[3] ?? ''
    const [lowest, highest] = range.includes(' to ') ? codesOf(range) : []
    if (lowest === undefined || highest === undefined) continue
    test(`${name} is read from ${lowest} to ${highest}, and no further`, () => {
      assert.ok(read(lowest).ok, lowest)
      assert.ok(read(highest).ok, highest)
      assert.ok(!read(moved(highest, 1)).ok, moved(highest, 1))
      assert.ok(!read(moved(lowest, -1)).ok, moved(lowest, -1))
    })
  }

  test('are all that the help has, and no other', () => {
    const answer = readFlags(['--help'])
    assert.ok('help' in answer)
    const flags = [...answer.help.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, flag]) => flag)
    const shown = [...SETTING_ROWS.values()].flatMap((cells) => codesOf(cells[1]))
    assert.ok(flags.length > Object.keys(TABLE).length)
    assert.deepEqual(shown.toSorted(), flags.toSorted())
  })
})

test('every row of the comparison that gatebench has is shown by a command, and no other', () => {
  const marked = rowsUnder('What other mocks offer').filter(([, , mark]) => /^[YP]\b/.test(mark ?? ''))
  const claimed = marked.map(([number, capability]) => `${number ?? ''}. ${capability ?? ''}`)
  const shown = rowsUnder('Every row, shown').map(([name]) => name ?? '')
  assert.ok(claimed.length > 0)
  assert.deepEqual(
    shown.filter((name) => /^\d/.test(name)),
    claimed,
  )
})
