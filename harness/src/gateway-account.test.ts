import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { fetchGatewayAccount } from './gateway-account.ts'

/** A gateway whose `GET /debug/stages` answers with this, and every other path with 404. */
async function gatewayWith(t: TestContext, status: number, body: string): Promise<string> {
  const server = createServer((request, response) => {
    const asked = request.method === 'GET' && request.url === '/debug/stages'
    response.writeHead(asked ? status : 404).end(asked ? body : '')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('fetchGatewayAccount', () => {
  test('reads the cost of the clock, and the batch means where there are some', async (t) => {
    const url = await gatewayWith(
      t,
      200,
      JSON.stringify({
        clockCostNs: 41.5,
        segments: { key_selection: { batchMeanNs: 12.25, hdr: 'HIST' }, http_request: { hdr: 'HIST' } },
        more: 'that is not read',
      }),
    )
    assert.deepEqual(await fetchGatewayAccount(url), { clockCostNs: 41.5, batchMeanNs: { key_selection: 12.25 } })
  })

  const strangers: [string, number, string][] = [
    ['another shape', 200, '{"segments":[]}'],
    ['a clock without a number', 200, '{"clockCostNs":"41","segments":{}}'],
    ['no JSON', 200, '<html>'],
    ['nothing', 200, ''],
    ['an error', 404, '{"error":{"message":"no such route"}}'],
  ]
  for (const [what, status, body] of strangers) {
    test(`of a gateway that answers with ${what} nothing is known`, async (t) => {
      assert.equal(await fetchGatewayAccount(await gatewayWith(t, status, body)), undefined)
    })
  }

  test('of a gateway that cannot be reached nothing is known', async () => {
    // Port 9 (discard) is one that fetch itself refuses to call.
    assert.equal(await fetchGatewayAccount('http://127.0.0.1:9'), undefined)
  })
})
