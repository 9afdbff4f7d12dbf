import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import OpenAI from 'openai'
import { SMALLEST_RESPONSE_BYTES } from './completion.ts'
import { CHAT, open, rawRequest, readAnswers, withMock } from './server.fixture.ts'
import { delayFromText, MOCK_DELAY_HEADER, parseDelayHeader, type MockDelay } from './truth.ts'

function headerDelay(response: Response): MockDelay {
  const delay = parseDelayHeader(response.headers.get(MOCK_DELAY_HEADER) ?? '')
  assert.ok(delay)
  return delay
}

async function errorOf(response: Response): Promise<{ message: string; type: string; param: string | null }> {
  const { error } = (await response.json()) as { error: { message: string; type: string; param: string | null } }
  return error
}

describe('answers', () => {
  test('are exact to the byte, with that content-length, for sizes, models and request after request', async () => {
    for (const responseBytes of [SMALLEST_RESPONSE_BYTES, 1_370, 10_320, 100_000]) {
      await withMock({ responseSize: responseBytes }, async ({ chat }) => {
        for (const model of ['m', 'openai/gpt-4o-mini', 'modèle "日本"']) {
          for (let i = 0; i < 12; i++) {
            const response = await chat({ ...CHAT, model })
            const text = await response.text()
            assert.equal(Buffer.byteLength(text), responseBytes)
            assert.equal(response.headers.get('content-length'), String(responseBytes))
            assert.equal((JSON.parse(text) as { model: string }).model, model)
          }
        }
      })
    }
  })

  test('carry one delay in id and header, which the client sees as well', async () => {
    await withMock({ latency: 60 }, async ({ chat }) => {
      for (let i = 0; i < 5; i++) {
        const startMs = performance.now()
        const response = await chat()
        const text = await response.text()
        const observedUs = (performance.now() - startMs) * 1_000
        const delay = headerDelay(response)
        assert.deepEqual(delayFromText(text), delay)
        assert.equal(delay.plannedUs, 60_000)
        assert.ok(delay.actualUs >= 60_000, `actual ${delay.actualUs} us`)
        assert.ok(observedUs >= delay.actualUs, `observed ${observedUs} us, actual ${delay.actualUs} us`)
        // Seconds of room: what is tested is the unit and the two ends, not how busy the machine is.
        assert.ok(observedUs - delay.actualUs < 5_000_000, `observed ${observedUs} us, actual ${delay.actualUs} us`)
      }
    })
  })

  test('have the delays that the seed says, in order of arrival', async () => {
    const planned = async (seed: number) => {
      const delays: number[] = []
      await withMock({ latency: 5, jitter: 5, seed }, async ({ chat }) => {
        for (let i = 0; i < 10; i++) delays.push(headerDelay(await chat()).plannedUs)
      })
      return delays
    }
    const first = await planned(7)
    assert.deepEqual(await planned(7), first)
    assert.notDeepEqual(await planned(8), first)
  })

  test('come to all of 2,000 simultaneous requests, none before its planned delay', { timeout: 20_000 }, async () => {
    await withMock({ latency: 300, jitter: 100, seed: 3 }, async ({ url, server }) => {
      const agent = new Agent({ keepAlive: true })
      const body = JSON.stringify(CHAT)
      let waitingMax = 0
      const delays = await Promise.all(
        Array.from({ length: 2_000 }, async () => {
          const request = httpRequest(`${url}/v1/chat/completions`, {
            method: 'POST',
            agent,
            headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          }).end(body)
          const [response] = (await once(request, 'response')) as [IncomingMessage]
          waitingMax = Math.max(waitingMax, server.waiting())
          let text = ''
          for await (const chunk of response.setEncoding('latin1')) text += String(chunk)
          return delayFromText(text)
        }),
      )
      agent.destroy()
      for (const delay of delays) assert.ok(delay && delay.actualUs >= delay.plannedUs)
      assert.ok(waitingMax > 100, `at most ${waitingMax} waited at once`)
      assert.equal(server.waiting(), 0)
    })
  })

  test('to pipelined requests come in the order of the requests, whatever their delays', async () => {
    await withMock({ latency: 20, jitter: 20, seed: 5 }, async ({ url }) => {
      const socket = await open(url)
      socket.write(rawRequest().repeat(8))
      const text = await readAnswers(socket, 8)
      assert.deepEqual(
        [...text.matchAll(/chatcmpl-(\d+)-/g)].map(([, sequence]) => Number(sequence)),
        [1, 2, 3, 4, 5, 6, 7, 8],
      )
      socket.destroy()
    })
  })

  test('are given to nobody when the caller is gone, and the next one is', async () => {
    await withMock({ latency: 50 }, async ({ url, server, chat }) => {
      const socket = await open(url)
      socket.write(rawRequest())
      while (server.waiting() === 0) await sleep(1)
      socket.destroy()
      assert.equal((await chat()).status, 200)
      assert.equal(server.waiting(), 0)
    })
  })

  test('are shaped as the official client wants them', async () => {
    await withMock({}, async ({ url }) => {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
      const completion = await client.chat.completions.create({
        model: 'gpt-4o-mini',
        messages: [{ role: 'user', content: 'Hello' }],
      })
      assert.equal(completion.model, 'gpt-4o-mini')
      assert.equal(completion.choices[0]?.finish_reason, 'stop')
      assert.match(completion.choices[0].message.content ?? '', /^The mock provider/)
      assert.ok(Math.abs(completion.created - Date.now() / 1_000) < 60)
      const models = await client.models.list()
      assert.deepEqual(
        models.data.map(({ id }) => id),
        ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small'],
      )
    })
  })
})

