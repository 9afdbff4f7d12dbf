import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Tally } from './tally.ts'

/** What a tally tells, by series. */
async function seriesOf(tally: Tally): Promise<Map<string, number>> {
  const lines = (await tally.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

const IDLE = { waiting: () => 0, hanging: () => 0 }

describe('answers', () => {
  test('are counted by key and by status, those without one as none', async () => {
    const tally = new Tally(IDLE)
    for (const [key, status] of [
      ['****a', 200],
      ['****a', 200],
      ['****b', 200],
      ['****a', 429],
      ['none', undefined],
    ] as const) {
      tally.answered(key, status)
    }
    const series = await seriesOf(tally)
    assert.equal(series.get('mock_requests_total{key="****a",status="200"}'), 2)
    assert.equal(series.get('mock_requests_total{key="****b",status="200"}'), 1)
    assert.equal(series.get('mock_requests_total{key="****a",status="429"}'), 1)
    assert.equal(series.get('mock_requests_total{key="none",status="none"}'), 1)
  })

  test('are counted once, however often and in whatever form the counters are read', async () => {
    const tally = new Tally(IDLE)
    const count = async () => (await seriesOf(tally)).get('mock_requests_total{key="k",status="200"}')
    tally.answered('k', 200)
    assert.deepEqual([await count(), await count()], [1, 1])
    tally.answered('k', 200)
    // As a worker tells them to the primary.
    await tally.registry.getMetricsAsJSON()
    tally.answered('k', 200)
    const [first, second] = await Promise.all([count(), count()])
    assert.deepEqual([first, second, await count()], [3, 3, 3])
  })

  test('with a key that would break the text are counted under its own name', async () => {
    const tally = new Tally(IDLE)
    tally.answered('"\\', 200)
    assert.equal((await seriesOf(tally)).get('mock_requests_total{key="\\"\\\\",status="200"}'), 1)
  })

  test('of two mocks in one process are counted apart', async () => {
    const [one, other] = [new Tally(IDLE), new Tally(IDLE)]
    one.answered('k', 200)
    const name = 'mock_requests_total{key="k",status="200"}'
    assert.deepEqual([(await seriesOf(one)).get(name), (await seriesOf(other)).get(name)], [1, undefined])
  })
})

describe('the error of delays', () => {
  test('is what was given above what was planned, in seconds', async () => {
    const tally = new Tally(IDLE)
    for (const errorUs of [0, 50, 51, 1_200, 3_000_000]) {
      tally.delayed({ plannedUs: 1_500_000, actualUs: 1_500_000 + errorUs })
    }
    const series = await seriesOf(tally)
    const within = (le: string) => series.get(`mock_delay_error_seconds_bucket{le="${le}"}`)
    assert.deepEqual(['0', '0.00005', '0.0001', '0.001', '0.0012', '1', '+Inf'].map(within), [1, 2, 3, 3, 4, 4, 5])
    assert.equal(series.get('mock_delay_error_seconds_count'), 5)
    assert.equal(series.get('mock_delay_error_seconds_sum')?.toFixed(6), '3.001301')
  })
})

test('what waits and what hangs is told as of the moment at which it is asked', async () => {
  const now = { waiting: 3, hanging: 1 }
  const tally = new Tally({ waiting: () => now.waiting, hanging: () => now.hanging })
  const gauges = async () => {
    const series = await seriesOf(tally)
    return [series.get('mock_in_flight'), series.get('mock_hanging')]
  }
  assert.deepEqual(await gauges(), [3, 1])
  Object.assign(now, { waiting: 0, hanging: 7 })
  assert.deepEqual(await gauges(), [0, 7])
})
