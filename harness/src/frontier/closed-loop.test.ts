import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { TargetError } from '../errors.ts'
import { readProcText } from '../process-tree.ts'
import { closedLoop, type ClosedLoopFigures } from './closed-loop.ts'

const servers = new Set<Server>()
after(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

/** Reads each request to its end, and answers some ms later. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => setTimeout(answer, 3, request, response, body))
  })
  servers.add(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`
}

const PLAN = {
  path: '/v1/chat/completions',
  headers: { 'content-type': 'application/json', 'x-mark': 'yes' },
  body: '{"model":"m"}',
  answerHolds: '"choices"',
  connections: 3,
  durationMs: 300,
}
const RIGHT = '{"choices":[]}'

/** Each connection has one on its way at the end, of which the server may have answered none or all. */
function assertAgree(counted: number, served: number): void {
  assert.ok(counted > 0 && counted <= served && served <= counted + PLAN.connections, `${counted} of ${served}`)
}

const answersOf = ({ perSec, durationMs }: ClosedLoopFigures) => Math.round((perSec * durationMs) / 1e3)

describe('a closed loop', () => {
  test('counts what the server counts, and sends what it was told', async () => {
    const seen: [method: unknown, url: unknown, header: unknown, body: string][] = []
    const url = await serve(({ method, url, headers }, response, body) => {
      seen.push([method, url, headers['x-mark'], body])
      response.end(RIGHT)
    })
    const figures = await closedLoop({ url, ...PLAN })
    assertAgree(answersOf(figures), seen.length)
    assert.equal(figures.errors, 0)
    assert.match(figures.tool, /^autocannon \d+\.\d+\.\d+$/)
    assert.equal(figures.connections, 3)
    assert.ok(figures.durationMs >= 290, `${figures.durationMs} ms`)
    assert.ok(figures.p99Ms > 2, `p99 ${figures.p99Ms} ms`)
    assert.ok(figures.busyRatio > 0 && figures.busyRatio <= 1)
    assert.deepEqual(seen[0], ['POST', '/prefix/v1/chat/completions', 'yes', PLAN.body])
  })

  test('counts every kind of wrong answer as an error', async () => {
    const kinds: Answer[] = [
      (_request, response) => response.writeHead(500).end(RIGHT),
      (_request, response) => response.end('{"error":{}}'),
      (request) => request.socket.end(),
      (request) => request.socket.resetAndDestroy(),
    ]
    let requests = 0
    let right = 0
    const url = await serve((request, response, body) => {
      const spoil = kinds[requests++ % 5]
      if (spoil) {
        spoil(request, response, body)
      } else {
        right++
        response.end(RIGHT)
      }
    })
    const figures = await closedLoop({ url, ...PLAN, durationMs: 600 })
    assertAgree(answersOf(figures), right)
    assertAgree(figures.errors, requests - right)
  })

  test('without a right answer has no figures', async () => {
    const url = await serve((_request, response) => response.writeHead(503).end())
    await assert.rejects(closedLoop({ url, ...PLAN }), (error) => {
      assert.ok(error instanceof TargetError)
      assert.match(error.message, /^autocannon: no right answer from http:\S+ in \d+ ms, [1-9]\d* errors$/)
      return true
    })
  })
})

describe('the process of a closed loop', () => {
  test('says why it ended when it could not run', async () => {
    await assert.rejects(closedLoop({ url: 'http://127.0.0.1:1', ...PLAN, connections: 0 }), (error) => {
      assert.ok(error instanceof TargetError)
      assert.match(error.message, /^autocannon: .*exit code 1[^]*connections can not be less than 1/)
      return true
    })
  })

  test('is ended by an abort, whose reason is passed on', async () => {
    const reason = new Error('enough')
    await assert.rejects(closedLoop({ url: 'http://127.0.0.1:1', ...PLAN, signal: AbortSignal.abort(reason) }), reason)

    const controller = new AbortController()
    let running: string[] = []
    const url = await serve(() => {
      running = childrenThatRun('closed-loop-program')
      controller.abort(reason)
    })
    const { signal } = controller
    await assert.rejects(closedLoop({ url, ...PLAN, connections: 1, durationMs: 60_000, signal }), reason)
    assert.equal(running.length, 1)
    assert.deepEqual(childrenThatRun('closed-loop-program'), [])
  })
})

/** Ids of children of this process whose command line holds a text. */
function childrenThatRun(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    const stat = readProcText(`/proc/${pid}/stat`)
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    return parent === String(process.pid) && readProcText(`/proc/${pid}/cmdline`)?.includes(text) === true
  })
}
