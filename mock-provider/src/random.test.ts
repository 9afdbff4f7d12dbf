import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom, seedOfProcess, splitMix64Words, xoshiro128PlusPlus } from './random.ts'

test('xoshiro128++ from the state 1, 2, 3, 4 yields the numbers of the published C code', () => {
  const next = xoshiro128PlusPlus([1, 2, 3, 4])
  assert.deepEqual(
    Array.from({ length: 10 }, next),
    [
      641, 1_573_767, 3_222_811_527, 3_517_856_514, 836_907_274, 4_247_214_768, 3_867_114_732, 1_355_841_295,
      495_546_011, 621_204_420,
    ],
  )
})

test('SplitMix64 from 0 yields the numbers of the published C code', () => {
  // 0xe220a8397b1dcdaf and 0x6e789e6aa1b965f4, low word first
  assert.deepEqual(splitMix64Words(0), [0x7b1dcdaf, 0xe220a839, 0xa1b965f4, 0x6e789e6a])
})

test('the same seed draws the same numbers, another seed others', () => {
  const draw = (seed: number) => Array.from({ length: 100 }, seededRandom(seed))
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('numbers fill [0, 1) evenly', () => {
  const random = seededRandom(1)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) counts[Math.floor(random() * 10)]! += 1
  // 10,000 each, standard deviation 95
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 10,000`)
})

test('processes have seeds of their own, the first one the seed as it is', () => {
  const seeds = fc.integer({ min: 0, max: 0xffff_ffff })
  const processes = fc.uniqueArray(fc.nat({ max: 2 ** 31 }), { minLength: 2, maxLength: 20 })
  fc.assert(
    fc.property(seeds, processes, (seed, numbers) => {
      const own = new Set(numbers.map((number) => seedOfProcess(seed, number)))
      assert.equal(own.size, numbers.length)
      for (const each of own) assert.ok(Number.isInteger(each) && each >= 0 && each <= 0xffff_ffff, `${each}`)
      assert.equal(seedOfProcess(seed, 0), seed)
    }),
    { seed: 1 },
  )
})
