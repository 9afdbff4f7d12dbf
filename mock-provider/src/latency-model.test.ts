import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { uniformLatency } from './latency-model.ts'
import { seededRandom } from './random.ts'

function delaysUs(latencyMs: number, jitterMs: number, seed: number, count: number): number[] {
  const model = uniformLatency({ latencyMs, jitterMs, random: seededRandom(seed) })
  return Array.from({ length: count }, () => model.nextDelayUs())
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
