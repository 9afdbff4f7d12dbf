import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { BucketHistogram } from './bucket-histogram.ts'
import { LIMITS, Traffic } from './traffic.ts'

describe('Traffic: label sets', () => {
  test('the same values are the same set, others are another', () => {
    const traffic = new Traffic(['team-id', 'service'])
    const set = traffic.labelSet(['blue', 'chat'])
    assert.deepEqual(traffic.labelNames, ['team_id', 'service'])
    assert.deepEqual(set.values, ['blue', 'chat'])
    assert.equal(traffic.labelSet(['blue', 'chat']), set)
    assert.notEqual(traffic.labelSet(['chat', 'blue']), set)
    assert.deepEqual(traffic.labelSet(['', 'chat']).values, ['', 'chat'])
  })

  test('a request without a value, or without a label configured, is in the unlabelled set', () => {
    const traffic = new Traffic(['team'])
    assert.equal(traffic.labelSet(['']), traffic.unlabelled)
    const plain = new Traffic([])
    assert.equal(plain.labelSet([]), plain.unlabelled)
    assert.deepEqual(plain.unlabelled.values, [])
    assert.equal(plain.sets.length, 1)
  })

  test('a label has 100 values; what is new then is other, what is known stays itself', () => {
    const traffic = new Traffic(['team', 'service'])
    for (let value = 0; value < LIMITS.valuesPerLabel; value++) traffic.labelSet([`t${value}`, ''])
    assert.deepEqual(traffic.labelSet(['late', 'chat']).values, ['other', 'chat'])
    assert.equal(traffic.labelSet(['later', 'chat']), traffic.labelSet(['late', 'chat']))
    assert.deepEqual(traffic.labelSet(['t99', 'chat']).values, ['t99', 'chat'])
  })

  test('beyond 1,000 sets a new one is all other, and the known ones stay', () => {
    const traffic = new Traffic(['a', 'b'])
    for (let set = 0; set < LIMITS.labelSets; set++) traffic.labelSet([`a${set % 50}`, `b${Math.floor(set / 50)}`])
    const first = traffic.labelSet(['a0', 'b0'])
    assert.deepEqual(first.values, ['a0', 'b0'])
    assert.deepEqual(traffic.labelSet(['a0', 'new']).values, ['other', 'other'])
    assert.equal(traffic.labelSet(['a1', 'new too']), traffic.labelSet(['a0', 'new']))
    assert.equal(traffic.sets.length, LIMITS.labelSets + 1)
  })

  test('a value is cut to 128 characters, and half a character becomes the replacement character', () => {
    const traffic = new Traffic(['team'])
    const set = traffic.labelSet(['x'.repeat(129)])
    assert.equal(set.values[0], 'x'.repeat(128))
    assert.equal(traffic.labelSet(['x'.repeat(1_000)]), set)
    assert.deepEqual(traffic.labelSet([`${'y'.repeat(127)}😀`]).values, [`${'y'.repeat(127)}\ufffd`])
  })

  test('property: whatever callers send, the bounds hold, and each set is found again', () => {
    const values = fc.array(
      fc.tuple(fc.string({ maxLength: 300, unit: 'binary' }), fc.integer({ max: 400 }).map(String)),
      {
        minLength: 200,
        maxLength: 1_500,
      },
    )
    fc.assert(
      fc.property(values, (requests) => {
        const traffic = new Traffic(['a', 'b'])
        for (const request of requests) {
          const set = traffic.labelSet(request)
          assert.equal(traffic.labelSet(set.values), set)
          assert.ok(set.values.every((value) => value.length <= 128 && value.isWellFormed()))
        }
        for (const label of [0, 1]) {
          const seen = new Set(traffic.sets.map((set) => set.values[label]))
          assert.ok(seen.size <= LIMITS.valuesPerLabel + 2, `${seen.size} values`)
        }
        assert.ok(traffic.sets.length <= LIMITS.labelSets + 1)
        assert.equal(new Set(traffic.sets.map((set) => JSON.stringify(set.values))).size, traffic.sets.length)
      }),
      { numRuns: 20 },
    )
  })
})

