import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DEFAULTS, type RunConfig } from './config.ts'
import { planRun, shareOf, type Plan } from './plan.ts'
import { requestBytesMin } from './request-body.ts'

const plan = (change: Partial<RunConfig> = {}, connections = 100): Plan =>
  planRun({ ...DEFAULTS, ...change }, connections)

describe('planRun', () => {
  test('takes over the load from the configuration', () => {
    const { request, ...rest } = plan({ ratePerSec: 333.3, durationMs: 1_000, warmupMs: 0, threads: 3, seed: 9 }, 700)
    assert.deepEqual(rest, {
      ratePerSec: 333.3,
      durationMs: 1_000,
      warmupMs: 0,
      requests: 333,
      connections: 700,
      timeoutMs: 30_000,
      threads: 3,
      seed: 9,
      probeRatePerSec: 20,
      mockLatencyMs: 1_500,
      mockJitterMs: 0,
    })
    assert.equal(request.path, '/v1/chat/completions')
  })

  test('the same configuration gives the same plan, and it survives the way to a thread', () => {
    assert.deepEqual(plan(), plan())
    assert.deepEqual(structuredClone(plan()), plan())
  })

  test('straight to the mock there is nothing to go past: no probes', () => {
    assert.equal(plan({ target: 'direct' }).probeRatePerSec, 0)
    assert.equal(plan({ target: 'http://127.0.0.1:8080' }).probeRatePerSec, 20)
  })

  test("the configuration's headers are sent, beside the request for the gateway's account", () => {
    assert.deepEqual(plan({ headers: { authorization: 'Bearer k' } }).request.headers, {
      'content-type': 'application/json',
      'x-bench-timing': '1',
      authorization: 'Bearer k',
    })
  })

  test('further members stand in the body as they were given, and it is as large as without', () => {
    const { body } = plan({ body: { fallbacks: ['openai/gpt-4o'], top_p: 0.5 }, requestBytes: 200 }).request
    assert.equal(Buffer.byteLength(body), 200)
    const { fallbacks, top_p, messages } = JSON.parse(body) as Record<string, unknown>
    assert.deepEqual([fallbacks, top_p], [['openai/gpt-4o'], 0.5])
    assert.ok(Array.isArray(messages))
  })

  test('the body is a chat completion request, exact to the byte, whatever the model is called', () => {
    const models = fc.string({ unit: 'grapheme', maxLength: 30 })
    fc.assert(
      fc.property(models, fc.nat(5_000), (model, extraBytes) => {
        const requestBytes = requestBytesMin(model) + extraBytes
        const { body } = plan({ model, requestBytes }).request
        assert.equal(Buffer.byteLength(body), requestBytes)
        const parsed = JSON.parse(body) as { model: string; messages: { role: string; content: string }[] }
        assert.equal(parsed.model, model)
        assert.deepEqual(
          parsed.messages.map(({ role, content }) => [role, content.length]),
          [['user', extraBytes]],
        )
      }),
    )
  })

  test('a body smaller than its own frame is refused, naming the least', () => {
    const least = requestBytesMin('m')
    assert.throws(() => plan({ model: 'm', requestBytes: least - 1 }), new RegExp(`at least ${least} bytes`))
  })
})

describe('shareOf', () => {
  const anyPlan = fc
    .record({
      ratePerSec: fc.double({ min: 0.5, max: 2_000, noNaN: true }),
      durationMs: fc.integer({ min: 100, max: 2_000 }),
      warmupMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000 })),
      threads: fc.integer({ min: 1, max: 8 }),
    })
    .chain((change) => fc.tuple(fc.constant(change), fc.integer({ min: change.threads, max: 20_000 })))

  test('the shares of all threads are every position once, and exactly the connections', () => {
    fc.assert(
      fc.property(anyPlan, ([change, connections]) => {
        const whole = plan(change, connections)
        const shares = Array.from({ length: whole.threads }, (_, thread) => shareOf(whole, thread))
        const positions = shares.flatMap(({ schedule, first, step }) => {
          const own: number[] = []
          for (let index = first; index < schedule.count; index += step) own.push(index)
          return own
        })
        const { warmupCount, count } = shares[0]!.schedule
        assert.equal(count, whole.requests)
        assert.deepEqual(
          positions.sort((a, b) => a - b),
          Array.from({ length: warmupCount + count }, (_, i) => i - warmupCount),
        )
        assert.equal(
          shares.reduce((sum, share) => sum + share.connections, 0),
          connections,
        )
      }),
    )
  })

  test('no thread has more than one connection more than another', () => {
    const whole = plan({ threads: 3 }, 11)
    assert.deepEqual(
      [0, 1, 2].map((thread) => shareOf(whole, thread).connections),
      [4, 4, 3],
    )
  })
})
