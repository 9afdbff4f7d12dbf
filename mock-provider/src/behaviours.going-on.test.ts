import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asked, type Asked } from './behaviours.fixture.ts'

const TRACE = { trace: [1, 2, 3, 4, 5, 6] }

describe('the place in a trace', () => {
  test('is one for all models and keys that leave it to the mock', () => {
    const { delaysMs } = asked({ latency: TRACE, models: { m: { tokens: 2 } }, keys: { k: { jitter: 0 } } })
    const given = [{ model: 'x' }, { model: 'm' }, { key: 'k' }, { key: 'k', model: 'x' }]
    assert.deepEqual(
      given.flatMap((asking) => delaysMs(1, asking)),
      [1, 2, 3, 4],
    )
  })

  test("is a model's own where the model has a trace", () => {
    const { delaysMs } = asked({ latency: TRACE, models: { m: { latency: TRACE } }, keys: { k: { tokens: 2 } } })
    assert.deepEqual(delaysMs(2, { model: 'x' }), [1, 2])
    assert.deepEqual(delaysMs(2), [1, 2])
    assert.deepEqual(delaysMs(1, { key: 'k' }), [3])
    assert.deepEqual(delaysMs(1, { key: 'k', model: 'x' }), [3])
  })

  test('outlives changes of everything else, whether or not requests come between them', () => {
    const { control, delaysMs } = asked({ latency: TRACE, keys: { k: { latency: TRACE } } })
    assert.deepEqual([...delaysMs(2), ...delaysMs(1, { key: 'k' })], [1, 2, 1])
    for (const patch of [
      { errorRate: 0.5, latencyOverTime: 'step:1s:2', servers: 5 },
      { models: { x: { latency: 9 } }, keys: { other: { latency: 9 } }, jitter: 0 },
      { keys: { k: { tokens: 3 } }, tokens: 'uniform:1:9', latency: structuredClone(TRACE) },
    ]) {
      control.change(patch)
    }
    assert.deepEqual([...delaysMs(1), ...delaysMs(1, { key: 'k' })], [3, 2])
    control.change({ models: null })
    assert.deepEqual([...delaysMs(1), ...delaysMs(1, { key: 'k' })], [4, 3])
  })

  test('is the first again where the trace is written differently, even if later as before', () => {
    const { control, delaysMs } = asked({ latency: TRACE, keys: { k: { latency: TRACE } } })
    assert.deepEqual([...delaysMs(2), ...delaysMs(2, { key: 'k' })], [1, 2, 1, 2])
    control.change({ latency: { trace: [7, 8] } })
    assert.deepEqual([...delaysMs(1), ...delaysMs(1, { key: 'k' })], [7, 3])
    control.change({ latency: 5, keys: { k: null } })
    control.change({ latency: TRACE, keys: { k: { latency: TRACE } } })
    assert.deepEqual([...delaysMs(1), ...delaysMs(1, { key: 'k' })], [1, 1])
  })

  test('is the first again in every trace when a change names the seed, be that the same', () => {
    const { control, delaysMs, behaviour } = asked({ latency: TRACE, tokens: TRACE, models: { x: { latency: TRACE } } })
    const given = () => [...delaysMs(2), ...delaysMs(1, { model: 'x' }), behaviour().nextTokens()]
    assert.deepEqual(given(), [1, 2, 1, 1])
    assert.deepEqual(given(), [3, 4, 2, 2])
    control.change({ seed: 1 })
    assert.deepEqual(given(), [1, 2, 1, 1])
    control.change({ seed: null })
    assert.deepEqual(given(), [1, 2, 1, 1])
  })
})

