import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { InterruptedError, TargetError } from './errors.ts'
import type { RequestTemplate } from './plan.ts'
import { preflight } from './preflight.ts'

const REQUEST: RequestTemplate = {
  method: 'POST',
  path: '/v1/chat/completions',
  headers: { 'x-key': 'k' },
  body: '{"model":"m"}',
}
const NEVER = new AbortController().signal

type Answer = (response: ServerResponse, request: IncomingMessage, nth: number) => void

/** Serves on a free port until the test ends; counts the requests. */
async function serve(t: TestContext, answer: Answer) {
  let requests = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      answer(response, request, requests++)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests }
}

/** A port on which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const status =
  (code: number, body = ''): Answer =>
  (response) =>
    response.writeHead(code).end(body)

describe('preflight', () => {
  test('a 200 passes, after one request: the one of the run', async (t) => {
    const seen: unknown[] = []
    const { url, requests } = await serve(t, (response, request, nth) => {
      seen.push([request.method, request.url, request.headers['x-key'], request.headers['content-length']])
      status(200, '{}')(response, request, nth)
    })
    await preflight(url, REQUEST, 1_000, NEVER)
    assert.equal(requests(), 1)
    assert.deepEqual(seen, [['POST', '/v1/chat/completions', 'k', '13']])
  })

  test("a 401 every time is a TargetError with the address and the target's own words, after three tries", async (t) => {
    const { url, requests } = await serve(t, status(401, '{"error":"no such key"}'))
    await assert.rejects(preflight(url, REQUEST, 1_000, NEVER), (error) => {
      assert.ok(error instanceof TargetError)
      assert.equal(error.message, `${url}: a request before the run answered 401: {"error":"no such key"}`)
      return true
    })
    assert.equal(requests(), 3)
  })

  test('of a page of an error, no more than its beginning is shown', async (t) => {
    const { url } = await serve(t, status(500, 'x'.repeat(100_000)))
    await assert.rejects(preflight(url, REQUEST, 1_000, NEVER), (error: Error) => error.message.length < 500)
  })

  test('a redirect is no answer, and is not followed', async (t) => {
    const { url } = await serve(t, (response) => response.writeHead(307, { location: '/login' }).end())
    await assert.rejects(preflight(url, REQUEST, 1_000, NEVER), /answered 307/)
  })

  test('a gateway that fails at first, once by status and once by hanging up, passes', async (t) => {
    const { url, requests } = await serve(t, (response, request, nth) => {
      if (nth === 0) status(503)(response, request, nth)
      else if (nth === 1) response.destroy()
      else status(200)(response, request, nth)
    })
    await preflight(url, REQUEST, 1_000, NEVER)
    assert.equal(requests(), 3)
  })

  test('a refused connection is named', async () => {
    const port = await closedPort()
    await assert.rejects(preflight(`http://127.0.0.1:${port}`, REQUEST, 1_000, NEVER), {
      name: 'TargetError',
      message: new RegExp(`^http://127.0.0.1:${port}: a request before the run did not answer: .*ECONNREFUSED`),
    })
  })

  test('a refused connection is named of a host with several addresses, too', async (t) => {
    // What fetch throws then; a name with two addresses is not to be had on every machine.
    t.mock.method(globalThis, 'fetch', () => {
      const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })
      return Promise.reject(new TypeError('fetch failed', { cause: refused }))
    })
    await assert.rejects(preflight('http://localhost:1', REQUEST, 1_000, NEVER), /did not answer: ECONNREFUSED$/)
  })

  test('a target that does not answer in time is named as such; a fraction of a ms is a time, too', async (t) => {
    const { url, requests } = await serve(t, () => undefined)
    await assert.rejects(preflight(url, REQUEST, 40.5, NEVER), {
      name: 'TargetError',
      message: /did not answer: .*timeout/,
    })
    assert.equal(requests(), 3)
  })

  test('an answer that never ends is none', async (t) => {
    const { url } = await serve(t, (response) => response.writeHead(200, { 'content-length': '100' }).write('{'))
    await assert.rejects(preflight(url, REQUEST, 40, NEVER), TargetError)
  })

  test('an abort ends the wait at once, with its own reason, without another try', async (t) => {
    const controller = new AbortController()
    const { url, requests } = await serve(t, () => {
      controller.abort(new InterruptedError())
    })
    // No limit on the answer: only the abort can end this.
    await assert.rejects(preflight(url, REQUEST, 0, controller.signal), InterruptedError)
    assert.equal(requests(), 1)
  })

  test('with a signal that is aborted already nothing is sent', async (t) => {
    const { url, requests } = await serve(t, status(200))
    await assert.rejects(preflight(url, REQUEST, 1_000, AbortSignal.abort(new InterruptedError())), InterruptedError)
    assert.equal(requests(), 0)
  })
})
