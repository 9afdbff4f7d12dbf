import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  MAX_KEYS,
  rateLimitHeaders,
  RateLimits,
  retryAfterSec,
  type Admission,
  type Allowances,
} from './rate-limits.ts'

const MS = 1e6
const SECOND = 1e9

interface Arrival {
  key: string | undefined
  tokens: number
  atNs: number
}

function admitAll(limits: RateLimits, arrivals: readonly Arrival[]): Admission[] {
  return arrivals.map(({ key, tokens, atNs }) => limits.admit(key, tokens, atNs))
}

/** Arrivals in order of time, with gaps of whole `unitNs`; often faster than the limits allow. */
function arrivalsOf(unitNs: number): fc.Arbitrary<Arrival[]> {
  const arrival = fc.record({
    key: fc.constantFrom('a', 'b', undefined),
    tokens: fc.integer({ min: 0, max: 120 }),
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: (5 * SECOND) / unitNs })),
  })
  return fc.array(arrival, { maxLength: 100, size: 'max' }).map((plans) => {
    let atNs = 0
    return plans.map(({ key, tokens, gap }) => ({ key, tokens, atNs: (atNs += gap * unitNs) }))
  })
}

const anyLimits = fc.record({
  requestsPerMinute: fc.integer({ min: 1, max: 20 }),
  tokensPerMinute: fc.integer({ min: 1, max: 1_000 }),
})

describe('the limits of a key', () => {
  test('are a full bucket at first, which is refilled continuously', () => {
    const limits = new RateLimits({ requestsPerMinute: 60, tokensPerMinute: 6_000 })
    assert.deepEqual(limits.admit('a', 50, 0), {
      ok: true,
      requests: { limit: 60, remaining: 59, resetMs: 1_000 },
      tokens: { limit: 6_000, remaining: 5_950, resetMs: 500 },
    })
    // 250 ms give back a quarter of a request and 25 tokens.
    assert.deepEqual(limits.admit('a', 100, 250 * MS), {
      ok: true,
      requests: { limit: 60, remaining: 58, resetMs: 1_750 },
      tokens: { limit: 6_000, remaining: 5_875, resetMs: 1_250 },
    })
  })

  test('refuse the request after the last, until one is given back', () => {
    const limits = new RateLimits({ requestsPerMinute: 2 })
    admitAll(limits, Array<Arrival>(2).fill({ key: 'a', tokens: 0, atNs: 0 }))
    assert.deepEqual(limits.admit('a', 0, 10 * SECOND), {
      ok: false,
      limit: 'requests',
      retryAfterMs: 20_000,
      requests: { limit: 2, remaining: 0, resetMs: 50_000 },
      tokens: undefined,
    })
    assert.equal(limits.admit('a', 0, 30 * SECOND - 1 * MS).ok, false)
    assert.equal(limits.admit('a', 0, 30 * SECOND).ok, true)
  })

  test('refuse for tokens alone, and a smaller request not', () => {
    const limits = new RateLimits({ requestsPerMinute: 60, tokensPerMinute: 600 })
    limits.admit('a', 590, 0)
    assert.deepEqual(limits.admit('a', 20, 0), {
      ok: false,
      limit: 'tokens',
      retryAfterMs: 1_000,
      requests: { limit: 60, remaining: 59, resetMs: 1_000 },
      tokens: { limit: 600, remaining: 10, resetMs: 59_000 },
    })
    assert.equal(limits.admit('a', 10, 0).ok, true)
  })

  test('name the limit with the longer wait where both are exceeded', () => {
    const refused = (tokens: number) => {
      const limits = new RateLimits({ requestsPerMinute: 1, tokensPerMinute: 600 })
      limits.admit('a', 600, 0)
      const admission = limits.admit('a', tokens, 30 * SECOND)
      return admission.ok ? undefined : [admission.limit, admission.retryAfterMs]
    }
    // A request comes back after 60 s, 500 tokens after 50 s.
    assert.deepEqual(refused(500), ['requests', 30_000])
    assert.deepEqual(refused(601), ['tokens', undefined])
  })

  test('never admit more tokens than a minute has', () => {
    const limits = new RateLimits({ tokensPerMinute: 600 })
    assert.deepEqual(limits.admit('a', 601, 0), {
      ok: false,
      limit: 'tokens',
      retryAfterMs: undefined,
      requests: undefined,
      tokens: { limit: 600, remaining: 600, resetMs: 0 },
    })
    assert.equal(limits.admit('a', 600, 0).ok, true)
  })

  test('are none where none is set', () => {
    const limits = new RateLimits({})
    assert.deepEqual(limits.admit('a', 1e9, 0), { ok: true, requests: undefined, tokens: undefined })
  })

  test('are the same without a key, in a bucket of its own', () => {
    const limits = new RateLimits({ requestsPerMinute: 1 })
    assert.equal(limits.admit(undefined, 0, 0).ok, true)
    assert.equal(limits.admit('undefined', 0, 0).ok, true)
    assert.equal(limits.admit('', 0, 0).ok, true)
    assert.equal(limits.admit(undefined, 0, 0).ok, false)
  })

  test('take a time before the last admission for that', () => {
    const limits = new RateLimits({ requestsPerMinute: 60 })
    limits.admit('a', 0, 10 * SECOND)
    assert.deepEqual(limits.admit('a', 0, 0).requests, { limit: 60, remaining: 58, resetMs: 2_000 })
    assert.deepEqual(limits.admit('a', 0, 10 * SECOND).requests, { limit: 60, remaining: 57, resetMs: 3_000 })
  })

  test('are refused unless they are whole numbers of at least 1', () => {
    for (const limit of [0, -1, 0.5, NaN, Infinity]) {
      const message = `requestsPerMinute: must be a whole number of at least 1, got ${limit}`
      assert.throws(() => new RateLimits({ requestsPerMinute: limit }), { name: 'RangeError', message })
    }
    assert.throws(() => new RateLimits({ tokensPerMinute: 0 }), /^RangeError: tokensPerMinute: /)
  })
})

