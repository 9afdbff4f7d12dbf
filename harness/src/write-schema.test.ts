import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Compile } from 'typebox/schema'
import { fixtureResult } from './report/fixture.test-data.ts'
import { schemaFile, schemaText } from './write-schema.ts'

const published = readFileSync(schemaFile, 'utf8')

test('result.schema.json is what recording.ts says', () => {
  // Not assert.equal, which would print both texts whole.
  assert.ok(published === schemaText(), 'stale: run node harness/src/write-schema.ts')
})

test('the published schema, as plain JSON, accepts a result and refuses a broken one', () => {
  const validator = Compile(JSON.parse(published) as Record<string, unknown>)
  const result = fixtureResult()
  assert.equal(validator.Check(result), true)
  assert.equal(validator.Check({ ...result, schemaVersion: 2 }), false)
  assert.equal(validator.Check({ ...result, rate: { targetPerSec: 5000 } }), false)
})