describe('a stream of chance', () => {
  const DRAWN = { latency: 'normal:1s:100ms', errorRate: 0.5 }
  const drawsOf = ({ delaysMs, behaviour }: Asked, count: number) =>
    Array.from({ length: count }, () => [...delaysMs(1), behaviour().nextFault()?.kind])

  test('goes on after changes of other settings', () => {
    const undisturbed = drawsOf(asked(DRAWN), 20)
    const mock = asked(DRAWN)
    const first = drawsOf(mock, 7)
    mock.control.change({ tokens: 3 })
    mock.control.change({ errorStatus: 429 })
    assert.deepEqual([...first, ...drawsOf(mock, 13)], undisturbed)
  })

  test('begins again when a change names the seed, and is another for another seed', () => {
    const mock = asked(DRAWN)
    const first = drawsOf(mock, 20)
    mock.control.change({ seed: 1 })
    assert.deepEqual(drawsOf(mock, 20), first)
    mock.control.change({ seed: 2 })
    const second = drawsOf(mock, 20)
    assert.notDeepEqual(second, first)
    assert.deepEqual(drawsOf(asked({ ...DRAWN, seed: 2 }), 20), second)
  })
})

describe('a limit of a key', () => {
  const isAdmitted = ({ behaviour }: Asked, key: string, tokens = 1) =>
    behaviour({ key }).limits?.admit(key, tokens, 0).ok

  test('is none where nothing is limited', () => {
    assert.equal(asked({}).behaviour().limits, undefined)
  })

  test('goes on after changes of other settings, and is full again when it is changed itself', () => {
    const mock = asked({ requestsPerMinute: 2, keys: { k: { latency: 1 }, own: { tokensPerMinute: 5 } } })
    assert.equal(isAdmitted(mock, 'k'), true)
    assert.equal(isAdmitted(mock, 'own', 5), true)
    mock.control.change({ latency: 5 })
    mock.control.change({ keys: { k: { latency: 2 } } })
    assert.deepEqual([isAdmitted(mock, 'k'), isAdmitted(mock, 'k')], [true, false])
    assert.deepEqual([isAdmitted(mock, 'own', 1), isAdmitted(mock, 'own', 0)], [false, true])
    mock.control.change({ requestsPerMinute: 3 })
    assert.deepEqual([isAdmitted(mock, 'k'), isAdmitted(mock, 'own', 5)], [true, true])
  })

  test('is counted once, whichever model is asked for', () => {
    const mock = asked({ requestsPerMinute: 1, models: { m: { latency: 1 }, x: { latency: 2 } } })
    const admits = (model: string) => mock.behaviour({ key: 'k', model }).limits?.admit('k', 0, 0).ok
    assert.deepEqual([admits('m'), admits('x'), admits('y')], [true, false, false])
  })
})

describe('factors over time count from when they were set', () => {
  const STEP = { latency: 100, latencyOverTime: 'step:10s:2' }

  test('not from the first request, and not from a change of something else', () => {
    const mock = asked(STEP)
    mock.at(6)
    mock.control.change({ tokens: 3 })
    mock.at(9.999)
    assert.deepEqual(mock.delaysMs(1), [100])
    mock.control.change({ tokens: 4, latencyOverTime: 'step:10s:2' })
    mock.at(10)
    assert.deepEqual(mock.delaysMs(1), [200])
  })

  test('anew when they are written differently, or when the seed is named', () => {
    const mock = asked(STEP)
    mock.at(60)
    assert.deepEqual(mock.delaysMs(1), [200])
    mock.control.change({ latencyOverTime: 'step:5s:3' })
    assert.deepEqual(mock.delaysMs(1), [100])
    mock.at(65)
    assert.deepEqual(mock.delaysMs(1), [300])
    mock.control.change({ seed: 1 })
    assert.deepEqual(mock.delaysMs(1), [100])
  })

  test("each model's and key's from their own", () => {
    const mock = asked(STEP)
    mock.at(5)
    mock.control.change({ models: { m: { latencyOverTime: 'step:10s:3' } } })
    mock.at(10)
    mock.control.change({ keys: { k: { latencyOverTime: 'step:10s:5' } } })
    const delaysMs = () => [{ model: 'x' }, {}, { key: 'k' }].flatMap((asking) => mock.delaysMs(1, asking))
    assert.deepEqual(delaysMs(), [200, 100, 100])
    mock.at(15)
    assert.deepEqual(delaysMs(), [200, 300, 100])
    mock.at(20)
    assert.deepEqual(delaysMs(), [200, 300, 500])
  })
})
