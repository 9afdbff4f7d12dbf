import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { parseRunConfig } from '../config.ts'
import { haproxy, haproxyConfig } from './haproxy.ts'
import { nginx, nginxConfig } from './nginx.ts'

const context = (flags: Record<string, string> = {}, mockUrl = 'http://127.0.0.1:9') => ({
  config: parseRunConfig({ latency: '0', ...flags }),
  mockUrl,
  connections: 321,
})
const at = { folder: '/tmp/x', port: 8080, asRoot: false }

describe('the configuration of nginx', () => {
  const has = (config: string, ...lines: string[]) => {
    for (const line of lines)
      assert.ok(
        config.split('\n').some((l) => l.trim() === line),
        `${line} in ${config}`,
      )
  }

  test('has room for every connection on both sides, and keeps those to the mock', () => {
    has(
      nginxConfig(context(), at),
      ...['worker_processes auto;', 'worker_connections 842;', 'worker_rlimit_nofile 906;', 'keepalive 321;'],
      ...['proxy_http_version 1.1;', 'proxy_set_header Connection "";', 'access_log off;', 'server 127.0.0.1:9;'],
      ...['listen 127.0.0.1:8080 reuseport backlog=4096;', 'proxy_pass http://mock;', 'pid /tmp/x/nginx.pid;'],
    )
  })

  test('holds the whole request and answer in memory', () => {
    const big = nginxConfig(context({ 'request-size': '1MiB', 'response-size': '1MiB' }), at)
    has(big, 'client_body_buffer_size 1048576;', 'proxy_buffers 129 8k;', 'proxy_max_temp_file_size 0;')
    has(nginxConfig(context(), at), 'client_body_buffer_size 16384;', 'proxy_buffers 8 8k;')
  })

  test("takes the run's timeout, the mock's path, and root only as root", () => {
    has(nginxConfig(context({ timeout: '5s' }), at), 'proxy_read_timeout 5000ms;')
    has(nginxConfig(context({ timeout: '0' }), at), 'proxy_read_timeout 1d;')
    has(nginxConfig(context({}, 'http://mock:1/base'), at), 'server mock:1;', 'proxy_pass http://mock/base/;')
    assert.doesNotMatch(nginxConfig(context(), at), /^user/m)
    has(nginxConfig(context(), { ...at, asRoot: true }), 'user root;')
  })
})

describe('the configuration of HAProxy', () => {
  test('has room for every connection, and keeps those to the mock', () => {
    const config = haproxyConfig(context({ timeout: '5s' }), 8080)
    assert.match(config, /^ {2}maxconn 421$/m)
    assert.match(config, /^ {2}http-reuse always$/m)
    assert.match(config, /^ {2}timeout server 5000ms$/m)
    assert.match(config, /^ {2}bind 127\.0\.0\.1:8080$/m)
    assert.match(config, /^ {2}server mock 127\.0\.0\.1:9 pool-max-conn -1 pool-purge-delay 1d$/m)
    assert.doesNotMatch(config, /check|set-path/)
  })

  test("takes no timeout for ever, and the mock's path and port", () => {
    const config = haproxyConfig(context({ timeout: '0' }, 'http://mock/base'), 8080)
    assert.match(config, /^ {2}timeout server 1d$/m)
    assert.match(config, /^ {2}http-request set-path \/base%\[path\]\n {2}server mock mock:80 /m)
  })
})

const ANSWER = 'y'.repeat(100_000)

/** Answers everything, and keeps what it got by POST. */
async function startMock() {
  const seen: { path: string | undefined; headers: NodeJS.Dict<string | string[]>; body: string; port: number }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method, url: path, headers, socket } = request
      if (method === 'POST') seen.push({ path, headers, body, port: socket.remotePort ?? 0 })
      response.writeHead(200, { server: 'mock', date: 'then', 'x_mock-delay': '1' }).end(ANSWER)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function post(url: string, agent: Agent, body: string) {
  const headers = { host: 'gateway.test', x_under_score: 'a', 'content-type': 'application/json' }
  const sent = request(`${url}/v1/chat?x=%2F`, { method: 'POST', agent, headers }).end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { headers: response.headers, body: await text(response) }
}

for (const target of [nginx, haproxy]) {
  const found = await target.find()
  const skip = found.installed ? false : `${found.reason}; ${found.install}`

  test(
    `${target.name} passes requests and answers as they are, over connections that stay, and leaves nothing`,
    { skip },
    async () => {
      const mock = await startMock()
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const flags = { 'request-size': '200000', 'response-size': '100000' }
        const running = await target.start({ ...context(flags, mock.url), connections: 20 })
        assert.ok(running.pid !== undefined && running.startedAtMs !== undefined)
        assert.ok(running.version?.startsWith(found.installed ? (found.version ?? '?') : '?'))
        const body = 'x'.repeat(200_000)
        try {
          for (let i = 0; i < 4; i++) {
            const answer = await post(running.url, agent, body)
            assert.equal(answer.body, ANSWER)
            assert.deepEqual([answer.headers.server, answer.headers.date], ['mock', 'then'])
            assert.equal(answer.headers['x_mock-delay'], '1')
          }
          // Opened ahead, and without a request when it stops.
          const socket = connect(Number(new URL(running.url).port), '127.0.0.1').on('error', () => undefined)
          await once(socket, 'connect')
          agent.destroy()
          await running.stop()
          socket.destroy()
        } finally {
          await running.stop()
        }
        assert.equal(mock.seen.length, 4)
        for (const { path, headers, body: got } of mock.seen) {
          assert.equal(path, '/v1/chat?x=%2F')
          assert.equal(got, body)
          assert.deepEqual([headers['host'], headers['x_under_score']], ['gateway.test', 'a'])
          // What it adds or takes away would be work that a mock could not see.
          assert.deepEqual(
            Object.keys(headers)
              .filter((name) => name !== 'connection')
              .sort(),
            ['content-length', 'content-type', 'host', 'x_under_score'],
          )
        }
        assert.equal(new Set(mock.seen.map(({ port }) => port)).size, 1)
        assert.throws(() => process.kill(running.pid ?? 0, 0))
      } finally {
        agent.destroy()
        await mock.close()
      }
    },
  )
}
