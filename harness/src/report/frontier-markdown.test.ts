import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fixtureFrontier } from './compare/fixture.test-data.ts'
import { frontierLines } from './frontier-markdown.ts'

const text = frontierLines(fixtureFrontier(), undefined).join('\n')

describe('the frontier', () => {
  test('is a table of target by bound, the smallest bound first, none last', () => {
    assert.match(text, /\| target \| <= 1 ms \| <= 5 ms \| no bound \|/)
    assert.match(
      text,
      /\| builtin \| 1,400\/s, not 1,550\/s \| 2,600\/s, not 2,800\/s \| at least 6,000\/s, \*\*mock-bound\*\* \|/,
    )
  })

  test('tells what was carried at no rate from what was not measured', () => {
    assert.match(text, /\| litellm \| none, not 50\/s \| 120\/s, not 140\/s \| not measured \|/)
  })

  test('never ranks what met the limit of an instrument or of the search, and says what that means', () => {
    assert.match(
      text,
      /\| nginx \| at least 9,000\/s, \*\*driver-bound\*\* .* at least 12,000\/s, \*\*search ended\*\* \|/,
    )
    for (const mark of ['driver-bound', 'mock-bound', 'search ended']) {
      assert.match(text, new RegExp(`- \\*\\*${mark}\\*\\*: .*not ranked`))
    }
    const frontier = fixtureFrontier()
    frontier.targets[0]!.points[0] = { boundMs: 1, limitedBy: 'mock' }
    assert.match(frontierLines(frontier, undefined).join('\n'), /\| nginx \| not measured, \*\*mock-bound\*\* \|/)
  })

  test('says why a target has none, or a part of one', () => {
    assert.match(text, /- litellm: The search without a bound was stopped after 20 trials\./)
  })

  test('keeps closed-loop figures in a table of their own, with why they do not compare', () => {
    const [open, closed] = text.split('### Closed loop: not comparable with the table above')
    assert.doesNotMatch(open!, /autocannon/)
    assert.match(closed!, /next request only when the last one was answered/)
    assert.match(closed!, /\| nginx \| autocannon 8\.0\.0, 64 connections, 10 s \| 5,555\/s \| 0 \| 66\.60 ms \|/)
    assert.match(closed!, /\| litellm \| not measured \|/)
  })

  test('shows every trial', () => {
    assert.match(text, /\| builtin \| 4,000\/s \| 3,999\.5\/s \| 3,888\.8\/s \| 22 \| not measured \|/)
  })
})
