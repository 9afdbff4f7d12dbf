import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calibrationAnswer, renderCalibration } from './calibration-markdown.ts'
import { fixtureComparison, fixtureControl } from './compare/fixture.test-data.ts'

describe('a calibration', () => {
  test('shows what was planned, added by its own clock, found, and whether it holds', () => {
    const text = renderCalibration(fixtureControl(), fixtureComparison())
    assert.match(text, /^# Calibration, 2026-11-24\n\n\*\*CALIBRATED: 3 of 3 known delays/)
    assert.match(text, /\| splice \+ 100 us \| 100 us \| 101\.3 us \| 103 us \(97 to 109\) \| holds \|/)
    assert.match(text, /\| splice \+ 2,000 us \| 2,000 us \| not measured \|/)
    assert.match(text, /the same relay again: 1 us \(-6 to 8\)\./)
    assert.match(text, /none at this load: \*\*15\.2 us\*\*/)
    assert.match(text, /not an EC2 instance/)
  })

  test('names what did not hold, at the top and in its row', () => {
    const control = fixtureControl()
    control.controls[1]!.holds = false
    const text = renderCalibration(control, fixtureComparison())
    assert.match(text, /\*\*NOT CALIBRATED: splice \+ 500 us did not hold\.\*\*/)
    assert.match(text, /\| splice \+ 500 us .* \| \*\*does not hold\*\* \|/)
  })

  test('of nothing is none', () => {
    assert.match(calibrationAnswer({ ...fixtureControl(), controls: [] }), /^NOT CALIBRATED/)
  })
})
