import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { RequestRecord } from '../core/request-log.ts'
import {
  BatchPacker,
  forEachRow,
  MAX_LABELS_CHARS,
  MAX_TEXT_CHARS,
  packOne,
  type PackedBatch,
  TOO_LONG_LABELS,
} from './packed-batch.ts'
import { anyRecord, numbered, RECORD, rowOf } from './records.test-data.ts'
import { COLUMNS } from './table.ts'

describe('a packed batch', () => {
  test('gives back every record as it was, in order', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), (records) => {
        assert.deepEqual(unpacked(packed(records, 20)), records.map(rowOf))
      }),
    )
  })

  test('holds only what was added since the last take', () => {
    const packer = new BatchPacker(10)
    for (const record of numbered(10)) packer.add(record)
    packer.take()
    packer.add({ ...RECORD, model: 'another' })
    const batch = packer.take()
    assert.deepEqual(unpacked(batch), [rowOf({ ...RECORD, model: 'another' })])
    assert.equal(batch.integers.length + batch.textIndexes.length, COLUMNS.length)
    assert.equal(packer.rows, 0)
  })

  test('holds a text that many records share once', () => {
    const different = new Set(Object.values(rowOf(RECORD)).filter((value) => typeof value === 'string'))
    assert.equal(packed(numbered(500), 500).texts.length, different.size)
  })

  test('cuts a long text, so that waiting rows stay small', () => {
    const [row] = unpacked(packOne({ ...RECORD, model: 'm'.repeat(1e6) }))
    assert.equal(row!['model'], 'm'.repeat(MAX_TEXT_CHARS))
  })

  test('replaces labels that are too long, because cut JSON is none', () => {
    const longest = `{"a":"${'x'.repeat(MAX_LABELS_CHARS - 8)}"}`
    assert.equal(unpacked(packOne({ ...RECORD, labels: longest }))[0]!['labels'], longest)
    assert.equal(unpacked(packOne({ ...RECORD, labels: `${longest} ` }))[0]!['labels'], TOO_LONG_LABELS)
  })

  for (const [given, stored] of [
    ['a\0b', 'a\uFFFDb'],
    ['half \uD83D pair', 'half \uFFFD pair'],
    [`${'m'.repeat(MAX_TEXT_CHARS - 1)}👍`, `${'m'.repeat(MAX_TEXT_CHARS - 1)}\uFFFD`],
  ] as const) {
    test(`stores ${JSON.stringify(given)} with a mark where no database can hold it`, () => {
      assert.equal(unpacked(packOne({ ...RECORD, model: given }))[0]!['model'], stored)
    })
  }

  for (const [given, stored] of [
    [1.6, 2],
    [NaN, 0],
    [Infinity, 0],
    [1e300, 0],
  ] as const) {
    test(`stores the number ${given} as ${stored}, lest it cost its whole batch`, () => {
      assert.equal(unpacked(packOne({ ...RECORD, totalUs: given }))[0]!['total_us'], stored)
    })
  }
})

function packed(records: readonly RequestRecord[], capacity: number): PackedBatch {
  const packer = new BatchPacker(capacity)
  for (const record of records) packer.add(record)
  return packer.take()
}

function unpacked(batch: PackedBatch): Record<string, number | string>[] {
  const rows: Record<string, number | string>[] = []
  forEachRow(batch, (values) => {
    rows.push(Object.fromEntries(COLUMNS.map(({ name }, at) => [name, values[at]!])))
  })
  return rows
}
