import { parseConfig } from '@gatebench/gateway/config'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { parseRunConfig } from '../config.ts'
import { TargetError, UsageError } from '../errors.ts'
import type { JsonObject } from '../json-object.ts'
import { builtin, builtinConfig, CONFIG_FOLDER_PREFIX } from './builtin.ts'
import { direct } from './direct.ts'
import { findTarget } from './find.ts'
import { knownTargets, TARGET_NAMES } from './known.ts'
import { reach } from './url.ts'

const context = (flags: Record<string, string> = {}, merged?: JsonObject) => {
  const config = parseRunConfig({ latency: '0', ...flags })
  if (merged) config.gateway.config = merged
  return { config, mockUrl: 'http://127.0.0.1:9', connections: 321 }
}

test('a name finds its target, and anything else is a URL', async () => {
  assert.equal(await findTarget('builtin'), builtin)
  assert.equal(await findTarget('direct'), direct)
  assert.equal((await findTarget('http://127.0.0.1:8080')).name, 'http://127.0.0.1:8080')
})

test('every known target has the name that it is known by', async () => {
  assert.deepEqual(
    (await knownTargets()).map(({ name }) => name),
    TARGET_NAMES,
  )
})

test('direct is the mock itself', async () => {
  const target = await direct.start(context())
  assert.deepEqual([target.url, target.managed, target.pid], ['http://127.0.0.1:9', false, undefined])
})

describe('the configuration of the built-in gateway', () => {
  test('is one that the gateway accepts without a warning, and carries the settings of the run', () => {
    const file = builtinConfig(context({ concurrency: '70', 'buffer-size': '80', 'pool-size': '60', timeout: '5s' }))
    const { config, warnings } = parseConfig(file, {})
    assert.deepEqual(warnings, [])
    const [provider] = config.providers
    assert.ok(provider)
    assert.equal(config.initialPoolSize, 60)
    assert.equal(config.dropExcessRequests, false)
    assert.equal(provider.name, 'openai')
    assert.deepEqual([provider.concurrency, provider.bufferSize], [70, 80])
    assert.deepEqual([provider.network.maxConnsPerHost, provider.network.openAhead], [421, 321])
    assert.equal(provider.network.timeoutMs, 5_000)
    assert.equal(provider.network.baseUrl.origin, 'http://127.0.0.1:9')
    assert.deepEqual(provider.keys[0]?.models, ['gpt-4o-mini'])
  })

  test('has no limit that the run did not set', () => {
    const { config } = parseConfig(builtinConfig(context({ timeout: '0', 'request-size': '20MiB' })), {})
    assert.equal(config.providers[0]?.network.timeoutMs, 86_400_000)
    assert.ok(config.maxRequestBodyBytes >= 20 * 2 ** 20)
    // All of them at once.
    assert.ok(config.maxWaitingBodyBytes >= 321 * 20 * 2 ** 20)
  })

  test('leaves every worker room for connections between two requests', () => {
    const { config } = parseConfig(builtinConfig(context({ workers: '3' })), {})
    assert.equal(config.providers[0]?.network.maxConnsPerHost, 321 + 3 * 100)
  })

  test('keeps connections that were opened ahead and have carried nothing yet for the whole run', () => {
    const read = (flags: Record<string, string>) => parseConfig(builtinConfig(context(flags)), {}).config
    assert.ok(read({ duration: '10m', warmup: '5s' }).requestReadTimeoutMs > 605_000)
    assert.equal(read({ duration: '35791m' }).requestReadTimeoutMs, 2 ** 31 - 1)
  })

  test('takes what is merged over it: objects member by member, lists as a whole', () => {
    const keys = [{ value: 'sk-a' }, { value: 'sk-b', weight: 2 }]
    const { config, warnings } = parseConfig(
      builtinConfig(
        context(
          {},
          {
            config: { prometheus_labels: ['team'] },
            providers: { openai: { keys, network_config: { max_retries: 3 } } },
          },
        ),
      ),
      {},
    )
    assert.deepEqual(warnings, [])
    const [provider] = config.providers
    assert.ok(provider)
    assert.deepEqual(
      provider.keys.map(({ value, models }) => [value, models]),
      [
        ['sk-a', 'all'],
        ['sk-b', 'all'],
      ],
    )
    assert.deepEqual([provider.network.maxRetries, provider.network.openAhead], [3, 321])
    assert.deepEqual([config.prometheusLabels, config.initialPoolSize], [['team'], 10_000])
  })

  test('sends every provider that is merged in to the mock, unless it says where to', () => {
    const providers = {
      anthropic: { keys: [{ value: 'k' }] },
      groq: { keys: [{ value: 'k' }], network_config: { base_url: 'http://127.0.0.1:10', max_retries: 1 } },
    }
    const { config } = parseConfig(builtinConfig(context({}, { providers })), {})
    assert.deepEqual(
      config.providers.map(({ name, network }) => [name, network.baseUrl.origin]),
      [
        ['openai', 'http://127.0.0.1:9'],
        ['anthropic', 'http://127.0.0.1:9'],
        ['groq', 'http://127.0.0.1:10'],
      ],
    )
  })

  test('with settings that are wrong, or that would change nothing, is a usage error with all of them', async () => {
    const problemsOf = async (merged: JsonObject) => {
      const error = await builtin.start(context({}, merged)).then(
        (target) => target.stop(),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof UsageError, String(error))
      return error.problems
    }
    assert.deepEqual(await problemsOf({ config: { initial_pool_size: -1 }, providers: { openai: { keys: 5 } } }), [
      '--gateway-config: config.initial_pool_size: must be a whole number from 0 to 10000000, got -1',
      '--gateway-config: providers.openai.keys: must be a list, got a number',
    ])
    assert.deepEqual(await problemsOf({ config: { labels: [] }, provider: {} }), [
      '--gateway-config: config.labels: not a setting of this gateway; it changes nothing',
      '--gateway-config: provider: not a setting of this gateway; it changes nothing',
    ])
    assert.match((await problemsOf({ providers: 5 })).join(), /^--gateway-config: providers: must be an object/)
  })
})

