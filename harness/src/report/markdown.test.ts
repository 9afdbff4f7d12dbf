import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bareResult, fixtureResult, without } from './fixture.test-data.ts'
import { renderMarkdown } from './markdown.ts'

/** Body rows of the table that follows a heading, as cells. */
function tableUnder(text: string, heading: string): string[][] {
  const from = text.indexOf(`\n## ${heading}\n`)
  assert.ok(from >= 0, heading)
  const lines = text.slice(from).split('\n')
  const start = lines.findIndex((line) => line.startsWith('|'))
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
}

describe('renderMarkdown', () => {
  test('the verdict comes before any figure, the result of the gateway apart from it', () => {
    const lines = renderMarkdown(fixtureResult()).split('\n')
    assert.match(lines[0]!, /^# builtin, t3\.medium: /)
    assert.match(lines[2]!, /^\*\*VALID\*\*/)
    assert.match(lines[4]!, /^\*\*GOOD\*\* builtin: 300,000 of 300,000/)
  })

  test('an invalid run says at the top not to use the numbers, and why', () => {
    const result = fixtureResult()
    result.verdict.valid = false
    Object.assign(result.verdict.checks[0]!, { ok: false, value: 0.98996 })
    const lines = renderMarkdown(result).split('\n')
    assert.match(lines[2]!, /^\*\*INVALID: do not use these numbers\.\*\* Failed: achieved_rate\./)
    assert.equal(lines[4], '- `achieved_rate`: 0.98996 (limit 0.99). The driver sent what the plan asked for.')
  })

  test('every check stands with value, limit and meaning; one without a value does not pass for one that holds', () => {
    const rows = tableUnder(renderMarkdown(fixtureResult()), 'Why these numbers may be believed')
    assert.deepEqual(rows, [
      ['achieved_rate', 'holds', '0.9999', '0.99', 'The driver sent what the plan asked for.'],
      ['schedule_lag', 'holds', '0.222 ms', '5 ms', 'Requests left close to the instants at which they were due.'],
      ['host_steal', 'says nothing', 'not measured', '-', 'The hypervisor took little CPU time away.'],
    ])
  })

  test('every word that the report uses is defined', () => {
    const terms = tableUnder(renderMarkdown(fixtureResult()), 'What the words mean').map(([term]) => term)
    for (const term of [
      'due',
      'sent',
      'latency',
      'service time',
      'floor',
      'overhead published',
      'overhead in_process',
      'overhead client',
      'ledger',
      'unattributed',
      'steal',
    ]) {
      assert.ok(terms.includes(term), term)
    }
  })

  test('the ledger says whose each row is and what it covers, and ends with the rest', () => {
    const rows = tableUnder(renderMarkdown(fixtureResult()), 'Ledger of the mean request')
    assert.deepEqual(rows[0]!.slice(0, 5), ['Generator lag', 'generator', '111.22', '', 'from due to sent'])
    assert.deepEqual(rows[1]!.slice(0, 4), ['Mean service time', '', '1,502,235.27', '100%'])
    assert.equal(
      rows.find(([title]) => title === 'Queue Wait Time')?.[4],
      "entered the provider's queue to a worker taking it",
    )
    assert.equal(rows.at(-1)![0], 'unattributed')
  })

  test('the real machine stands beside the imitated one', () => {
    const text = renderMarkdown(fixtureResult())
    assert.match(
      text,
      /\| ran on \| 2 vCPU, 24\.0 GiB, Invented CPU.*\n(.*\n)?\| profile \| t3\.medium \(2 vCPU, 4 GiB\): imitated/,
    )
  })

  test('the command can be pasted into a shell', () => {
    assert.match(
      renderMarkdown(fixtureResult()),
      /With Node 24\.21\.0, commit 0123456789abcdef0123456789abcdef01234567:\n\n```sh\nbench run --rate 5000 --duration 60 --header 'x-note: invented'\n```\n$/,
    )
    assert.match(renderMarkdown(without(fixtureResult(), 'command')), /The command was not recorded\.\n$/)
  })

  test('the timeline is second by second, without columns that nobody measured', () => {
    const text = renderMarkdown(fixtureResult())
    assert.deepEqual(tableUnder(text, 'Second by second')[1], [
      '1',
      '5,000',
      '5,000',
      '0',
      '0',
      '1,502.00',
      '1,531.00',
      '0.200',
      '301',
      '0.50',
    ])
    assert.doesNotMatch(text, /mock cores/)
  })

  test('a long timeline is condensed and says how', () => {
    const timeline = Array.from({ length: 150 }, (_, second) => ({ second, sent: 10, ok: 10, failed: 0 }))
    const text = renderMarkdown(fixtureResult({ timeline }))
    assert.match(text, /Each row condenses 3 seconds: counts are summed/)
    const rows = tableUnder(text, 'Second by second')
    assert.equal(rows.length, 50)
    assert.deepEqual(rows[1], ['3 to 5', '30', '30', '0'])
  })

  test('a run that measured next to nothing says so in every section', () => {
    const text = renderMarkdown(bareResult())
    assert.doesNotMatch(text, /undefined|NaN|null/)
    for (const [, mean] of tableUnder(text, 'Overhead')) assert.equal(mean, 'not measured')
    for (const [, peak] of tableUnder(text, 'Resources')) assert.equal(peak, 'not measured')
    for (const head of ['Latency', 'Stages of the gateway', 'Ledger of the mean request', 'Second by second']) {
      assert.match(text, new RegExp(`## ${head}\n\nnot measured`))
    }
  })

  test('a name with a pipe or a newline does not break a table', () => {
    const target = { name: 'a|b\nc', url: 'http://127.0.0.1:1', managed: false }
    assert.match(renderMarkdown(fixtureResult({ target })), /\| target \| a\\\|b c \(version unknown\)/)
  })
})
