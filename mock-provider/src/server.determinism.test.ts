import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WrittenConfig } from './config.ts'
import {
  ask,
  CALLERS,
  configure,
  OPENAI,
  rawAsk,
  reader,
  until,
  withStoppedClock,
  type Asking,
  type Caller,
} from './server.callers.fixture.ts'
import { open, type Mock } from './server.fixture.ts'

/** Everything that is drawn, on. */
const DRAWN: WrittenConfig = {
  ...{ latency: 'lognormal:1ms:0.5', latencyPerPromptToken: '0.01ms', firstToken: 'gamma:1ms:0.5ms' },
  ...{ tokenInterval: 'percentiles:0.1ms:0.2ms:0.3ms:0.5ms', tokens: 'normal:10:4', tokensPerChunk: 2 },
  responseSize: 'uniform:1000:3000',
  models: { own: { responseSize: 'tokens', tokens: { trace: [5, 6, 7] }, latency: 'uniform:0.1ms:1ms' } },
  keys: { 'sk-jittery': { latency: 1, jitter: 1 } },
}

/** Those that leave a caller with something to read. */
const FAULTS: WrittenConfig = {
  ...{ errorRates: { 429: 0.1, 503: 0.1 }, truncateRate: 0.1, garbleRate: 0.1 },
  ...{ slowHeadersRate: 0.1, slowHeaders: 7 },
}

const ASKED: readonly [Caller, Asking][] = CALLERS.flatMap((caller): [Caller, Asking][] => [
  [caller, {}],
  [caller, { body: { stream: true } }],
  [caller, { body: { model: 'own' } }],
  [caller, { body: { model: 'own', stream: true, max_tokens: 4 }, key: 'sk-jittery' }],
  [caller, { key: 'sk-jittery' }],
])

/** The clock stands still but between an answer's arrival and its time: the date alone is not the same each time. */
const withoutDate = (text: string) => text.replaceAll(/"created":\d{10}/g, '"created":NOW')

interface Answer {
  status: number
  delay: string | null
  body: string
}

/** All answers to the same requests in the same order. */
async function run(config: WrittenConfig, between?: (mock: Mock) => Promise<unknown>): Promise<Answer[]> {
  const answers: Answer[] = []
  await withStoppedClock(config, async (mock, advanceMs) => {
    for (let round = 0; round < 5; round++) {
      for (const [caller, asking] of ASKED) {
        const answer = ask(mock, caller, asking)
        await until(() => mock.server.waiting() === 1)
        advanceMs(1_000)
        const response = await answer
        const body = withoutDate(await response.text())
        // One that ends with its connection counts until that is closed.
        await until(() => mock.server.waiting() === 0)
        answers.push({ status: response.status, delay: response.headers.get('x-mock-delay'), body })
        await between?.(mock)
      }
    }
  })
  return answers
}

describe('the same seed and order of arrival', () => {
  test('give the same answers, byte for byte', async () => {
    const first = await run({ ...DRAWN, ...FAULTS, seed: 11 })
    assert.deepEqual(await run({ ...DRAWN, ...FAULTS, seed: 11 }), first)
    // What was drawn was drawn: nothing of it is the same for all.
    assert.deepEqual(new Set(first.map(({ status }) => status)), new Set([200, 429, 503]))
    assert.ok(new Set(first.map(({ delay }) => delay)).size > 40)
    assert.ok(new Set(first.map(({ body }) => body.length)).size > 20)
    assert.ok(first.every(({ delay }) => delay !== null))
  })

  test('give other answers with another seed', async () => {
    const [one, two] = [await run({ ...DRAWN, seed: 11 }), await run({ ...DRAWN, seed: 12 })]
    const different = one.filter(({ delay }, at) => delay !== two[at]?.delay)
    assert.ok(different.length > one.length / 2)
  })

  test('give the same plans whatever the faults, and the same bodies where there is none', async () => {
    const [calm, faulty] = [await run(DRAWN), await run({ ...DRAWN, ...FAULTS })]
    assert.deepEqual(
      faulty.map(({ delay }) => delay),
      calm.map(({ delay }) => delay),
    )
    const same = faulty.filter(({ body }, at) => body === calm[at]?.body)
    assert.ok(same.length > 20 && same.length < 50, `${same.length} of 50`)
  })

  test('give the same answers whatever is read or changed meanwhile that is not theirs', async () => {
    const between = async (mock: Mock) => {
      await (await fetch(`${mock.url}/metrics`)).text()
      await (await ask(mock, OPENAI, { key: 'sk-dead' })).text()
      await (await ask(mock, OPENAI, { body: { messages: [] } })).text()
      const change = { stall: '6s', models: { other: { latency: 5 } }, requestsPerMinute: 1_000 }
      assert.equal((await configure(mock, change)).status, 200)
    }
    const config = { ...DRAWN, failKeys: ['sk-dead=401'] }
    assert.deepEqual(await run(config, between), await run(config))
  })
})

test('requests that arrive together are drawn for in the order of their arrival', async () => {
  const pipelined = async () => {
    let text = ''
    await withStoppedClock({ ...DRAWN, seed: 4 }, async ({ url, server }, advanceMs) => {
      const socket = await open(url)
      socket.write(Array.from({ length: 30 }, (_, at) => rawAsk(CALLERS[at % 2]!)).join(''))
      await until(() => server.waiting() === 30)
      advanceMs(1_000)
      text = await reader(socket)((soFar) => soFar.split('x-mock-delay').length === 31 && soFar.endsWith('}}'))
      socket.destroy()
    })
    return [...text.matchAll(/^\{.*\}(?=HTTP|$)/gm)].map(([body]) => withoutDate(body))
  }
  const first = await pipelined()
  assert.deepEqual(
    first.map((body) => Number(/^\{"id":"(?:chatcmpl-|msg_)(\d+)-/.exec(body)?.[1])),
    Array.from({ length: 30 }, (_, at) => at + 1),
  )
  assert.deepEqual(await pipelined(), first)
})
