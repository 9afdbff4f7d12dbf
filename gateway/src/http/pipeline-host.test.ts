import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'

import { type GatewayConfig, parseConfig } from '../config.ts'
import { PipelineHost } from './pipeline-host.ts'
import { chunk, openStream, startStreamProvider } from './streaming.fixture.ts'
import { eventually, providerFile, startGateway, startProvider } from './test-support.ts'

function configFor(url: string, openAhead = 0): GatewayConfig {
  const openai = providerFile(url, { network_config: { open_ahead: openAhead, max_conns_per_host: 2_000 } })
  return parseConfig({ config: { initial_pool_size: 1 }, providers: { openai } }, {}).config
}

/** A provider that counts its connections, and a host that began a reload which opens many of them. */
async function reloading(t: TestContext, during: (host: PipelineHost) => void) {
  const { url, server } = await startProvider(t)
  let [opened, gone] = [0, 0]
  server.on('connection', (socket) => {
    opened++
    socket.once('close', () => gone++)
  })
  const host = new PipelineHost(configFor(url))
  t.after(() => {
    host.close()
  })
  await host.start()
  const { current } = host
  server.once('connection', () => {
    during(host)
  })
  const warnings = await host.reload(configFor(url, 1_000))
  const allGone = (): void => {
    assert.ok(opened > 0)
    assert.equal(gone, opened)
  }
  return { host, before: current, warnings, opened: () => opened, allGone }
}

describe('PipelineHost', () => {
  test('closed in the middle of a reload: it opens no more, keeps no connection and changes nothing', async (t) => {
    const { host, before, warnings, opened, allGone } = await reloading(t, (host) => {
      host.close()
    })
    assert.deepEqual([warnings, host.current === before], [undefined, true])
    await eventually(allGone)
    assert.ok(opened() < 1_000)
  })

  test('a drain that begins in the middle of a reload ends it: nothing would ever close its connections', async (t) => {
    const { host, before, warnings, allGone } = await reloading(t, (host) => {
      host.draining = true
    })
    assert.deepEqual([warnings, host.current === before], [undefined, true])
    await eventually(allGone)
    assert.equal(await host.reload(before.config), undefined)
  })

  test('a reload does not measure the machine again', async (t) => {
    const { url } = await startProvider(t)
    const { host } = await startGateway(t, { providers: { openai: providerFile(url) } })
    const { clockCostNs, batchMeansNs } = host.current
    assert.deepEqual(await host.reload(configFor(url)), [])
    assert.equal(host.current.clockCostNs, clockCostNs)
    assert.equal(host.current.batchMeansNs, batchMeansNs)
  })

  test('what still runs after a reload is in the metrics, and what has ended leaves no counter lower', async (t) => {
    const provider = await startStreamProvider(t)
    const { host, url } = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const shows = async (...lines: string[]): Promise<void> => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      for (const line of lines) assert.ok(metrics.includes(`\n${line}\n`), `${line} not in\n${metrics}`)
    }
    const connections = (state: string, count: number): string =>
      `gateway_upstream_connections{provider="openai",state="${state}"} ${count}`

    const opening = openStream(url)
    const upstream = await provider.next()
    upstream.send(chunk('a'))
    const caller = await opening
    await caller.next()
    await host.reload(configFor(provider.url))
    await shows(
      'gateway_active_requests 1',
      connections('in_use', 1),
      'gateway_upstream_connections_opened_total{provider="openai"} 1',
    )

    upstream.finish()
    await caller.rest()
    await eventually(() => {
      assert.deepEqual(
        host.snapshot().providers.map(({ connections }) => connections),
        [{ open: 0, idle: 0, inUse: 0, waiting: 0, openedTotal: 1 }],
      )
    })
    const again = openStream(url)
    const next = await provider.next()
    next.send(chunk('b'))
    next.finish()
    await (await again).rest()
    await shows('gateway_active_requests 0', 'gateway_upstream_connections_opened_total{provider="openai"} 2')
  })
})
