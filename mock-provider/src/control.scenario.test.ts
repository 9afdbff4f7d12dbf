import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import type { WrittenConfig } from './config.ts'
import { controlOf, problemsOf } from './control.fixture.ts'
import { Control } from './control.ts'

/** A mock whose scenario sets its tokens, on a clock and timers that the test moves. */
class Timetable {
  #nowMs = 0
  /** When which number of tokens was set: `10:3` for 3 after 10 ms. */
  #log: string[] = []
  readonly control: Control

  constructor(written: WrittenConfig) {
    this.control = new Control(
      written,
      () => this.#nowMs * 1e6,
      ({ config }) => this.#log.push(`${this.#nowMs}:${config.answer.tokens.minimum}`),
    )
  }

  /** What happens in so many ms. */
  pass(ms: number): string[] {
    for (let passed = 0; passed < ms; passed++) {
      this.#nowMs++
      mock.timers.tick(1)
    }
    return this.#log.splice(0)
  }

  /** What happens when the process does nothing for so many ms. */
  stall(ms: number): string[] {
    this.#nowMs += ms
    mock.timers.tick(ms)
    return this.#log.splice(0)
  }

  /** What happens when timers run ahead of the clock. */
  goOffEarly(ms: number): string[] {
    mock.timers.tick(ms)
    return this.#log.splice(0)
  }
}

const step = (at: number, tokens: number) => ({ at, set: { tokens } })
const SCENARIO = [step(0, 1), step(5, 2), step(5, 3), step(20, 4)]

describe('a scenario', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
  })
  afterEach(() => {
    mock.timers.reset()
  })

  test('begins when it is told to, and its steps come at their times, in order, once', () => {
    const timetable = new Timetable({ scenario: SCENARIO, tokens: 9 })
    assert.deepEqual(timetable.pass(50), [])
    timetable.control.startScenario()
    assert.deepEqual(timetable.pass(4), ['50:1'])
    assert.deepEqual(timetable.pass(1), ['55:2', '55:3'])
    assert.deepEqual(timetable.pass(14), [])
    assert.deepEqual(timetable.pass(1), ['70:4'])
    assert.deepEqual(timetable.pass(1_000), [])
    assert.equal(timetable.control.written.tokens, 4)
  })

  test('catches up at once with steps that were missed, each in its turn', () => {
    const timetable = new Timetable({ scenario: SCENARIO })
    timetable.control.startScenario()
    assert.deepEqual(timetable.stall(10), ['0:1', '10:2', '10:3'])
    assert.deepEqual(timetable.stall(1_000), ['1010:4'])
  })

  test('waits for the clock where a timer goes off early', () => {
    const timetable = new Timetable({ scenario: SCENARIO, scenarioEvery: 30 })
    timetable.control.startScenario()
    assert.deepEqual(timetable.goOffEarly(500), ['0:1'])
    assert.deepEqual(timetable.pass(5), ['5:2', '5:3'])
    assert.deepEqual(timetable.pass(15), ['20:4'])
    assert.deepEqual(timetable.goOffEarly(500), [])
    assert.deepEqual(timetable.pass(10), ['30:1'])
  })

  test('begins again every so often, by its own time and not by when its steps came', () => {
    const timetable = new Timetable({ scenario: [step(3, 1), step(5, 2)], scenarioEvery: 10 })
    timetable.control.startScenario()
    assert.deepEqual(timetable.pass(25), ['3:1', '5:2', '13:1', '15:2', '23:1', '25:2'])
    assert.deepEqual(timetable.stall(9), ['34:1'])
    assert.deepEqual(timetable.pass(11), ['35:2', '43:1', '45:2'])
  })

  test('catches up with rounds that were missed by one, and then keeps time', () => {
    const timetable = new Timetable({ scenario: [step(3, 1), step(5, 2)], scenarioEvery: 10 })
    timetable.control.startScenario()
    assert.deepEqual(timetable.stall(1_004), ['1004:1', '1004:2', '1004:1'])
    assert.deepEqual(timetable.pass(1), ['1005:2'])
    assert.deepEqual(timetable.pass(10), ['1013:1', '1015:2'])
  })

  test('begins anew, with its new steps, when a change names it or how often it comes', () => {
    const timetable = new Timetable({ scenario: [step(3, 1), step(9, 2)] })
    timetable.control.startScenario()
    assert.deepEqual(timetable.pass(5), ['3:1'])
    timetable.control.change({ scenario: [step(0, 7), step(5, 8)] })
    assert.deepEqual(timetable.pass(20), ['5:1', '5:7', '10:8'])
    timetable.control.change({ scenarioEvery: 10 })
    assert.deepEqual(timetable.pass(10), ['25:8', '25:7', '30:8', '35:7'])
    timetable.control.change({ scenario: null })
    assert.deepEqual(timetable.pass(100), ['35:7'])
  })

  test('goes on as it was through other changes', () => {
    const timetable = new Timetable({ scenario: SCENARIO })
    timetable.control.startScenario()
    timetable.pass(4)
    timetable.control.change({ tokens: 50 })
    assert.deepEqual(timetable.pass(30), ['4:50', '5:2', '5:3', '20:4'])
  })

  test('stops when it is told to, and does not when another is started', () => {
    const timetable = new Timetable({ scenario: SCENARIO, scenarioEvery: 30 })
    timetable.control.startScenario()
    timetable.pass(4)
    timetable.control.startScenario()
    assert.deepEqual(timetable.pass(5), ['4:1', '9:2', '9:3'])
    timetable.control.stopScenario()
    assert.deepEqual(timetable.pass(1_000), [])
  })

  test('starts everything that is drawn anew with a step that sets the seed', () => {
    const timetable = new Timetable({ latency: { trace: [1, 2, 3] }, scenario: [{ at: 10, set: { seed: 5 } }] })
    const delayUs = () =>
      timetable.control.running.behaviours.of(undefined, '"m"').nextDelayUs({ promptTokens: 0, receivedNs: 0 })
    timetable.control.startScenario()
    assert.deepEqual([delayUs(), delayUs()], [1_000, 2_000])
    timetable.pass(10)
    assert.equal(delayUs(), 1_000)
  })
})

