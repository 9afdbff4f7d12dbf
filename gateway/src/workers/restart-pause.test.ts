import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { RestartPause } from './restart-pause.ts'

describe('RestartPause', () => {
  test('none at first, then doubled from 100 ms to 5 s while workers die young', () => {
    const pause = new RestartPause()
    const pausesMs = Array.from({ length: 9 }, () => pause.after(10))
    assert.deepEqual(pausesMs, [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  })

  test('none again after a worker that served for a while', () => {
    const pause = new RestartPause()
    for (let death = 0; death < 5; death++) pause.after(10)
    assert.equal(pause.after(60_000), 0)
    assert.equal(pause.after(10), 100)
  })
})
