import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ask, configure, delayOf, OPENAI, plannedUs, until, withStoppedClock } from './server.callers.fixture.ts'
import { CHAT, withMock, type Mock } from './server.fixture.ts'

type Json = Record<string, unknown>

async function shown({ url }: Mock): Promise<Json> {
  const response = await fetch(`${url}/admin/config`)
  assert.equal(response.status, 200)
  return (await response.json()) as Json
}

/** A change that must be right; yields what it says the config is now. */
async function changed(mock: Mock, patch: unknown): Promise<Json> {
  const response = await configure(mock, patch)
  const config = (await response.json()) as Json
  assert.equal(response.status, 200, JSON.stringify(config))
  return config
}

/** A change that must be wrong; yields all problems. */
async function refused(mock: Mock, patch: unknown, status = 400): Promise<string[]> {
  const before = await shown(mock)
  const response = await configure(mock, patch)
  assert.equal(response.status, status)
  const { problems } = (await response.json()) as { problems: string[] }
  assert.deepEqual(await shown(mock), before)
  return problems
}

const bodyOf = async (answer: Promise<Response>) => (await answer).text()

describe('GET /admin/config', () => {
  test('shows the config as it could be written down, defaults included', async () => {
    await withMock({ latency: '2ms', models: { m: { latency: 'uniform:1ms:2ms' } } }, async (mock) => {
      const config = await shown(mock)
      assert.equal(config.latency, '2ms')
      assert.equal(config.responseSize, 1_370)
      assert.equal(config.stall, '5s')
      assert.deepEqual(config.models, { m: { latency: 'uniform:1ms:2ms' } })
    })
  })

  test('shows what POST takes again: nothing has changed then but that draws begin anew', async () => {
    const written = { latency: 'uniform:0:3ms', tokens: { trace: [1, 2, 3] }, failKeys: ['sk-dead=401'], seed: 3 }
    await withMock(written, async (mock) => {
      const three = async () => {
        const planned: number[] = []
        for (let i = 0; i < 3; i++) planned.push(plannedUs(await bodyOf(ask(mock, OPENAI))))
        return planned
      }
      const first = await three()
      const config = await shown(mock)
      assert.deepEqual(await changed(mock, config), config)
      assert.deepEqual(await three(), first)
    })
  })
})