describe('Traffic: routes', () => {
  test('each label set counts apart for each provider and model', () => {
    const traffic = new Traffic(['team'])
    const blue = traffic.labelSet(['blue'])
    const route = blue.route('openai', 'm')
    assert.deepEqual([route.provider, route.model], ['openai', 'm'])
    assert.equal(blue.route('openai', 'm'), route)
    for (const other of [
      blue.route('openai', 'n'),
      blue.route('groq', 'm'),
      traffic.unlabelled.route('openai', 'm'),
      traffic.labelSet(['red']).route('openai', 'm'),
    ]) {
      assert.notEqual(other, route)
    }
  })

  test('a provider has 100 models; the next one is other, in every label set', () => {
    const traffic = new Traffic(['team'])
    for (let model = 0; model < LIMITS.modelsPerProvider; model++) traffic.unlabelled.route('openai', `m${model}`)
    const other = traffic.unlabelled.route('openai', 'new')
    assert.equal(other.model, 'other')
    assert.equal(traffic.unlabelled.route('openai', 'newer'), other)
    assert.equal(traffic.labelSet(['blue']).route('openai', 'new').model, 'other')
    assert.equal(traffic.labelSet(['blue']).route('openai', 'm0').model, 'm0')
    assert.equal(traffic.unlabelled.route('groq', 'new').model, 'new')
  })

  test('routes are bounded over all label sets, and the known ones stay', () => {
    const traffic = new Traffic(['team'])
    for (let set = 0; set < 100; set++) {
      for (let model = 0; model < LIMITS.modelsPerProvider; model++) {
        traffic.labelSet([`t${set}`]).route('openai', `m${model}`)
      }
    }
    const routes = traffic.sets.flatMap((set) => [...set.routes.values()].flatMap((models) => [...models.values()]))
    assert.ok(routes.length <= LIMITS.routes + 100, `${routes.length} routes`)
    assert.equal(traffic.labelSet(['t0']).route('openai', 'm7').model, 'm7')
    assert.equal(traffic.labelSet(['t99']).route('openai', 'm7').model, 'other')
  })

  test('a model’s name is cut, and found again by its whole name when there is no room for new ones', () => {
    const traffic = new Traffic([])
    const long = traffic.unlabelled.route('openai', 'x'.repeat(500))
    for (let model = 0; model < LIMITS.modelsPerProvider; model++) traffic.unlabelled.route('openai', `m${model}`)
    assert.equal(long.model, 'x'.repeat(128))
    assert.equal(traffic.unlabelled.route('openai', 'x'.repeat(400)), long)
  })

  test('failures, retries and rotations of keys are counted by what they were', () => {
    const route = new Traffic([]).unlabelled.route('openai', 'm')
    for (const status of [429, 503, 429]) route.failed(status)
    for (const count of [0, 0, 2, 40]) route.retried(count)
    route.keyRotated('k1', 'dead')
    route.keyRotated('k1', 'rate_limited')
    route.keyRotated('k1', 'rate_limited')
    assert.deepEqual(
      [...route.errors],
      [
        [429, 2],
        [503, 1],
      ],
    )
    assert.deepEqual([...route.retries.counts], [2, 0, 1, 0, 0, 0, 1])
    assert.deepEqual(route.rotations.get('k1'), { rate_limited: 2, dead: 1 })
  })
})

describe('LabelSet.finished', () => {
  test('counts by type and status, with the whole time and what of it was the gateway’s own', () => {
    const set = new Traffic([]).unlabelled
    set.finished('chat_completion', 200, 1_500_000_000, 1_499_900_000)
    set.finished('chat_completion', 429, 2_000_000, 0)
    set.finished('embedding', 200, 1_000, 0)
    const chat = set.types.get('chat_completion')
    assert.deepEqual(
      [...(chat?.byStatus ?? [])],
      [
        [200, 1],
        [429, 1],
      ],
    )
    assert.equal(chat?.durationS.sum, 1.502)
    assert.equal(chat.overheadUs.sum, 2_100)
    assert.equal(set.types.get('embedding')?.durationS.count, 1)
    assert.equal(set.types.get('chat_completion_stream'), undefined)
  })
})

describe('BucketHistogram', () => {
  test('property: a value is counted under the first bound that it does not exceed', () => {
    const bounds = [0, 1, 2.5, 10]
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (values) => {
        const histogram = new BucketHistogram(bounds)
        for (const value of values) histogram.observe(value)
        const expected = [...bounds, Infinity].map(
          (bound, index) => values.filter((value) => value <= bound && value > (bounds[index - 1] ?? -1)).length,
        )
        assert.deepEqual([...histogram.counts], expected)
        assert.equal(histogram.count, values.length)
        assert.equal(
          histogram.sum,
          values.reduce((sum, value) => sum + value, 0),
        )
      }),
    )
  })
})
