import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { renderCompareConsole } from './compare-console.ts'
import { fixtureComparison } from './compare/fixture.test-data.ts'
import { without } from './fixture.test-data.ts'

const plain = renderCompareConsole(fixtureComparison(), { color: false, folder: 'results/x' })

describe('renderCompareConsole', () => {
  test('the answer comes first, then what speaks against it, then one row a target', () => {
    const places = ['At 500 requests/s', 'Before using these figures', 'added latency  ', 'smallest difference'].map(
      (text) => plain.indexOf(text),
    )
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
    assert.equal(places[0], 0)
    assert.match(plain, /\n {2}nginx +48\.2 us \(45\.9 to 51\.1\) +193 us +38\.3 us +16\.7 MiB +100%\n/)
    assert.match(plain, /\n {2}acme \(failed\) +not measured/)
    assert.match(plain, /none: 15\.2 us\n/)
    assert.match(plain, /Files {2}results\/x: report\.md, comparison\.json\n$/)
  })

  test('no line is wider than 100 columns', () => {
    for (const line of plain.split('\n')) assert.ok(line.length <= 100, line)
  })

  test('without controls the smallest difference is not measured', () => {
    const text = renderCompareConsole(without(fixtureComparison(), 'control'), { color: false })
    assert.match(text, /from none: not measured\n$/)
  })

  test('colour changes no character', () => {
    const colored = renderCompareConsole(fixtureComparison(), { color: true, folder: 'results/x' })
    assert.notEqual(colored, plain)
    assert.equal(stripVTControlCharacters(colored), plain)
  })
})
