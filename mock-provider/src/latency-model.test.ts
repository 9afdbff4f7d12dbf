import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { drawnLatency, withJitter, withOverTime, withPromptTokens, type LatencyModel } from './latency-model.ts'
import { parseOverTime, type OverTime } from './over-time.ts'
import { seededRandom } from './random.ts'

const ARRIVAL = { promptTokens: 0, receivedNs: 0 }
const fixed = (us: number): LatencyModel => drawnLatency(() => us)

function delaysUs(latencyMs: number, jitterMs: number, seed: number, count: number): number[] {
  const model = withJitter(fixed(latencyMs * 1_000), Math.round(jitterMs * 1_000), seededRandom(seed))
  return Array.from({ length: count }, () => model.nextDelayUs(ARRIVAL))
}

function factors(text: string): OverTime {
  const parsed = parseOverTime(text)
  assert.ok(parsed.ok)
  return parsed.value
}

test('without jitter every delay is the latency', () => {
  assert.deepEqual(delaysUs(1_500, 0, 1, 3), [1_500_000, 1_500_000, 1_500_000])
  assert.deepEqual(delaysUs(0.25, 0, 1, 1), [250])
})

test('delays are whole microseconds within latency +- jitter', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(),
      (ms, share, seed) => {
        const jitterMs = ms * share
        const jitterUs = Math.round(jitterMs * 1_000)
        for (const delayUs of delaysUs(ms, jitterMs, seed, 20)) {
          assert.ok(Number.isInteger(delayUs))
          assert.ok(delayUs >= 0 && Math.abs(delayUs - ms * 1_000) <= jitterUs)
        }
      },
    ),
  )
})

test('both ends of the spread are reached', () => {
  // jitter 2 us: five delays, each a fifth of the time
  assert.deepEqual([...new Set(delaysUs(1, 0.002, 1, 200))].sort(), [1_000, 1_001, 1_002, 998, 999])
})

test('the same seed plans the same delays, another seed others', () => {
  assert.deepEqual(delaysUs(800, 200, 7, 50), delaysUs(800, 200, 7, 50))
  assert.notDeepEqual(delaysUs(800, 200, 7, 50), delaysUs(800, 200, 8, 50))
})

test('every token of the prompt adds its time, in whole microseconds', () => {
  const model = withPromptTokens(fixed(1_000), 0.25)
  const delayUs = (promptTokens: number) => model.nextDelayUs({ promptTokens, receivedNs: 0 })
  assert.deepEqual([0, 4, 1_000, 3].map(delayUs), [1_000, 1_001, 1_250, 1_001])
})

test('a factor over time counts from its own start, and before that as then', () => {
  const sinceNs = 5e9
  const model = withOverTime(fixed(1_000), factors('step:10s:3'), sinceNs)
  const delayUs = (atSec: number) => model.nextDelayUs({ promptTokens: 0, receivedNs: sinceNs + atSec * 1e9 })
  assert.deepEqual([-1, 0, 9.9, 10, 60].map(delayUs), [1_000, 1_000, 1_000, 3_000, 3_000])
})

test('models are composed: what is drawn, its jitter, the prompt, then the factor on all of it', () => {
  const drawn = withJitter(fixed(1_000), 100, () => 0)
  const model = withOverTime(withPromptTokens(drawn, 10), factors('step:0:2'), 0)
  assert.equal(model.nextDelayUs({ promptTokens: 5, receivedNs: 0 }), (1_000 - 100 + 50) * 2)
})
