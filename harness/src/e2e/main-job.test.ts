import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SEGMENTS } from '@gatebench/gateway/stages'
import { HistogramLogReader } from 'hdr-histogram-js'
import { alive, bench, descendants, onlyRun, until, withFolder } from './bench.test-support.ts'

const SMALL = ['--rate', '200', '--duration', '2s', '--warmup', '500ms', '--latency', '50ms', '--quiet']

describe('the main job', { concurrency: true }, () => {
  test('against the built-in gateway every request is answered and every microsecond has an owner', () =>
    withFolder(async (out) => {
      const { exitCode, stderr } = await bench([...SMALL, '--response-size', '2KB', '--out', out])
      const { result, files, folder } = await onlyRun(out)
      assert.equal(exitCode, result.verdict.valid ? 0 : 1, stderr)
      assert.deepEqual(files, ['above-mock.hlog', 'latency.hgrm', 'latency.hlog', 'report.md', 'result.json'])
      const { requests } = result
      assert.deepEqual(
        [requests.planned, requests.sent, requests.ok, requests.failed, requests.dropped, requests.byStatus],
        [400, 400, 400, 0, 0, { '200': 400 }],
      )
      assert.equal(result.plan.responseBytes, 2_000)
      assert.ok(result.latencyMs!.fromDue.min >= 50, 'nothing is faster than the mock')
      for (const { name } of SEGMENTS) assert.equal(result.stagesUs![name]!.count, 400, name)
      const ledger = result.ledgerUs!
      const rows = ledger.rows.reduce((sum, row) => sum + row.mean, 0)
      assert.ok(Math.abs(rows + ledger.unattributed - ledger.total) < 0.01, 'the ledger adds up')
      assert.ok(Math.abs(ledger.total - result.latencyMs!.fromSent.mean * 1e3) < 2, 'to the mean service time')
      for (const row of ledger.rows) assert.ok(row.mean >= 0, `${row.name} is not negative`)
      assert.ok(result.floor!.probes > 0)
      for (const name of ['gateway', 'mock', 'driver'] as const)
        assert.ok(result.resources[name]!.rssPeakMiB > 10, name)

      const log = new HistogramLogReader(await readFile(join(folder, 'latency.hlog'), 'utf8'))
      let logged = 0
      for (let line = log.nextIntervalHistogram(); line; line = log.nextIntervalHistogram()) logged += line.totalCount
      assert.equal(logged, 400, 'the histogram log holds every answer')
    }))

  test('workers, merged settings and members of the body reach the gateway, and its CPU is that of all processes', () =>
    withFolder(async (out) => {
      const settings = join(out, 'gateway.json')
      await writeFile(
        settings,
        JSON.stringify({
          config: { caller_keys: [{ name: 'bench', value: 'caller-key-of-bench' }] },
          providers: {
            openai: {
              keys: [
                { name: 'dead', value: 'sk-d' },
                { name: 'other', value: 'sk-o' },
              ],
              network_config: { max_retries: 1 },
            },
          },
        }),
      )
      const runs = join(out, 'runs')
      const flags = ['--workers', '2', '--gateway-config', settings, '--body', '{"fallbacks":["openai/gpt-4o"]}']
      const refused = await bench([...SMALL, ...flags, '--out', runs])
      assert.equal(refused.exitCode, 3)
      assert.match(refused.stderr, /answered 401/)
      const header = ['--header', 'authorization: Bearer caller-key-of-bench']
      const { stderr } = await bench([...SMALL, ...flags, ...header, '--out', runs])
      const { result, folder } = await onlyRun(runs)
      assert.equal(result.requests.ok, 400, stderr)
      // The primary and its workers.
      assert.equal(result.resources.gateway!.processes, 3)
      assert.ok(result.resources.gateway!.rssPeakMiB > 100, 'memory of all of them')
      assert.equal(result.plan.gateway!.workers, 2)
      assert.equal(result.stagesUs!['retry_backoff']!.max, 0)
      const kept = await readFile(join(folder, 'result.json'), 'utf8')
      assert.doesNotMatch(
        JSON.stringify(JSON.parse(kept, (key, value: unknown) => (key === 'command' ? [] : value))),
        /caller-key|sk-/,
      )
    }))

  test('two driver threads send the same plan as one', () =>
    withFolder(async (out) => {
      await bench([...SMALL, '--threads', '2', '--target', 'direct', '--out', out])
      const { result } = await onlyRun(out)
      assert.deepEqual([result.requests.planned, result.requests.ok, result.driver.threads], [400, 400, 2])
      assert.deepEqual(
        result.timeline.map(({ second, sent }) => [second, sent]),
        [
          [0, 200],
          [1, 200],
        ],
      )
    }))

  test('--json prints the result and nothing else', () =>
    withFolder(async (out) => {
      const { stdout } = await bench([...SMALL.slice(0, -1), '--target', 'direct', '--json', '--out', out])
      const { result } = await onlyRun(out)
      assert.deepEqual(JSON.parse(stdout), result)
    }))

  test('Ctrl-C ends the run, writes what was measured and leaves no process behind', () =>
    withFolder(async (out) => {
      const running = bench(['--rate', '200', '--duration', '60s', '--warmup', '0', '--latency', '20ms', '--out', out])
      let progress = ''
      running.stderr.on('data', (text: Buffer) => (progress += text.toString()))
      await until(() => /measuring/.test(progress), 60_000, 'the load has begun')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const children = descendants(running.pid!)
      assert.equal(children.length, 2, 'mock and gateway')
      running.kill('SIGINT')
      const { exitCode } = await running
      assert.equal(exitCode, 130)
      const { result } = await onlyRun(out)
      assert.equal(result.interrupted, true)
      assert.ok(result.requests.ok > 50 && result.requests.ok < 12_000)
      assert.equal(result.requests.planned, result.requests.ok)
      assert.deepEqual(children.filter(alive), [])
    }))

  test('a second Ctrl-C ends everything at once', () =>
    withFolder(async (out) => {
      const running = bench(['--rate', '50', '--warmup', '0', '--latency', '20s', '--out', out])
      let progress = ''
      running.stderr.on('data', (text: Buffer) => (progress += text.toString()))
      await until(() => /measuring/.test(progress), 60_000, 'the load has begun')
      const children = descendants(running.pid!)
      assert.equal(children.length, 2, 'mock and gateway')
      running.kill('SIGINT')
      await new Promise((resolve) => setTimeout(resolve, 100))
      running.kill('SIGINT')
      const { exitCode, signal } = await running
      // A shell makes 130 of either: the signal may find the process in its last millisecond, without its handlers.
      assert.ok(exitCode === 130 || signal === 'SIGINT', `ended with ${exitCode} ${signal}`)
      await until(() => !children.some(alive), 5_000, 'mock and gateway are gone')
    }))

  test('a gateway that dies in the middle ends the run with code 3, and what was measured is on disk', () =>
    withFolder(async (out) => {
      const running = bench(['--rate', '200', '--duration', '60s', '--warmup', '0', '--latency', '20ms', '--out', out])
      let progress = ''
      running.stderr.on('data', (text: Buffer) => (progress += text.toString()))
      await until(() => /measuring/.test(progress), 60_000, 'the load has begun')
      const children = descendants(running.pid!)
      // The mock is started first.
      process.kill(Math.max(...children), 'SIGKILL')
      const { exitCode, stderr } = await running
      assert.equal(exitCode, 3)
      assert.match(stderr, /the gateway ended in the middle of the run \(killed by SIGKILL\)/)
      const { result } = await onlyRun(out)
      assert.equal(result.interrupted, true)
      assert.deepEqual(children.filter(alive), [])
    }))

  test('an unreachable target is code 3 and names the address', () =>
    withFolder(async (out) => {
      const { exitCode, stderr } = await bench([...SMALL, '--target', 'http://127.0.0.1:1', '--out', out])
      assert.equal(exitCode, 3)
      assert.match(stderr, /http:\/\/127\.0\.0\.1:1.*ECONNREFUSED/)
    }))

  test('a target that refuses the first request is code 3 in its own words, before any load', () =>
    withFolder(async (out) => {
      let requests = 0
      const server = createServer((_request, response) => {
        requests++
        response.writeHead(401).end('{"error":{"message":"no such key"}}')
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const { exitCode, stderr } = await bench([...SMALL, '--target', url, '--out', out])
        assert.equal(exitCode, 3)
        assert.match(stderr, /answered 401: .*no such key/)
        assert.ok(requests <= 3)
      } finally {
        server.close()
      }
    }))

  test('more connections than file descriptors is code 2 and says how many are needed', () =>
    withFolder(async (out) => {
      const { exitCode, stderr } = await bench(['--rate', '1000000', '--duration', '1', '--out', out])
      assert.equal(exitCode, 2)
      assert.match(stderr, /the gateway needs \d{7}.*one process may open \d+.*ulimit -n/s)
    }))
})
