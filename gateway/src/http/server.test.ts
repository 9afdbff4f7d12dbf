import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'

import OpenAI from 'openai'

import { SEGMENTS } from '../core/stages.ts'
import type { StagesReport } from './stages-report.ts'
import {
  assertNothingLeaked,
  CHAT,
  COMPLETION,
  eventually,
  providerFile,
  startGateway,
  startProvider,
} from './test-support.ts'

const EXTRA = { provider: 'openai', resolved_model: 'm', request_type: 'chat_completion' }

describe('chat completions', () => {
  test('the official client gets the answer of the provider, with extra fields', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any' })
    const answer = await client.chat.completions.create({
      model: 'openai/m',
      messages: [{ role: 'user', content: 'hi' }],
      temperature: 0,
    })
    const { extra_fields: extra, ...rest } = answer as typeof answer & { extra_fields: { latency: number } }
    assert.deepEqual({ ...rest }, COMPLETION)
    const { latency, ...others } = extra
    assert.deepEqual(others, EXTRA)
    assert.ok(Number.isInteger(latency) && latency >= 0)
    assertNothingLeaked(gateway)
  })

  test('the provider gets the bare model, the key, the extra headers, and nothing of the caller’s key', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, {
      providers: {
        openai: providerFile(`${provider.url}/prefix/v1`, { network_config: { extra_headers: { 'x-team': 'blue' } } }),
      },
    })
    await gateway.chat({ ...CHAT, seed: 7 }, { authorization: 'Bearer callers-own' })
    const [request] = provider.requests
    assert.equal(request?.url, '/prefix/v1/chat/completions')
    assert.equal(request.headers.authorization, 'Bearer sk-secret')
    assert.equal(request.headers['x-team'], 'blue')
    assert.equal(request.headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(request.body), { ...CHAT, model: 'm', seed: 7 })
  })

  test('headers that a caller can act on pass, those of the hop do not', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      response.writeHead(200, {
        'X-Mock-Delay': 'planned=1;actual=2',
        'x-request-id': 'r1',
        'retry-after': '3',
        'x-ratelimit-remaining-tokens': '4',
        'set-cookie': 'a=b',
        server: 'fake',
      })
      response.end(JSON.stringify(COMPLETION))
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const { headers } = await gateway.chat()
    assert.equal(headers.get('x-mock-delay'), 'planned=1;actual=2')
    assert.equal(headers.get('x-request-id'), 'r1')
    assert.equal(headers.get('retry-after'), '3')
    assert.equal(headers.get('x-ratelimit-remaining-tokens'), '4')
    assert.equal(headers.get('set-cookie'), null)
    assert.equal(headers.get('server'), null)
    assert.equal(headers.get('server-timing'), null)
  })

  test('a body may come without a content type, in pieces, and an answer too', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      const answer = Buffer.from(JSON.stringify(COMPLETION))
      // In the middle of the two bytes of é.
      const cut = answer.indexOf(0xa9)
      response.write(answer.subarray(0, cut))
      setTimeout(() => response.end(answer.subarray(cut)), 20)
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    const body = JSON.stringify(CHAT)
    const socket = connect(gateway.port, '127.0.0.1')
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`)
    for (const piece of [body.slice(0, 10), body.slice(10)]) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      socket.write(piece)
    }
    await eventually(() => {
      assert.match(Buffer.concat(received).toString(), /^HTTP\/1.1 200 [^]*"hé"[^]*"extra_fields"/)
    })
    socket.destroy()
  })

  test('connections to the provider are used again, the latest first', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (let request = 0; request < 5; request++) await (await gateway.chat()).text()
    assert.equal(gateway.gateway.providers[0]?.pool.counters.openedTotal, 1)
  })
})

describe('Server-Timing', () => {
  test('names every segment and closes: the segments sum to the total', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      setTimeout(() => response.end(JSON.stringify(COMPLETION)), 30)
    })
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    await gateway.chat()
    const { headers } = await gateway.chat(CHAT, { 'x-bench-timing': '1' })
    const entries = (headers.get('server-timing') ?? '').split(',').map((entry) => {
      const [, name, ms] = /^(\w+);dur=(\d+\.\d{6})$/.exec(entry.trim()) ?? []
      return [name ?? entry, Number(ms)] as const
    })
    assert.deepEqual(
      entries.map(([name]) => name),
      [...SEGMENTS.map(({ name }) => name), 'total'],
    )
    const ms: Record<string, number> = Object.fromEntries(entries)
    const sum = entries.slice(0, -1).reduce((total, [, value]) => total + value, 0)
    assert.ok(Math.abs(sum - ms.total!) < 1e-4, `${sum} is not ${ms.total}`)
    assert.ok(ms.http_request! >= 29, `http_request ${ms.http_request} ms`)
    for (const [name, value] of entries) assert.equal(value > 0, name !== 'retry_backoff', name)
  })
})

describe('the other routes', () => {
  test('the official client lists the models that enabled keys name', async (t) => {
    const gateway = await startGateway(t, {
      providers: {
        openai: {
          keys: [
            { value: 'a', models: ['m', 'n'] },
            { value: 'b', models: ['n', 'denied'], blacklisted_models: ['denied'] },
            { value: 'c', models: ['off'], enabled: false },
          ],
        },
        other: { keys: [{ value: 'd', models: ['o'] }], network_config: { base_url: 'http://127.0.0.1:1' } },
      },
    })
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any' })
    const models = await client.models.list()
    assert.deepEqual(
      models.data.map(({ id, owned_by: owner }) => [id, owner]),
      [
        ['openai/m', 'openai'],
        ['openai/n', 'openai'],
        ['other/o', 'other'],
      ],
    )
  })

  test('health tells that the gateway serves', async (t) => {
    const gateway = await startGateway(t, { providers: { openai: { keys: [{ value: 'a' }] } } })
    assert.deepEqual(await (await fetch(`${gateway.url}/health`)).json(), { status: 'ok', inFlight: 0 })
  })

  test('/debug/stages counts requests per segment, and reset starts anew', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    for (let request = 0; request < 3; request++) await (await gateway.chat()).text()
    const report = async () => (await (await fetch(`${gateway.url}/debug/stages`)).json()) as StagesReport
    const { segments, requests, clockCostNs, pool } = await report()
    assert.equal(requests, 3)
    assert.ok(clockCostNs > 1)
    for (const { name } of SEGMENTS) {
      if (name === 'retry_backoff') continue
      assert.equal(segments[name].count, 3, name)
      assert.ok(segments[name].sumNs > 0, name)
    }
    assert.equal(segments.retry_backoff.count, 0)
    assert.ok(segments.json_marshaling.batchMeanNs! > 0)
    assert.equal(segments.http_request.batchMeanNs, undefined)
    assert.deepEqual(pool.contexts, { total: 2, inUse: 0, grown: 0 })
    assert.deepEqual(pool.connections.openai, { open: 1, idle: 1, inUse: 0, waiting: 0, openedTotal: 1 })
    await fetch(`${gateway.url}/debug/stages/reset`, { method: 'POST' })
    assert.equal((await report()).requests, 0)
  })

  test('/metrics agrees with what happened, before and after a reset of the stages', async (t) => {
    const provider = await startProvider(t)
    const gateway = await startGateway(t, { providers: { openai: providerFile(provider.url) } })
    await (await gateway.chat()).text()
    await (await gateway.chat('nope')).text()
    await fetch(`${gateway.url}/debug/stages/reset`, { method: 'POST' })
    await (await gateway.chat({ ...CHAT, model: 'openai/m2' })).text()
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    const chat = 'path="/v1/chat/completions",method="POST",type="chat_completion"'
    for (const line of [
      `gateway_http_requests_total{${chat},status="200"} 2`,
      `gateway_http_requests_total{${chat},status="400"} 1`,
      `gateway_http_request_duration_seconds_count{${chat}} 3`,
      'gateway_upstream_requests_total{provider="openai",model="m"} 1',
      'gateway_upstream_requests_total{provider="openai",model="m2"} 1',
      'gateway_success_requests_total{provider="openai",model="m"} 1',
      'gateway_upstream_latency_seconds_count{provider="openai",model="m"} 1',
      'gateway_input_tokens_total{provider="openai",model="m"} 3',
      'gateway_output_tokens_total{provider="openai",model="m2"} 5',
      'gateway_overhead_latency_microseconds_count{type="chat_completion"} 3',
      'gateway_active_requests 0',
      'gateway_stage_seconds_count{stage="http_request"} 2',
      'gateway_stage_seconds_count{stage="request_reading"} 3',
      'gateway_stage_seconds_bucket{le="+Inf",stage="http_request"} 2',
      'gateway_stage_seconds_bucket{le="30",stage="http_request"} 2',
      'gateway_upstream_connections{provider="openai",state="idle"} 1',
    ]) {
      assert.ok(text.split('\n').includes(line), `${line}\nis not in\n${text}`)
    }
  })

  test('an unknown route is 404 in the documented shape', async (t) => {
    const gateway = await startGateway(t, { providers: { openai: { keys: [{ value: 'a' }] } } })
    const response = await fetch(`${gateway.url}/v1/nothing`)
    const body = (await response.json()) as { is_gateway_error: boolean; error: { code: string } }
    assert.deepEqual([response.status, body.is_gateway_error, body.error.code], [404, true, 'route_not_found'])
  })
})
