import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { asked, type Asking } from './behaviours.fixture.ts'
import type { WrittenConfig } from './config.ts'

const DRAWN: WrittenConfig = {
  latency: 'lognormal:800ms:0.4',
  jitter: 0,
  firstToken: 'normal:300ms:100ms',
  tokenInterval: 'gamma:20ms:10ms',
  tokens: 'uniform:10:300',
  responseSize: 'uniform:1000:9000',
  errorRate: 0.2,
  errorRates: '429=10%',
  resetRate: 0.1,
}

interface Plan {
  delayMs: number
  firstTokenMs: number
  tokens: number
  bytes: number | undefined
  intervalsNs: number[]
  fault: string
}

/** What the next answers are, to requests of several models and keys in turn. */
function plansOf(written: WrittenConfig, count = 60): Plan[] {
  const { behaviour, delaysMs, firstTokensMs } = asked({ models: { m: { latency: 'uniform:1s:2s' } }, ...written })
  const askings: Asking[] = [{}, { model: 'x' }, { key: 'k' }]
  return Array.from({ length: count }, (_, at) => {
    const asking = askings[at % askings.length]!
    const of = behaviour(asking)
    return {
      fault: JSON.stringify(of.nextFault() ?? 'none'),
      tokens: of.nextTokens(),
      bytes: of.nextResponseBytes(),
      delayMs: delaysMs(1, asking)[0]!,
      firstTokenMs: firstTokensMs(1, 0, asking)[0]!,
      intervalsNs: Array.from({ length: 5 }, of.intervalsOf(at + 1)),
    }
  })
}

const PARTS = ['delayMs', 'firstTokenMs', 'tokens', 'bytes', 'intervalsNs', 'fault'] as const
const partOf = (plans: readonly Plan[], part: (typeof PARTS)[number]) => plans.map((plan) => plan[part])

describe('plans', () => {
  test('are the same for the same seed and order of requests', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_ffff }), (seed) => {
        assert.deepEqual(plansOf({ ...DRAWN, seed }), plansOf({ ...DRAWN, seed }))
      }),
      { numRuns: 20, seed: 1 },
    )
  })

  test('are others for another seed, in everything that is drawn', () => {
    const seeds = [0, 1, 2, 0xffff_fffe, 0xffff_ffff]
    const bySeed = seeds.map((seed) => plansOf({ ...DRAWN, seed }))
    for (const part of PARTS) {
      const different = new Set(bySeed.map((plans) => JSON.stringify(partOf(plans, part))))
      assert.equal(different.size, seeds.length, part)
    }
  })

  const without = plansOf(DRAWN)
  const changes: { what: string; patch: WrittenConfig; changed: (typeof PARTS)[number][] }[] = [
    {
      what: 'rates of faults',
      patch: { errorRate: 0, errorRates: '', hangRate: 0.7, resetRate: 0 },
      changed: ['fault'],
    },
    { what: 'no faults', patch: { errorRate: 0, errorRates: '', resetRate: 0 }, changed: ['fault'] },
    { what: 'sizes', patch: { responseSize: 'normal:5KB:1KB' }, changed: ['bytes'] },
    { what: 'fixed sizes', patch: { responseSize: 2_000 }, changed: ['bytes'] },
    { what: 'counts of tokens', patch: { tokens: 40 }, changed: ['tokens'] },
    { what: 'intervals', patch: { tokenInterval: 'normal:20ms:10ms' }, changed: ['intervalsNs'] },
    { what: 'fixed intervals', patch: { tokenInterval: 5 }, changed: ['intervalsNs'] },
    { what: 'tokens in a chunk', patch: { tokensPerChunk: 3 }, changed: ['intervalsNs'] },
    { what: 'factors over time, which draw nothing', patch: { latencyOverTime: 'step:1s:2' }, changed: [] },
  ]
  for (const { what, patch, changed } of changes) {
    test(`but for what ${what} change, stay as they are`, () => {
      const plans = plansOf({ ...DRAWN, ...patch })
      for (const part of PARTS) {
        const isAsBefore = JSON.stringify(partOf(plans, part)) === JSON.stringify(partOf(without, part))
        assert.equal(isAsBefore, !changed.includes(part), part)
      }
    })
  }
})

describe('intervals of a stream', () => {
  const intervals = (written: WrittenConfig, sequence: number, count = 50) => {
    const { behaviour } = asked(written)
    return Array.from({ length: count }, behaviour().intervalsOf(sequence))
  }

  test('are the same each time that they are asked for, however many others were meanwhile', () => {
    const { behaviour, delaysMs } = asked(DRAWN)
    const { intervalsOf } = behaviour()
    const first = Array.from({ length: 50 }, intervalsOf(7))
    const [again, other] = [intervalsOf(7), intervalsOf(8)]
    // In turn, and with draws between.
    const turns = first.map(() => [again(), other(), delaysMs(1)])
    assert.deepEqual(
      turns.map(([each]) => each),
      first,
    )
    assert.notDeepEqual(
      turns.map(([, each]) => each),
      first,
    )
  })

  test('differ from stream to stream', () => {
    const streams = Array.from({ length: 200 }, (_, at) => JSON.stringify(intervals(DRAWN, at + 1, 3)))
    assert.equal(new Set(streams).size, 200)
  })

  test('of a trace are that from its start, for every stream', () => {
    const written = { tokenInterval: { trace: [1, 2.5] } }
    for (const sequence of [1, 2]) assert.deepEqual(intervals(written, sequence, 3), [1e6, 2.5e6, 1e6])
  })

  test('that are fixed are a number, for which nothing is drawn or kept', () => {
    const { intervalsOf } = asked({ tokenInterval: '12.5ms' }).behaviour()
    assert.deepEqual([intervalsOf(1)(), intervalsOf(2)()], [12.5e6, 12.5e6])
    assert.equal(intervalsOf(1), intervalsOf(2))
  })

  test('are as many times longer as a chunk has tokens', () => {
    assert.deepEqual(intervals({ tokenInterval: 10, tokensPerChunk: 4 }, 1, 2), [40e6, 40e6])
    const drawn = { tokenInterval: 'uniform:1ms:9ms' }
    assert.deepEqual(
      intervals({ ...drawn, tokensPerChunk: 5 }, 3),
      intervals(drawn, 3).map((ns) => ns * 5),
    )
  })
})
