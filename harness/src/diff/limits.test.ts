import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { boundOf, parseLimits, type Limit } from './limits.ts'
import { METRICS } from './metrics.ts'

const problemsOf = (...values: string[]): readonly string[] => {
  try {
    parseLimits(values)
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error.problems
  }
  return []
}

const READ: [text: string, kind: Limit['kind'], amount: number, boundAtHundred: number][] = [
  ['p99=+10%', 'growth_pct', 10, 110],
  ['p99=+0.5%', 'growth_pct', 0.5, 100.5],
  ['p99=+5ms', 'growth', 5, 105],
  ['p99=+500us', 'growth', 0.5, 100.5],
  ['mean=+1s', 'growth', 1000, 1100],
  ['p99=200ms', 'absolute', 200, 200],
  ['cpu=+5us', 'growth', 5, 105],
  ['stage.json_marshaling=1ms', 'absolute', 1000, 1000],
  ['memory_peak=+1GiB', 'growth', 1024, 1124],
  ['throughput=-5%', 'growth_pct', -5, 95],
  ['throughput=-50/s', 'growth', -50, 50],
  ['throughput=4900/s', 'absolute', 4900, 4900],
]

const RIGHT_FOR_P99 = "write +10% or +5ms for its change, 200ms for NEW's own figure"
const BAD: [text: string, problem: string][] = [
  ['p99', '--max: "p99" is not NAME=LIMIT; write p99=+10%'],
  ['', '--max: "" is not NAME=LIMIT; write p99=+10%'],
  ['=+10%', '--max: "=+10%" is not NAME=LIMIT; write p99=+10%'],
  ['p99=', '--max: "p99=" is not NAME=LIMIT; write p99=+10%'],
  ['p99=+1%=2', '--max: "p99=+1%=2" is not NAME=LIMIT; write p99=+10%'],
  ['p98=+10%', '--max p98=+10%: "p98" is not a metric; did you mean p90?'],
  ['p99=10%', `--max p99=10%: "10%" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=200', `--max p99=200: "200" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=+5', `--max p99=+5: "+5" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=+5MiB', `--max p99=+5MiB: "+5MiB" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=fast', `--max p99=fast: "fast" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=+1e3ms', `--max p99=+1e3ms: "+1e3ms" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=+5constructor', `--max p99=+5constructor: "+5constructor" is no limit of p99; ${RIGHT_FOR_P99}`],
  ['p99=-10%', '--max p99=-10%: of p99 lower is better, so the limit is on its growth; write p99=+10%'],
  ['success=+1%', '--max success=+1%: of success higher is better, so the limit is on its fall; write success=-1%'],
  [
    'success=0.1pt',
    `--max success=0.1pt: "0.1pt" is no limit of success; write -10% or -0.1pt for its change, 99.9% for NEW's own figure`,
  ],
]

describe('parseLimits', () => {
  for (const [text, kind, amount, bound] of READ) {
    test(`${text} lets 100 become ${bound}`, () => {
      const [limit] = parseLimits([text])
      assert.equal(limit!.kind, kind)
      assert.equal(limit!.amount, amount)
      assert.ok(Math.abs(boundOf(limit!, 100) - bound) < 1e-9)
    })
  }

  test('a success rate may fall by a part of itself or by points, or have a least value', () => {
    const bounds = parseLimits(['success=-10%,success=-0.1pt,success=99.9%']).map((limit) => boundOf(limit, 0.9))
    for (const [i, bound] of [0.81, 0.899, 0.999].entries()) assert.ok(Math.abs(bounds[i]! - bound) < 1e-12)
  })

  test('several in one value, and several values, are all taken, in their order', () => {
    const limits = parseLimits(['p99=+10%, mean=+5%', 'success=-0.1pt'])
    assert.deepEqual(
      limits.map(({ metric, text }) => [metric.name, text]),
      [
        ['p99', 'p99=+10%'],
        ['mean', 'mean=+5%'],
        ['success', 'success=-0.1pt'],
      ],
    )
  })

  for (const [text, problem] of BAD) {
    test(`"${text}" is refused, with what would be right`, () => {
      assert.deepEqual(problemsOf(text), [problem])
    })
  }

  test('every bad limit is reported, together', () => {
    assert.equal(problemsOf('p99=10%,mean=+5%', 'cpu=fast').length, 2)
  })

  test('a name that is near to none lists them all', () => {
    assert.ok(problemsOf('temperature=+5%')[0]!.endsWith(METRICS.map(({ name }) => name).join(', ')))
  })
})
