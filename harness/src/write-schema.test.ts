import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Compile } from 'typebox/schema'
import { fixtureComparison } from './report/compare/fixture.test-data.ts'
import { fixtureResult } from './report/fixture.test-data.ts'
import { PUBLISHED, schemaText } from './write-schema.ts'

const [result, comparison] = PUBLISHED.map(({ file }) => readFileSync(file, 'utf8'))

for (const { file, schema } of PUBLISHED) {
  test(`${file.pathname.split('/').at(-1)} is what the code says`, () => {
    // Not assert.equal, which would print both texts whole.
    assert.ok(readFileSync(file, 'utf8') === schemaText(schema), 'stale: run node harness/src/write-schema.ts')
  })
}

test('the published schema, as plain JSON, accepts a result and refuses a broken one', () => {
  const validator = Compile(JSON.parse(result!) as Record<string, unknown>)
  const right = fixtureResult()
  assert.equal(validator.Check(right), true)
  assert.equal(validator.Check({ ...right, schemaVersion: 2 }), false)
  assert.equal(validator.Check({ ...right, rate: { targetPerSec: 5000 } }), false)
})

test('the published schema, as plain JSON, accepts a comparison and refuses a broken one', () => {
  const validator = Compile(JSON.parse(comparison!) as Record<string, unknown>)
  const right = fixtureComparison()
  assert.equal(validator.Check(right), true)
  assert.equal(validator.Check({ ...right, kind: 'run' }), false)
  assert.equal(validator.Check({ ...right, targets: [{ name: 'x' }] }), false)
})
