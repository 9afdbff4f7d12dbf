import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asked } from './behaviours.fixture.ts'

describe('with one server', () => {
  test('answers to requests that come together are given one after the other', () => {
    assert.deepEqual(asked({ latency: 100, servers: 1 }).delaysMs(3), [100, 200, 300])
    assert.deepEqual(asked({ latency: 100 }).delaysMs(3), [100, 100, 100])
  })

  test('a stream holds it to its last chunk: the next first token waits for all of that', () => {
    const mock = asked({ firstToken: 10, latency: 50, servers: 1 })
    assert.deepEqual(mock.firstTokensMs(3, 90), [10, 110, 210])
    // A whole answer waits as a stream does, and a stream for that.
    assert.deepEqual(mock.delaysMs(1), [350])
    assert.deepEqual(mock.firstTokensMs(1, 5), [360])
  })

  test('whoever comes when it is free again does not wait', () => {
    const mock = asked({ latency: 100, firstToken: 10, servers: 1 })
    assert.deepEqual([...mock.delaysMs(1), ...mock.firstTokensMs(1, 200)], [100, 110])
    mock.at(0.305)
    assert.deepEqual(mock.delaysMs(1), [105])
    mock.at(1)
    assert.deepEqual(mock.delaysMs(1), [100])
  })

  test('how long a stream takes is not even asked without servers', () => {
    const unlimited = asked({ firstToken: 10 })
    assert.equal(
      unlimited.behaviour().nextFirstTokenUs({ promptTokens: 0, receivedNs: 0 }, () => assert.fail('asked')),
      10_000,
    )
  })
})

describe('servers', () => {
  test('are those of whoever set their number: one queue for all who leave that to the mock', () => {
    const mock = asked({
      ...{ latency: 100, servers: 2 },
      models: { m: { latency: 200 }, own: { servers: 1 } },
      keys: { k: { servers: 1 } },
    })
    assert.deepEqual([...mock.delaysMs(1, { model: 'x' }), ...mock.delaysMs(2)], [100, 200, 300])
    assert.deepEqual(mock.delaysMs(2, { model: 'own' }), [100, 200])
    assert.deepEqual([...mock.delaysMs(1, { model: 'own', key: 'k' }), ...mock.delaysMs(1, { key: 'k' })], [100, 300])
  })

  test('a model may be without a limit of them', () => {
    const { delaysMs } = asked({ latency: 100, servers: 1, models: { m: { servers: 0 } } })
    assert.deepEqual(delaysMs(3), [100, 100, 100])
  })

  test('go on with what they have to do after changes of other settings', () => {
    const mock = asked({ latency: 100, servers: 1 })
    assert.deepEqual(mock.delaysMs(2), [100, 200])
    mock.control.change({ tokens: 5 })
    mock.control.change({ latency: 10 })
    assert.deepEqual(mock.delaysMs(1), [210])
  })

  test('are all free when their number is changed, or the seed is named', () => {
    for (const patch of [{ servers: 2 }, { servers: '1' }, { seed: 1 }]) {
      const mock = asked({ latency: 100, servers: 1 })
      assert.deepEqual(mock.delaysMs(2), [100, 200])
      mock.control.change(patch)
      assert.deepEqual(mock.delaysMs(1), [100])
    }
  })
})