describe('steps of a scenario', () => {
  test('need be right only where they come: not once later ones have changed what they stand on', () => {
    const scenario = [
      { at: 0, set: { jitter: 50 } },
      { at: 0, set: { jitter: 0, latency: 20 } },
    ]
    const control = controlOf({ latency: 100, scenario })
    control.startScenario()
    assert.deepEqual([control.written.latency, control.written.jitter], [20, 0])
    assert.deepEqual(problemsOf(control, { tokens: 5 }), [])
    // Again from here on, its first step would be wrong.
    const problem =
      'scenario[0].set.jitter: must not be above latency (at the least 20 ms), or delays would be negative; got 50 ms'
    assert.deepEqual(problemsOf(control, { scenario }), [problem])
    assert.deepEqual(problemsOf(control, { scenarioEvery: 10 }), [problem])
    assert.deepEqual(problemsOf(controlOf({ latency: 100 }), { scenario, scenarioEvery: 10 }), [problem])
  })

  test('that are to come refuse a change with which they would be wrong, and those that are over do not', () => {
    const control = controlOf({
      ...{
        latency: 100,
        scenario: [
          { at: 0, set: { latency: 50 } },
          { at: '10s', set: { jitter: 40 } },
        ],
      },
    })
    control.startScenario()
    assert.deepEqual(problemsOf(control, { latency: 10 }), [
      'scenario[1].set.jitter: must not be above latency (at the least 10 ms), or delays would be negative; got 40 ms',
    ])
    // With the first step it would be wrong; but that is over.
    assert.deepEqual(problemsOf(control, { latency: 90, jitter: 60 }), [])
    control.stopScenario()
  })

  test('far away are waited for, without a timer that overflows or keeps the process', async () => {
    const warnings: string[] = []
    const onWarning = ({ name }: Error) => warnings.push(name)
    process.on('warning', onWarning)
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const control = controlOf({ tokens: 5, scenario: [{ at: '9999999s', set: { tokens: 6 } }] })
    control.startScenario()
    assert.equal(timers(), before)
    await nextTurn()
    control.stopScenario()
    process.off('warning', onWarning)
    assert.deepEqual([warnings, control.written.tokens], [[], 5])
  })
})
