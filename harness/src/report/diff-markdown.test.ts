import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diffSides } from '../diff/diff.ts'
import { parseLimits } from '../diff/limits.ts'
import { secondsAround, sideOf, type RunOfTest } from '../diff/runs.test-data.ts'
import { seededRandom } from '../random.ts'
import { renderDiff } from './diff-markdown.ts'

function render(base: RunOfTest[], now: RunOfTest[], ...max: string[]): string {
  const options = { limits: parseLimits(max), allowInvalid: true, random: seededRandom(1), replicates: 200 }
  return renderDiff(diffSides(sideOf('BASE', ...base), sideOf('NEW', ...now), options))
}

const around = (centreUs: number): RunOfTest => ({ secondsUs: secondsAround(centreUs) })
const cpu = (cpuUs: number): RunOfTest => ({ change: (r) => (r.resources.gateway!.cpuUsPerRequest = cpuUs) })
const times = (runs: number, run: RunOfTest): RunOfTest[] => Array.from({ length: runs }, () => run)

describe('the verdict comes first', () => {
  const verdictLine = (text: string) => text.split('\n')[2]
  const cases: [line: string, text: () => string][] = [
    [
      '**Regression in `p99`, `cpu`.**',
      () => render([around(5000)], [{ ...around(9000), ...cpu(200) }], 'p99=+10%,cpu=+1%'),
    ],
    ['**No regression.**', () => render([around(5000)], [around(5100)], 'p99=+10%')],
    ['**No difference beyond noise.**', () => render([around(5000)], [around(5000)])],
    [
      '**Differences beyond noise: `mean`, `p50`, `p90`, `p95`, `p99`, `p999`, `max` worse; `cpu` better.**',
      () => render(times(4, around(5000)), times(4, { ...around(6000), ...cpu(90) })),
    ],
  ]
  for (const [line, text] of cases) {
    test(line, () => {
      assert.equal(verdictLine(text()), line)
    })
  }
})

describe('cautions', () => {
  test('a change past its limit within noise asks for more runs', () => {
    const text = render([around(5000)], [around(5002)], 'mean=+0.01%')
    assert.match(text, /\n\nPast the limit, but within noise: `mean`\. Repeat the runs to know\.\n\n/)
    assert.match(text, /\| `mean` .* \| past the limit, within noise: repeat the runs; change: within noise \|\n/)
  })

  test('a regression by the limit alone says so', () => {
    assert.match(
      render([cpu(100)], [cpu(120)], 'cpu=+10%'),
      /\nThe noise of `cpu` is unknown: the limit alone decided\.\n/,
    )
  })

  test('one run a side, few runs and enough runs each say what their intervals are worth', () => {
    assert.match(render([{}], [{}]), /\nOne run a side: /)
    assert.match(render([{}], [{}, {}]), /\nBASE is one run: /)
    assert.match(render([{}, {}], [{}]), /\nNEW is one run: /)
    assert.match(render([{}, {}, {}], [{}, {}, {}]), /apart by chance alone in 10\.00% of comparisons/)
    assert.doesNotMatch(render(times(4, {}), times(4, {})), /by chance alone/)
  })

  test('an INVALID run that was allowed is named with its checks', () => {
    const invalid: RunOfTest = {
      change: ({ verdict }) => {
        verdict.valid = false
        verdict.checks[0]!.ok = false
      },
    }
    assert.match(
      render([{}], [invalid]),
      /\n\*\*INVALID, compared by --allow-invalid\*\*: NEW new\/1: achieved_rate\.\n/,
    )
  })
})

test('a row has both figures, the change with its interval, the limit with what it comes to, and the verdict', () => {
  const text = render(times(4, cpu(100)), times(4, cpu(120)), 'cpu=+10%,cpu=150us,success=-0.1pt')
  assert.match(
    text,
    /\n\| `cpu` CPU per request, gateway \| 100\.0 us \| 120\.0 us \| \+20\.0 us \(\+20\.00%\) \| \+20\.0 us to \+20\.0 us \| \+10%: 110\.0 us; 150us: 150\.0 us \| \*\*regression\*\*; within the limit; change: worse \|\n/,
  )
  assert.match(text, /\n\| `success` success rate \| 100% \| 100% \| 0 pt \| 0 pt to 0 pt \| -0\.1pt: 99\.9% \| within/)
})

test('what is neither limited nor different is folded away; so is what was compared', () => {
  const text = render([cpu(100)], [cpu(100)], 'cpu=+10%')
  const [open, folded, compared] = text.split('<details>')
  assert.match(open!, /`cpu`/)
  assert.doesNotMatch(open!, /`memory_peak`/)
  assert.match(folded!, /^\n<summary>The other \d+ metrics<\/summary>\n\n\| Metric .*`memory_peak`/s)
  assert.match(
    compared!,
    /\| BASE \| 20261120T170331Z-builtin-t3\.medium \| 2026-11-20T17:03:31\.000Z \| 0\.1\.0 \| 0123456789ab \|/,
  )
  assert.match(compared!, /Not measured in all runs: `stage\.key_selection` \(BASE, NEW\), /)
})

test('conditions that differ are a table of both sides', () => {
  const text = render([{}, { change: ({ plan }) => (plan.seed = 2) }], [{}])
  assert.match(text, /\n\| Condition \| BASE \| NEW \|\n\|.*\n\| seed \| 1, 2 \| 1 \|\n/)
})
