import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compareRuns } from '../comparison.ts'
import { publishedFigures } from '../published.ts'
import type { Result } from '../recording.ts'
import { renderComparison } from './comparison-markdown.ts'
import { bareResult, fixtureResult } from './fixture.test-data.ts'

function changed(change: (result: Result) => void): Result {
  const result = fixtureResult()
  change(result)
  return result
}

const render = (...results: Result[]) => renderComparison(compareRuns(results))

function cells(text: string, metric: string): string[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`| ${metric} | `))
  assert.ok(line, metric)
  return line.slice(2, -2).split(' | ').slice(1)
}

const faster = changed((r) => {
  r.latencyMs!.fromDue.p99 = 1533.44 * 0.755
  r.requests.successRate = 0.97512
  r.stagesUs!['json_marshaling']!.mean = 11.1
})

describe('renderComparison', () => {
  test('metric, one column a run, improvement', () => {
    assert.match(
      render(fixtureResult(), faster),
      /\n\| Metric \| A: builtin, t3\.medium \| B: builtin, t3\.medium \| Improvement \|\n/,
    )
  })

  test('improvement is a signed change with its direction in words', () => {
    const text = render(fixtureResult(), faster)
    assert.deepEqual(cells(text, 'p99 Latency (from due)'), ['1,533.44 ms', '1,157.75 ms', '-24.5% better'])
    assert.deepEqual(cells(text, 'JSON Marshaling'), ['5.55 us', '11.1 us', '+100.0% worse'])
    assert.deepEqual(cells(text, 'Success Rate'), ['100%', '97.512%', '-2.488 points worse'])
    assert.deepEqual(cells(text, 'Request Setup'), ['6.66 us', '6.66 us', '0.0%'])
    assert.match(text, /\(B - A\) \/ A in %.*the success rate is B - A in percentage points/)
  })

  test('a change that rounds to nothing is neither better nor worse', () => {
    const text = render(
      fixtureResult(),
      changed((r) => (r.latencyMs!.fromDue.mean = 1502.33001)),
    )
    assert.equal(cells(text, 'Average Latency (from due)')[2], '0.0%')
  })

  test('runs that are alike say so', () => {
    assert.match(render(fixtureResult(), faster), /same plan, payload, mock, machine and runtime/)
  })

  test('what makes the runs incomparable stands above the table, and nothing is called better or worse', () => {
    const text = render(
      fixtureResult(),
      changed((r) => {
        r.plan.responseBytes = 10_320
        r.profile = 't3.xlarge'
        r.latencyMs!.fromDue.mean = 1600
      }),
    )
    assert.ok(text.indexOf('**These runs are not comparable**') < text.indexOf('| Metric |'))
    assert.match(
      text,
      /They differ in\n\n\|.*\n\|.*\n\| answer body, bytes \| 1370 \| 10320 \|\n\nThey also differ in\n\n\|.*\n\|.*\n\| profile \| t3\.medium \| t3\.xlarge \|/,
    )
    assert.match(text, /\| Improvement \(not to be relied on\) \|/)
    assert.deepEqual(cells(text, 'Average Latency (from due)'), ['1,502.33 ms', '1,600.00 ms', '+6.5%'])
    assert.doesNotMatch(text, /% (better|worse)/)
  })

  test('a difference that is only worth knowing does not call the runs incomparable', () => {
    const text = render(
      fixtureResult(),
      changed((r) => (r.environment.gitCommit = 'fedcba')),
    )
    assert.match(
      text,
      /The same work on the same machine; worth knowing that the runs differ in\n\n.*\n.*\n\| commit \| 0123.* \| fedcba \|/,
    )
    assert.doesNotMatch(text, /not comparable/)
  })

  test('an invalid run is marked in its column head and above the table', () => {
    const invalid = changed((r) => {
      r.verdict.valid = false
      r.verdict.checks[1]!.ok = false
    })
    const text = render(fixtureResult(), invalid)
    assert.match(text, /\| Metric \| A: builtin, t3\.medium \| B: builtin, t3\.medium \*\*INVALID: schedule_lag\*\* \|/)
    assert.ok(text.indexOf('**Run B is INVALID** (schedule_lag)') < text.indexOf('| Metric |'))
    assert.doesNotMatch(text, /Run A is INVALID/)
  })

  test('three runs are three columns without an improvement', () => {
    const text = render(fixtureResult(), fixtureResult(), fixtureResult())
    assert.equal(cells(text, 'Queue Wait Time').length, 3)
    assert.doesNotMatch(text, /Improvement/)
  })

  test('what was not measured says so', () => {
    assert.deepEqual(cells(render(fixtureResult(), bareResult()), 'Response Parsing'), ['33.3 us', 'not measured', '-'])
  })

  test('published columns stand last, figures as published, with source, conditions and a disclaimer', () => {
    const published = [publishedFigures('t3.medium')!, publishedFigures('t3.xlarge')!]
    const text = renderComparison(compareRuns([fixtureResult(), faster], { published }))
    assert.match(text, /\| Improvement \| published: Bifrost, t3\.medium \| published: Bifrost, t3\.xlarge \|\n/)
    assert.deepEqual(cells(text, 'Peak Memory (gateway)').slice(3), ['1,312.79 MB', '3,340.44 MB'])
    assert.deepEqual(cells(text, 'HTTP Request').slice(3), ['1,560,000 us', '1,500,000 us'])
    assert.deepEqual(cells(text, 'p50 Latency (from due)').slice(3), ['not published', 'not published'])
    const under = text.slice(text.indexOf('## The published columns'))
    assert.match(under, /nothing in these columns was measured by this project/)
    assert.match(under, /\*\*Bifrost, t3\.medium\*\*: Bifrost benchmarking docs.*2 vCPU, 4 GiB.*answer 1\.37 KB/)
    assert.match(under, /\*\*Bifrost, t3\.xlarge\*\*.*answer 10\.32 KB/)
    assert.doesNotMatch(render(fixtureResult()), /published:/)
  })

  test('a run with another load than the published one is named, with both figures', () => {
    const published = [publishedFigures('t3.medium')!]
    const slow = changed((r) => {
      r.plan.ratePerSec = 300
      r.plan.responseBytes = 2000
    })
    const text = renderComparison(compareRuns([fixtureResult(), slow], { published }))
    assert.match(
      text,
      /\*\*Run B had another load.*\*\*: 300 requests per second \(published: 5,000\), 2 KB an answer \(published: 1\.37\)\.\n$/,
    )
    assert.doesNotMatch(text, /Run A had another load/)
  })

  test('nothing in the text is undefined or not a number', () => {
    assert.doesNotMatch(render(bareResult(), bareResult()), /undefined|NaN|null/)
  })
})
