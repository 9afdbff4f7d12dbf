import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readConfig } from './config.ts'
import { controlOf, latencyMs, plain, problemsOf } from './control.fixture.ts'
import { Control, type Running } from './control.ts'
import { ProviderError } from './provider-error.ts'
import { TABLE_DEFAULTS } from './settings.ts'

describe('a config', () => {
  test('tells all that is set, with the defaults', () => {
    const written = { latency: '2s', models: { m: { tokens: 3 } }, requestsPerMinute: 7 }
    assert.deepEqual(controlOf(written).written, { ...TABLE_DEFAULTS, ...written })
  })

  test('never tells the key of /admin, which stays', () => {
    const control = controlOf({ adminKey: 'sk-admin', latency: 5 })
    control.change({ tokens: 3 })
    control.change(control.written)
    assert.equal('adminKey' in control.written, false)
    assert.equal(control.running.config.adminKey, 'sk-admin')
  })

  test('that is wrong is none: every problem is told', () => {
    assert.throws(() => controlOf({ latency: 'fast', tokens: 0 }), {
      name: 'MockUsageError',
      code: 'MOCK_USAGE',
      problems: ['latency: "fast" is not a duration; write 1500, 1500ms or 1.5s', 'tokens: must be at least 1, got 0'],
    })
  })
})

describe('a change', () => {
  test('leaves what it does not name, and gives back the default for null', () => {
    const control = controlOf({ latency: 100, tokens: 5, models: { m: { tokens: 6, latency: 7 }, n: { tokens: 8 } } })
    control.change({ latency: null, models: { m: { latency: null }, n: null }, keys: { k: { tokens: 9 } } })
    assert.deepEqual(control.written, {
      ...TABLE_DEFAULTS,
      ...{ tokens: 5, models: { m: { tokens: 6 } }, keys: { k: { tokens: 9 } } },
    })
    assert.equal(latencyMs(control), 0)
    assert.deepEqual([...control.running.config.models.keys()], ['m'])
  })

  test('replaces what runs as a whole: whoever has begun goes on with what was', () => {
    const seen: Running[] = []
    const control = new Control(
      { latency: 1, requireKeys: ['a'] },
      () => 0,
      (running) => seen.push(running),
    )
    const before = control.running
    control.change({ latency: 2, requireKeys: ['b'] })
    assert.deepEqual(seen, [control.running])
    assert.equal(before.config.answer.latency.minimum, 1_000)
    before.keyPolicy.check('a')
    control.running.keyPolicy.check('b')
    assert.throws(() => {
      control.running.keyPolicy.check('a')
    }, ProviderError)
  })

  const refused: { what: string; patch: unknown; problems: (RegExp | string)[] }[] = [
    { what: 'no object', patch: [], problems: ['the change must be a JSON object of settings'] },
    { what: 'nothing', patch: undefined, problems: ['the change must be a JSON object of settings'] },
    {
      what: 'several wrong settings among right ones',
      patch: { tokens: 9, latency: 'x', nonsense: 1, models: { m: { port: 1 } }, keys: { k: 5 }, strict: [], port: 1 },
      problems: [
        'port: is decided when the mock starts',
        /^nonsense: unknown; the settings are latency, /,
        'latency: "x" is not a duration; write 1500, 1500ms or 1.5s',
        /^models\.m\.port: cannot be set here; /,
        'keys.k: must be an object of settings, got 5',
        'strict: must be an object, got an array',
      ],
    },
    {
      what: 'a setting that is right by itself alone',
      patch: { tokens: 9, jitter: 200 },
      problems: [/^jitter: must not be above latency \(at the least 100 ms\)/],
    },
    {
      what: 'a default that others contradict',
      patch: { latency: null, tokens: 9 },
      problems: [/^jitter: must not be above latency \(at the least 0 ms\)/],
    },
    {
      what: "a model's settings that contradict the mock's",
      patch: { tokens: 9, models: { m: { latency: 10 } } },
      problems: [/^models\.m: jitter: must not be above models\.m: latency \(at the least 10 ms\)/],
    },
    {
      what: 'a scenario that comes to something wrong',
      patch: { tokens: 9, scenario: [{ at: 0, set: { latency: 10 } }] },
      problems: [/^scenario\[0\]\.set\.jitter: must not be above latency \(at the least 10 ms\)/],
    },
    {
      what: 'names that every object has',
      patch: JSON.parse('{"__proto__":{"latency":5},"constructor":1,"models":{"m":{"toString":1}}}') as unknown,
      problems: [/^__proto__: unknown; /, /^constructor: unknown; /, /^models\.m\.toString: cannot be set here; /],
    },
    {
      what: 'more levels than any setting has',
      patch: JSON.parse(`${'{"models":'.repeat(100_000)}1${'}'.repeat(100_000)}`) as unknown,
      problems: ['the change has more than 100 levels'],
    },
  ]
  for (const { what, patch, problems } of refused) {
    test(`to ${what} is refused with every problem, and nothing of it comes`, () => {
      const changes: unknown[] = []
      const control = new Control(
        { latency: 100, jitter: 50, tokens: 5 },
        () => 0,
        (each) => changes.push(each),
      )
      const before = { written: control.written, running: control.running }
      const told = problemsOf(control, patch)
      assert.equal(told.length, problems.length, told.join('\n'))
      for (const [at, problem] of problems.entries()) {
        if (typeof problem === 'string') assert.equal(told[at], problem)
        else assert.match(told[at]!, problem)
      }
      assert.deepEqual(control.written, before.written)
      assert.equal(control.running, before.running)
      assert.deepEqual(changes, [])
    })
  }

  test('comes as a whole or not at all, whatever it is made of', () => {
    const value = fc.constantFrom<unknown>(null, 0, 1, 50, '1s', '0.5', 'x', [], {}, { m: { latency: 1 } }, { m: null })
    const name = fc.constantFrom(
      'latency',
      'jitter',
      'tokens',
      'errorRate',
      'hangRate',
      'models',
      'keys',
      'seed',
      'port',
    )
    fc.assert(
      fc.property(fc.array(fc.dictionary(name, value), { maxLength: 8 }), (patches) => {
        const control = controlOf({ latency: 60, errorRate: 0.5 })
        for (const patch of patches) {
          const { running, written } = control
          if (problemsOf(control, patch).length > 0) {
            assert.equal(control.running, running)
            assert.deepEqual(control.written, written)
          }
          const { config, problems } = readConfig(control.written)
          assert.deepEqual(problems, [])
          assert.deepEqual(plain(control.running.config), plain(config))
        }
      }),
      { seed: 1 },
    )
  })
})