describe('POST /admin/config', () => {
  test('changes what it names, from the next request on, and says what the config is now', async () => {
    await withMock({ latency: 1, jitter: 1 }, async (mock) => {
      const config = await changed(mock, { responseSize: '2KB', latency: '3ms', jitter: 0 })
      assert.deepEqual([config.responseSize, config.latency, config.jitter], ['2KB', '3ms', 0])
      assert.deepEqual(await shown(mock), config)
      const text = await bodyOf(ask(mock, OPENAI))
      assert.equal(text.length, 2_000)
      assert.equal(plannedUs(text), 3_000)
    })
  })

  test('takes a null back to the default, and merges objects member by member', async () => {
    const models = { a: { latency: 1, tokens: 2 }, b: { latency: 1 } }
    await withMock({ responseSize: 2_000, models }, async (mock) => {
      const config = await changed(mock, { responseSize: null, models: { a: { tokens: 3 }, b: null } })
      assert.equal(config.responseSize, 1_370)
      assert.deepEqual(config.models, { a: { latency: 1, tokens: 3 } })
      assert.equal((await bodyOf(ask(mock, OPENAI))).length, 1_370)
    })
  })

  test('names every problem at once and then changes nothing, not even what is right', async () => {
    await withMock({}, async (mock) => {
      const problems = await refused(mock, {
        latency: 'soon',
        responseSize: 5,
        errorRate: 2,
        models: { m: { latency: -1, port: 1 } },
        scenario: [{ at: 'later', set: {} }],
        port: 1,
        colour: 'red',
        tokens: 7,
      })
      const about = (name: string) => problems.filter((problem) => problem.startsWith(`${name}:`)).length
      for (const name of ['latency', 'responseSize', 'errorRate', 'models.m.latency', 'models.m.port']) {
        assert.equal(about(name), 1, `${name} in ${problems.join('\n')}`)
      }
      assert.deepEqual([about('scenario[0].at'), about('port'), about('colour'), about('tokens')], [1, 1, 1, 0])
    })
  })

  test('refuses what is right by itself and wrong with the rest', async () => {
    await withMock({ latency: 10, errorRate: 0.6 }, async (mock) => {
      assert.match((await refused(mock, { jitter: 11 })).join(), /jitter: must not be above latency/)
      assert.match((await refused(mock, { keys: { k: { hangRate: 0.5 } } })).join(), /^keys\.k: .* got 1\.1$/)
    })
  })

  for (const { name, body, problem } of [
    { name: 'no JSON', body: '{"latency":', problem: /not valid JSON/ },
    { name: 'no object', body: '[1]', problem: /must be a JSON object/ },
    { name: 'null', body: 'null', problem: /must be a JSON object/ },
    { name: 'nothing', body: '', problem: /not valid JSON/ },
    { name: 'a name that every object has', body: '{"constructor":1}', problem: /^constructor: unknown/ },
    { name: 'a name that is a trap', body: '{"__proto__":{"latency":5}}', problem: /^__proto__: unknown/ },
    {
      name: 'such a name in a model',
      body: '{"models":{"m":{"toString":1}}}',
      problem: /^models\.m\.toString: cannot/,
    },
  ]) {
    test(`refuses ${name}`, async () => {
      await withMock({}, async (mock) => {
        const [first, ...others] = await refused(mock, body)
        assert.match(first ?? '', problem)
        assert.deepEqual(others, [])
      })
    })
  }

  test('refuses a body without the name of JSON, no body, and one that is too large', async () => {
    await withMock({ bodyLimit: '1KiB' }, async (mock) => {
      const post = (init: RequestInit) => fetch(`${mock.url}/admin/config`, { method: 'POST', ...init })
      assert.equal((await post({ body: '{}', headers: { 'content-type': 'text/plain' } })).status, 415)
      assert.equal((await post({})).status, 400)
      assert.equal((await refused(mock, { models: { ['m'.repeat(1_024)]: {} } }, 413)).length, 1)
      assert.equal((await shown(mock)).latency, 0)
    })
  })

  test('leaves answers under way as they were planned', async () => {
    await withStoppedClock({ latency: 20, responseSize: 2_000, tokens: 3 }, async (mock, advanceMs) => {
      const before = [ask(mock, OPENAI), ask(mock, OPENAI, { body: { stream: true } })]
      await until(() => mock.server.waiting() === 2)
      await changed(mock, { latency: 10, responseSize: 1_000, tokens: 9, errorRate: 1, seed: 7 })
      const after = ask(mock, OPENAI)
      await until(() => mock.server.waiting() === 3)
      advanceMs(1_000)
      const [whole, stream] = await Promise.all(before.map(bodyOf))
      assert.deepEqual([plannedUs(whole!), whole!.length], [20_000, 2_000])
      assert.deepEqual([plannedUs(stream!), stream!.split('"t').length - 1], [20_000, 3])
      assert.equal((await after).status, 500)
    })
  })

  test('changes keys that are served at once', async () => {
    await withMock({}, async (mock) => {
      const statusOf = async (key: string) => (await ask(mock, OPENAI, { key })).status
      assert.equal(await statusOf('sk-a'), 200)
      await changed(mock, { failKeys: ['sk-a=503'], requireKeys: ['sk-a', 'sk-b'] })
      assert.deepEqual([await statusOf('sk-a'), await statusOf('sk-b'), await statusOf('sk-c')], [503, 200, 401])
      await changed(mock, { failKeys: null, requireKeys: [] })
      assert.deepEqual([await statusOf('sk-a'), await statusOf('sk-c')], [200, 200])
    })
  })
})

describe('settings of their own', () => {
  test('have models and keys, the key before the model, each setting by itself', async () => {
    await withMock({ latency: 1, responseSize: 1_000 }, async (mock) => {
      await changed(mock, {
        models: { slow: { latency: 3, responseSize: 2_000 }, 'modèle "日本"': { latency: 4 } },
        keys: { 'sk-fast': { latency: 2 } },
      })
      for (const { model, key, planned, size } of [
        { model: CHAT.model, key: 'sk-any', planned: 1_000, size: 1_000 },
        { model: 'slow', key: 'sk-any', planned: 3_000, size: 2_000 },
        { model: CHAT.model, key: 'sk-fast', planned: 2_000, size: 1_000 },
        { model: 'slow', key: 'sk-fast', planned: 2_000, size: 2_000 },
        { model: 'modèle "日本"', key: 'sk-any', planned: 4_000, size: 1_000 },
        { model: 'constructor', key: 'constructor', planned: 1_000, size: 1_000 },
      ]) {
        const text = await bodyOf(ask(mock, OPENAI, { key, body: { model } }))
        assert.deepEqual([delayOf(text).plannedUs, text.length], [planned, size], `${model} with ${key}`)
      }
    })
  })
})
