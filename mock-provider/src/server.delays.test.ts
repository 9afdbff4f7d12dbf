import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WrittenConfig } from './config.ts'
import {
  ANTHROPIC,
  ask,
  CALLERS,
  configure,
  delayOf,
  OPENAI,
  plannedUs,
  until,
  withStoppedClock,
} from './server.callers.fixture.ts'
import { withMock, type Mock } from './server.fixture.ts'
import { MOCK_DELAY_HEADER, parseDelayHeader } from './truth.ts'

/** Planned delays of so many answers, one after the other; each one's id and header must say the same. */
async function planned(mock: Mock, count: number, body: Readonly<Record<string, unknown>> = {}): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < count; i++) {
    const caller = CALLERS[i % CALLERS.length]!
    const response = await ask(mock, caller, { body })
    const delay = delayOf(await response.text())
    assert.deepEqual(parseDelayHeader(response.headers.get(MOCK_DELAY_HEADER) ?? ''), delay)
    assert.ok(delay.actualUs >= delay.plannedUs, JSON.stringify(delay))
    all.push(delay.plannedUs)
  }
  return all
}

/** Planned delays of what is asked at each of these instants. @param atMs in order */
async function plannedAt(config: WrittenConfig, atMs: readonly number[], body = {}): Promise<number[]> {
  const all: number[] = []
  await withStoppedClock(config, async (mock, advanceMs) => {
    const answers: Promise<Response>[] = []
    let answered = 0
    for (const [index, ms] of atMs.entries()) {
      advanceMs(ms - (atMs[index - 1] ?? 0))
      const answer = ask(mock, OPENAI, { body })
      answers.push(answer)
      void answer.then(() => answered++)
      await until(() => mock.server.waiting() + answered === index + 1)
    }
    advanceMs(60_000)
    for (const answer of answers) all.push(plannedUs(await (await answer).text()))
  })
  return all
}

describe('delays that are drawn are seen in id and header', () => {
  for (const { latency, lowUs, highUs } of [
    { latency: 'uniform:1ms:3ms', lowUs: 1_000, highUs: 3_000 },
    { latency: 'normal:2ms:1ms', lowUs: 0, highUs: 10_000 },
    { latency: 'lognormal:2ms:0.2', lowUs: 500, highUs: 8_000 },
    { latency: 'gamma:2ms:0.5ms', lowUs: 200, highUs: 8_000 },
    { latency: 'percentiles:2ms:3ms:4ms:5ms', lowUs: 1_000, highUs: 5_250 },
  ]) {
    test(latency, async () => {
      await withMock({ latency }, async (mock) => {
        const delays = await planned(mock, 16)
        assert.ok(
          delays.every((us) => us >= lowUs && us <= highUs),
          delays.join(),
        )
        assert.ok(new Set(delays).size > 8, delays.join())
      })
    })
  }

  test('a trace, one value after the other and from its start again, in whatever dialect', async () => {
    await withMock({ latency: { trace: ['1ms', 3, 0] } }, async (mock) => {
      assert.deepEqual(await planned(mock, 7), [1_000, 3_000, 0, 1_000, 3_000, 0, 1_000])
    })
  })

  test('latency +- jitter, for whole answers and, without a delay of their own, for streams', async () => {
    for (const stream of [false, true]) {
      await withMock({ latency: 3, jitter: 2 }, async (mock) => {
        const delays = await planned(mock, 16, { stream })
        assert.ok(
          delays.every((us) => us >= 1_000 && us <= 5_000),
          delays.join(),
        )
        assert.ok(Math.max(...delays) - Math.min(...delays) > 2_000, delays.join())
      })
    }
  })

  test('a first token of its own, for streams alone', async () => {
    await withMock({ latency: 1, firstToken: 4 }, async (mock) => {
      assert.deepEqual(await planned(mock, 2, { stream: true }), [4_000, 4_000])
      assert.deepEqual(await planned(mock, 2), [1_000, 1_000])
    })
  })
})

describe('a delay grows', () => {
  test('with every token of the prompt that the usage tells of', async () => {
    await withMock({ latency: 1, latencyPerPromptToken: '0.25ms' }, async (mock) => {
      for (const content of ['Hi', 'x'.repeat(100)]) {
        const messages = [{ role: 'user', content }]
        const text = await (await ask(mock, OPENAI, { body: { messages } })).text()
        const { usage } = JSON.parse(text) as { usage: { prompt_tokens: number } }
        assert.equal(plannedUs(text), 1_000 + 250 * usage.prompt_tokens)
      }
    })
  })

  test('by the factor of its time, the tokens of the prompt included', async () => {
    const config = { latency: 10, latencyPerPromptToken: 1, latencyOverTime: 'step:10s:3,spike:60s:1s:2' }
    const [plain = NaN, ...later] = await plannedAt(config, [0, 9_999, 10_000, 59_999])
    assert.ok(plain > 10_000)
    assert.deepEqual(later, [plain, 3 * plain, 3 * plain])
    assert.deepEqual(await plannedAt(config, [60_000, 60_999, 61_000]), [6 * plain, 6 * plain, 3 * plain])
    const ramp = { latency: 10, latencyOverTime: 'ramp:10s:20s:1:2' }
    assert.deepEqual(
      await plannedAt(ramp, [0, 10_000, 15_000, 20_000, 30_000]),
      [10_000, 10_000, 15_000, 20_000, 20_000],
    )
  })

  test('by a factor from when that was set', async () => {
    await withStoppedClock({ latency: 10 }, async (mock, advanceMs) => {
      const next = async () => {
        const answer = ask(mock, OPENAI)
        await until(() => mock.server.waiting() === 1)
        advanceMs(100)
        return plannedUs(await (await answer).text())
      }
      advanceMs(5_000)
      await configure(mock, { latencyOverTime: 'step:1s:2' })
      assert.equal(await next(), 10_000)
      advanceMs(899)
      assert.equal(await next(), 10_000)
      assert.equal(await next(), 20_000)
    })
  })
})

describe('a provider with few servers', () => {
  test('lets answers wait for one that is free', async () => {
    const config = { latency: 10, servers: 2 }
    assert.deepEqual(await plannedAt(config, [0, 0, 0, 0, 0]), [10_000, 10_000, 20_000, 20_000, 30_000])
    assert.deepEqual(await plannedAt(config, [0, 4, 8, 30]), [10_000, 10_000, 12_000, 10_000])
  })

  test('gives a stream its server to the end', async () => {
    const config = { firstToken: 10, tokenInterval: 5, tokens: 4, servers: 1 }
    assert.deepEqual(await plannedAt(config, [0, 0, 0], { stream: true }), [10_000, 35_000, 60_000])
  })

  test('gives each model its own where the model has servers of its own', async () => {
    const config = { latency: 10, servers: 1, models: { own: { servers: 1 }, shared: { tokens: 1 } } }
    await withStoppedClock(config, async (mock, advanceMs) => {
      const answers: Promise<Response>[] = []
      for (const model of ['any', 'own', 'shared', 'own']) {
        answers.push(ask(mock, ANTHROPIC, { body: { model } }))
        await until(() => mock.server.waiting() === answers.length)
      }
      advanceMs(1_000)
      const delays = await Promise.all(answers.map(async (answer) => plannedUs(await (await answer).text())))
      assert.deepEqual(delays, [10_000, 10_000, 20_000, 20_000])
    })
  })
})
