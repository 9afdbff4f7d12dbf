import { parseConfig } from '@gatebench/gateway/config'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { parseRunConfig } from '../config.ts'
import { TargetError } from '../errors.ts'
import { builtin, builtinConfig, CONFIG_FOLDER_PREFIX } from './builtin.ts'
import { direct } from './direct.ts'
import { findTarget } from './find.ts'
import { reach } from './url.ts'

const context = (flags: Record<string, string> = {}) => ({
  config: parseRunConfig({ latency: '0', ...flags }),
  mockUrl: 'http://127.0.0.1:9',
  connections: 321,
})

test('a name finds its target, and anything else is a URL', () => {
  assert.equal(findTarget('builtin'), builtin)
  assert.equal(findTarget('direct'), direct)
  assert.equal(findTarget('http://127.0.0.1:8080').name, 'http://127.0.0.1:8080')
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
    const target = await builtin.start({ ...context(), mockUrl, connections: 5 })
    try {
      assert.equal(opened, 5)
      assert.equal(target.managed, true)
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
    const target = await findTarget(url).start(context())
    assert.deepEqual([target.url, target.managed, target.pid], [url, false, undefined])
    await target.stop()
    assert.equal(server.listening, true)
    server.close()
    await once(server, 'close')
    await assert.rejects(findTarget(url).start(context()), (error: unknown) => {
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
