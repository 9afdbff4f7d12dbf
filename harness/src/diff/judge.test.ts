import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differenceOf, judgeLimit, type Difference, type LimitVerdict } from './judge.ts'
import { parseLimits } from './limits.ts'
import type { Noise, Spread } from './noise.ts'

/** From 100, with `half` the half width of both intervals; no width: the noise is unknown. */
function spread(now: number, half?: number): Spread {
  const noise: Noise = half === undefined ? 'unknown' : 'runs_and_seconds'
  const around = (value: number) => ({ value, low: value - (half ?? 0), high: value + (half ?? 0) })
  return { noise, base: 100, now: around(now), change: around(now - 100) }
}

const LIMITS: [limit: string, now: number, half: number | undefined, verdict: LimitVerdict, why: string][] = [
  ['p99=+10%', 109, 1, 'kept', 'grew beyond noise, within the limit'],
  ['p99=+10%', 110, 1, 'kept', 'at the limit'],
  ['p99=+10%', 111, 1, 'exceeded', 'past the limit, and no change is left out'],
  ['p99=+10%', 111, 11, 'within_noise', 'no change is the end of the interval'],
  ['p99=+10%', 120, 30, 'within_noise', 'past the limit, and no change is possible'],
  ['p99=+10%', 111, undefined, 'exceeded', 'noise unknown: the limit alone decides'],
  ['p99=+10%', 90, 1, 'kept', 'it fell'],
  ['p99=+5ms', 106, 1, 'exceeded', 'absolute growth'],
  ['p99=+0%', 100.005, 0.001, 'within_noise', 'a step of the histogram is not a change'],
  ['cpu=+0%', 100.005, 0.001, 'exceeded', 'which other figures do not have'],
  ['p99=105ms', 106, 0.5, 'exceeded', 'the whole interval of NEW is past its limit'],
  ['p99=105ms', 106, 3, 'within_noise', 'NEW may be below its limit'],
  ['p99=105ms', 106, undefined, 'exceeded', 'noise unknown'],
  ['p99=105ms', 104, 3, 'kept', 'below'],
  ['throughput=-10%', 89, 1, 'exceeded', 'higher is better: it fell too far'],
  ['throughput=-10%', 91, 1, 'kept', 'it fell a little'],
  ['throughput=-10%', 89, 12, 'within_noise', 'it fell, perhaps'],
  ['throughput=-10%', 150, 1, 'kept', 'it rose'],
  ['throughput=95/s', 94, 0.5, 'exceeded', 'the whole interval is below the least'],
  ['throughput=95/s', 94, 2, 'within_noise', 'it may be above the least'],
]

describe('judgeLimit', () => {
  for (const [text, now, half, verdict, why] of LIMITS) {
    test(`${text}, from 100 to ${now} +- ${half ?? '?'}: ${verdict} (${why})`, () => {
      assert.equal(judgeLimit(parseLimits([text])[0]!, spread(now, half)), verdict)
    })
  }

  test('of a BASE of 0 any growth is past a relative limit, and none is not', () => {
    const [limit] = parseLimits(['overhead_client=+10%'])
    const from0 = (now: number): Spread => ({ ...spread(100 + now), base: 0, now: { value: now, low: now, high: now } })
    assert.equal(judgeLimit(limit!, from0(1)), 'exceeded')
    assert.equal(judgeLimit(limit!, from0(0)), 'kept')
  })
})

const DIFFERENCES: [metric: string, now: number, half: number | undefined, difference: Difference][] = [
  ['mean', 101, 0.5, 'worse'],
  ['mean', 99, 0.5, 'better'],
  ['mean', 101, 2, 'none'],
  ['mean', 101, undefined, 'unknown'],
  ['mean', 100, undefined, 'none'],
  ['mean', 100.005, 0.001, 'none'],
  ['throughput', 101, 0.5, 'better'],
  ['throughput', 99, 0.5, 'worse'],
]

describe('differenceOf', () => {
  for (const [name, now, half, difference] of DIFFERENCES) {
    test(`${name} from 100 to ${now} +- ${half ?? '?'}: ${difference}`, () => {
      const { metric } = parseLimits([`${name}=1${name === 'mean' ? 'ms' : '/s'}`])[0]!
      assert.equal(differenceOf(metric, spread(now, half)), difference)
    })
  }
})