describe('refusals in the shape of OpenAI', () => {
  for (const { name, body, param, message } of [
    { name: 'no JSON', body: '{"model', param: null, message: /not valid JSON/ },
    { name: 'an empty body', body: '', param: null, message: /not valid JSON/ },
    { name: 'no object', body: '[]', param: null, message: /JSON object/ },
    { name: 'null', body: 'null', param: null, message: /JSON object/ },
    { name: 'no model', body: { messages: CHAT.messages }, param: 'model', message: /model/ },
    { name: 'a model that is no string', body: { ...CHAT, model: 4 }, param: 'model', message: /string/ },
    { name: 'no messages', body: { model: 'm' }, param: 'messages', message: /messages/ },
    { name: 'no message', body: { model: 'm', messages: [] }, param: 'messages', message: /at least one/ },
    { name: 'a stream neither true nor false', body: { ...CHAT, stream: 'yes' }, param: 'stream', message: /"yes"/ },
    {
      name: 'stream_options without a stream',
      body: { ...CHAT, stream_options: { include_usage: true } },
      param: 'stream_options',
      message: /only allowed with "stream": true/,
    },
    { name: 'no tokens at all', body: { ...CHAT, max_tokens: 0 }, param: 'max_tokens', message: /at least 1, got 0/ },
    {
      name: 'a model too long for the size',
      body: { ...CHAT, model: 'm'.repeat(2_000) },
      param: 'model',
      message: /takes at least \d+ bytes, and its size here is 1370/,
    },
  ]) {
    test(`${name}: 400`, async () => {
      await withMock({}, async ({ chat }) => {
        const response = await chat(body)
        assert.equal(response.status, 400)
        const error = await errorOf(response)
        assert.equal(error.type, 'invalid_request_error')
        assert.equal(error.param, param)
        assert.match(error.message, message)
      })
    })
  }

  test('a body that is not called JSON: 415, also without a body: 400', async () => {
    await withMock({}, async ({ url }) => {
      const post = (init: RequestInit) => fetch(`${url}/v1/chat/completions`, { method: 'POST', ...init })
      const text = await post({ body: JSON.stringify(CHAT), headers: { 'content-type': 'text/plain' } })
      assert.equal(text.status, 415)
      assert.equal((await errorOf(text)).type, 'invalid_request_error')
      assert.equal((await post({})).status, 400)
    })
  })

  test('a body above 10 MiB: 413, and one just below is answered', async () => {
    await withMock({}, async ({ chat }) => {
      const bodyOf = (bytes: number) => JSON.stringify({ ...CHAT, user: 'x'.repeat(bytes - 200) })
      assert.equal((await chat(bodyOf(10 * 1_048_576))).status, 200)
      assert.equal((await chat(bodyOf(10 * 1_048_576 + 400))).status, 413)
    })
  })

  test('an unknown path: 404 that names it', async () => {
    await withMock({}, async ({ url }) => {
      const response = await fetch(`${url}/v1/answers`)
      assert.equal(response.status, 404)
      assert.match((await errorOf(response)).message, /GET \/v1\/answers\..* POST \/v1\/chat\/completions/)
    })
  })
})

test('health tells how many answers wait', async () => {
  await withMock({ latency: 100 }, async ({ url, server, chat }) => {
    const health = async () => (await fetch(`${url}/health`)).json()
    assert.deepEqual(await health(), { status: 'ok', waiting: 0 })
    const answers = [chat(), chat()]
    while (server.waiting() < 2) await sleep(1)
    assert.deepEqual(await health(), { status: 'ok', waiting: 2 })
    await Promise.all(answers)
  })
})