describe('whatever arrives', () => {
  test('no window of any length admits more than a full bucket and its refill', () => {
    fc.assert(
      fc.property(anyLimits, arrivalsOf(1), (options, arrivals) => {
        const admissions = admitAll(new RateLimits(options), arrivals)
        for (const key of ['a', 'b', undefined]) {
          const admitted = arrivals.filter((arrival, at) => arrival.key === key && admissions[at]?.ok)
          admitted.forEach((first, from) => {
            let tokens = 0
            admitted.slice(from).forEach((last, more) => {
              tokens += last.tokens
              const buckets = 1 + (last.atNs - first.atNs) / (60 * SECOND)
              // Rounding is worth less than a millionth of a request.
              assert.ok(more + 1 <= options.requestsPerMinute * buckets + 1e-6)
              assert.ok(tokens <= options.tokensPerMinute * buckets + 1e-6)
            })
          })
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('what is admitted is what exact arithmetic admits', () => {
    fc.assert(
      fc.property(anyLimits, arrivalsOf(SECOND), ({ requestsPerMinute, tokensPerMinute }, arrivals) => {
        const admissions = admitAll(new RateLimits({ requestsPerMinute, tokensPerMinute }), arrivals)
        for (const key of ['a', 'b', undefined]) {
          // What is missing, in 60ths: a whole number of these comes back each second. So the limits are met to the
          // point again and again, where the least error of rounding would show.
          let requests = 0
          let tokens = 0
          let lastSec = 0
          arrivals.forEach((arrival, at) => {
            if (arrival.key !== key) return
            const nowSec = arrival.atNs / SECOND
            requests = Math.max(0, requests - (nowSec - lastSec) * requestsPerMinute)
            tokens = Math.max(0, tokens - (nowSec - lastSec) * tokensPerMinute)
            lastSec = nowSec
            const ok = requests + 60 <= requestsPerMinute * 60 && tokens + arrival.tokens * 60 <= tokensPerMinute * 60
            if (ok) {
              requests += 60
              tokens += arrival.tokens * 60
            }
            const allowances = {
              requests: allowance(requestsPerMinute, requests),
              tokens: allowance(tokensPerMinute, tokens),
            }
            assert.partialDeepStrictEqual(admissions[at], { ok, ...allowances })
          })
        }
      }),
      { seed: 1, numRuns: 300 },
    )
    function allowance(limit: number, missing: number) {
      return { limit, remaining: limit - Math.ceil(missing / 60), resetMs: Math.ceil((missing * 1_000) / limit) }
    }
  })

  test('who waits as told is admitted', () => {
    fc.assert(
      fc.property(anyLimits, arrivalsOf(1), (options, arrivals) => {
        const limits = new RateLimits(options)
        let waitedNs = 0
        for (const { key, tokens, atNs } of arrivals) {
          const nowNs = atNs + waitedNs
          const admission = limits.admit(key, tokens, nowNs)
          if (admission.ok) continue
          if (admission.retryAfterMs === undefined) {
            assert.ok(tokens > options.tokensPerMinute)
            continue
          }
          assert.ok(Number.isInteger(admission.retryAfterMs) && admission.retryAfterMs >= 1)
          waitedNs += admission.retryAfterMs * MS
          assert.equal(limits.admit(key, tokens, atNs + waitedNs).ok, true)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('a full bucket has room for its whole limit and no more, at any time', () => {
    const anyTimeNs = fc.integer({ min: 0, max: 100 * 86_400 * SECOND })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), anyTimeNs, fc.nat({ max: 60 * SECOND }), (limit, atNs, gapNs) => {
        const limits = new RateLimits({ requestsPerMinute: limit })
        limits.admit('a', 0, atNs)
        limits.admit('a', 0, atNs + gapNs)
        const fullNs = atNs + gapNs + 60 * SECOND
        for (let i = 0; i < limit; i++) assert.equal(limits.admit('a', 0, fullNs).requests?.remaining, limit - 1 - i)
        assert.equal(limits.admit('a', 0, fullNs).ok, false)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('a refused request changes nothing', () => {
    fc.assert(
      fc.property(anyLimits, arrivalsOf(1), (options, arrivals) => {
        const all = admitAll(new RateLimits(options), arrivals)
        const admittedAlone = admitAll(
          new RateLimits(options),
          arrivals.filter((_, at) => all[at]?.ok),
        )
        assert.deepEqual(
          admittedAlone,
          all.filter(({ ok }) => ok),
        )
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('no key affects another', () => {
    fc.assert(
      fc.property(anyLimits, arrivalsOf(1), (options, arrivals) => {
        const together = admitAll(new RateLimits(options), arrivals)
        for (const key of ['a', 'b', undefined]) {
          const own = arrivals.filter((arrival) => arrival.key === key)
          assert.deepEqual(
            admitAll(new RateLimits(options), own),
            together.filter((_, at) => arrivals[at]?.key === key),
          )
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('of all keys, as many are remembered as there is room for', () => {
  /** `MAX_KEYS` keys named by their number, each with one request, 1 ms after another. */
  function fill(limits: RateLimits): void {
    for (let i = 0; i < MAX_KEYS; i++) assert.equal(limits.admit(String(i), 0, i * MS).ok, true)
  }

  test('never more, however many come', () => {
    for (const requestsPerMinute of [1, 60, 100_000]) {
      const limits = new RateLimits({ requestsPerMinute })
      for (let i = 0; i < 2.5 * MAX_KEYS; i++) {
        limits.admit(`${i}`, 0, i * MS)
        assert.ok(limits.keys <= MAX_KEYS, `${limits.keys} keys after ${i + 1}`)
      }
    }
  })

  test('refused keys are none of them', () => {
    const limits = new RateLimits({ tokensPerMinute: 1 })
    limits.admit('a', 2, 0)
    assert.equal(limits.keys, 0)
  })

  test('those whose buckets are full again are forgotten first, though another was untouched for longer', () => {
    const limits = new RateLimits({ requestsPerMinute: 600 })
    for (let i = 0; i < 500; i++) limits.admit('0', 0, 0)
    fill(limits)
    // One request comes back in 100 ms: of keys 1 to 9,999 all but the last 100 are full.
    assert.equal(limits.admit('new', 0, (MAX_KEYS - 1) * MS).ok, true)
    assert.equal(limits.keys, 102)
    // 501 gone, 99.99 back, one taken now.
    assert.equal(limits.admit('0', 0, (MAX_KEYS - 1) * MS).requests?.remaining, 197)
  })

  test('where none is full, the longest untouched is forgotten', () => {
    const limits = new RateLimits({ requestsPerMinute: 2 })
    fill(limits)
    const nowNs = MAX_KEYS * MS
    assert.equal(limits.admit('1', 0, nowNs).ok, true)
    // Keys 0 and 2 make room for these; key 3 for key 2, which is as good as new.
    assert.equal(limits.admit('new', 0, nowNs).ok, true)
    assert.equal(limits.admit('newer', 0, nowNs).ok, true)
    assert.equal(limits.keys, MAX_KEYS)
    assert.equal(limits.admit('1', 0, nowNs).ok, false)
    assert.equal(limits.admit('2', 0, nowNs).requests?.remaining, 1)
    assert.equal(limits.admit('4', 0, nowNs).requests?.remaining, 0)
  })

  test('a search that found none does not keep the next one from finding what is full by then', () => {
    const limits = new RateLimits({ requestsPerMinute: 2 })
    fill(limits)
    // Key 0 would be full at 30 s, the first of all; now it will be at 60 s.
    limits.admit('0', 0, 20 * SECOND)
    limits.admit('new', 0, 30 * SECOND)
    assert.equal(limits.keys, MAX_KEYS)
    // Key 1 made room for that one; by now keys 2 to 500 are full.
    limits.admit('newer', 0, 30_500 * MS)
    assert.equal(limits.keys, MAX_KEYS - 499 + 1)
    assert.equal(limits.admit('501', 0, 30_500 * MS).requests?.remaining, 0)
    assert.equal(limits.admit('500', 0, 30_500 * MS).requests?.remaining, 1)
  })
})

describe('the headers', () => {
  const allowances: Allowances = {
    requests: { limit: 60, remaining: 59, resetMs: 1_000 },
    tokens: { limit: 150_000, remaining: 149_984, resetMs: 7 },
  }
  const nowUnixMs = Date.UTC(2026, 0, 31, 23, 59, 58, 500)

  test('of OpenAI give resets as durations', () => {
    assert.deepEqual(rateLimitHeaders('openai', allowances, nowUnixMs), {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '7ms',
    })
  })

  for (const [resetMs, text] of [
    [0, '0s'],
    [20, '20ms'],
    [999, '999ms'],
    [1_500, '1.5s'],
    [59_997, '59.997s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [90_050, '1m30.05s'],
  ] as const) {
    test(`of OpenAI write ${resetMs} ms as ${text}`, () => {
      const requests = { limit: 60, remaining: 0, resetMs }
      const headers = rateLimitHeaders('openai', { requests, tokens: undefined }, nowUnixMs)
      assert.equal(headers['x-ratelimit-reset-requests'], text)
    })
  }

  test('of Anthropic give resets as times, and tokens to the nearest thousand', () => {
    assert.deepEqual(rateLimitHeaders('anthropic', allowances, nowUnixMs), {
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '59',
      'anthropic-ratelimit-requests-reset': '2026-02-01T00:00:00Z',
      'anthropic-ratelimit-tokens-limit': '150000',
      'anthropic-ratelimit-tokens-remaining': '150000',
      'anthropic-ratelimit-tokens-reset': '2026-01-31T23:59:59Z',
    })
  })

  test('of Anthropic never have more tokens remain than the limit', () => {
    const tokens = { limit: 1_600, remaining: 1_600, resetMs: 0 }
    const headers = rateLimitHeaders('anthropic', { requests: undefined, tokens }, nowUnixMs)
    assert.equal(headers['anthropic-ratelimit-tokens-remaining'], '1600')
  })

  test('say nothing of limits that are not set, nor in a dialect without any', () => {
    const none = { requests: undefined, tokens: undefined }
    assert.deepEqual(rateLimitHeaders('openai', none, nowUnixMs), {})
    assert.deepEqual(rateLimitHeaders('anthropic', none, nowUnixMs), {})
    assert.deepEqual(rateLimitHeaders('none', allowances, nowUnixMs), {})
  })

  test('have Retry-After in whole seconds, rounded up, on refusals that a wait would help', () => {
    const refused = (retryAfterMs: number | undefined) =>
      retryAfterSec({ ok: false, limit: 'tokens', retryAfterMs, ...allowances })
    assert.deepEqual([1, 1_000, 1_001, 60_000].map(refused), [1, 1, 2, 60])
    assert.equal(refused(undefined), undefined)
    assert.equal(retryAfterSec({ ok: true, ...allowances }), undefined)
  })
})
