import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { without } from './fixture.test-data.ts'
import { renderProgress, type Progress } from './progress.ts'

const measuring: Progress = {
  elapsedMs: 31_000,
  totalMs: 60_000,
  phase: 'measuring',
  ratePerSec: 5000,
  inFlight: 7511,
  ok: 155_000,
  failed: 0,
  dropped: 0,
  p99Ms: 1511.1,
}

describe('renderProgress', () => {
  test('phase, time, rate, in flight, answers, errors and p99 are one line that fits 80 columns', () => {
    const line = renderProgress(measuring, { color: false })
    assert.equal(line, 'measuring 31/60 s  5,000/s  7,511 in flight  155,000 ok  0 failed  p99 1,511 ms')
    assert.ok(line.length <= 80)
  })

  test('drops are named once there are any', () => {
    assert.match(renderProgress({ ...measuring, dropped: 7 }, { color: false }), / {2}7 dropped {2}/)
  })

  test('a p99 that is not known yet is left out, and a short one keeps its digits', () => {
    const unknown = without(measuring, 'p99Ms')
    assert.doesNotMatch(renderProgress(unknown, { color: false }), /p99/)
    assert.match(renderProgress({ ...measuring, p99Ms: 0.183 }, { color: false }), /p99 0\.183 ms$/)
  })

  test('only losses are coloured, and colour adds no words', () => {
    const failing = { ...measuring, failed: 2 }
    const colored = renderProgress(failing, { color: true })
    assert.notEqual(colored, renderProgress(failing, { color: false }))
    assert.equal(stripVTControlCharacters(colored), renderProgress(failing, { color: false }))
    assert.equal(renderProgress(measuring, { color: true }), renderProgress(measuring, { color: false }))
  })
})