describe('the built-in gateway', () => {
  const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith(CONFIG_FOLDER_PREFIX))

  test('opens its connections to the mock, listens, and leaves nothing behind when it is stopped', async () => {
    let opened = 0
    const mock = createServer((socket) => {
      opened++
      socket.on('error', () => undefined).resume()
    }).listen(0, '127.0.0.1')
    await once(mock, 'listening')
    const before = new Set(leftovers())
    const mockUrl = `http://127.0.0.1:${(mock.address() as AddressInfo).port}`
    const merged = { config: { initial_pool_size: 12 } }
    const target = await builtin.start({ ...context({ concurrency: '7' }, merged), mockUrl, connections: 5 })
    try {
      assert.equal(opened, 5)
      assert.equal(target.managed, true)
      assert.deepEqual(target.settings, { concurrency: 7, bufferSize: 15_000, initialPoolSize: 12 })
      assert.match(target.version ?? '', /^\d+\.\d+\.\d+$/)
      assert.equal((await fetch(`${target.url}/health`)).status, 200)
    } finally {
      await target.stop()
    }
    assert.deepEqual(await target.exited, { code: 0, signal: undefined })
    assert.deepEqual(
      leftovers().filter((name) => !before.has(name)),
      [],
    )
    mock.close()
    await once(mock, 'close')
  })
})

describe('a gateway at a URL', () => {
  test('that accepts connections is taken as it is, and not stopped', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const found = await findTarget(url)
    const target = await found.start(context())
    assert.deepEqual([target.url, target.managed, target.pid], [url, false, undefined])
    await target.stop()
    assert.equal(server.listening, true)
    server.close()
    await once(server, 'close')
    await assert.rejects(found.start(context()), (error: unknown) => {
      assert.ok(error instanceof TargetError)
      assert.match(error.message, new RegExp(`^${url}: cannot be reached: ECONNREFUSED; is the gateway running`))
      return true
    })
  })

  test('whose name nobody knows is refused with the URL', async () => {
    await assert.rejects(reach('http://nowhere.invalid', 3_000), /http:\/\/nowhere.invalid: cannot be reached: E/)
  })

  test('is given up with the reason of the signal', async () => {
    const reason = new Error('enough')
    await assert.rejects(reach('http://127.0.0.1:9', 1_000, AbortSignal.abort(reason)), reason)
  })
})
