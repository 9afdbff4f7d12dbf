import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RowBuffer } from './row-buffer.ts'

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

describe('a row buffer', () => {
  test('hands over what came since the last time, in its order', () => {
    const row = fc.tuple(int32, int32, int32)
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 5 }), (batches) => {
        const buffer = new RowBuffer(3)
        for (const rows of batches) {
          for (const each of rows) buffer.push(...each)
          assert.deepEqual([...buffer.take()], rows.flat())
        }
      }),
    )
  })

  for (const width of [1, 3]) {
    test(`of width ${width} grows to many times its first size and loses nothing`, () => {
      const buffer = new RowBuffer(width)
      for (let i = 0; i < 10_000; i++) buffer.push(...Array.from({ length: width }, (_, at) => i * width + at))
      assert.deepEqual(
        buffer.take(),
        Int32Array.from({ length: 10_000 * width }, (_, i) => i),
      )
    })
  }

  test('is empty when nothing came', () => {
    const buffer = new RowBuffer(2)
    assert.equal(buffer.take().length, 0)
    buffer.push(1, 2)
    buffer.take()
    assert.equal(buffer.take().length, 0)
  })

  test('does not write into what it handed over', () => {
    const buffer = new RowBuffer(1)
    buffer.push(1)
    const taken = buffer.take()
    buffer.push(2)
    assert.deepEqual([...taken], [1])
  })
})
