/**
 * What the mock can answer without a delay, against a bare Fastify route that answers a constant: same request, same
 * response size, same client (wrk, 64 connections, one thread), in turns, so that the machine's moods fall on both.
 * Beside each rate stands the server's own CPU per answer (Linux), which other programs' load disturbs less.
 *
 *   node scripts/mock-throughput.ts [--rounds 5] [--seconds 4] [--response-size 1370]
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { startProgram } from '../harness/src/processes.ts'
import { cpuUs, runWrk, startMock, type RunningProgram } from './lib/programs.ts'
import { median } from './lib/support.ts'

const CONNECTIONS = 64
const PATH = '/v1/chat/completions'
const REQUEST = JSON.stringify({
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user', content: 'What does a gateway in front of every call cost its callers?' }],
})

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    'response-size': { type: 'string', default: '1370' },
    'serve-bare': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (flags.help) {
  console.log('node scripts/mock-throughput.ts [--rounds 5] [--seconds 4] [--response-size 1370]')
  console.log(`Mock at latency 0 against a bare Fastify route: wrk, ${CONNECTIONS} connections, in turns.`)
} else if (flags['serve-bare']) {
  await serveBare(Number(flags['response-size']))
} else {
  await compare()
}

/** The yardstick, in its own process: body parsed as JSON by Fastify, answer a constant string. */
async function serveBare(responseBytes: number): Promise<void> {
  const body = JSON.stringify({ content: 'x'.repeat(responseBytes - '{"content":""}'.length) })
  const app = Fastify({ logger: false, keepAliveTimeout: 600_000 })
  app.post(PATH, (_request, reply) => reply.header('content-type', 'application/json').send(body))
  const url = await app.listen({ port: 0, host: '127.0.0.1', backlog: 65_535 })
  console.log(JSON.stringify({ event: 'listening', url }))
}

interface Result {
  perSec: number
  /** The server's own CPU per answer. */
  cpuUs: number
}

async function compare(): Promise<void> {
  const size = ['--response-size', flags['response-size']]
  const servers = [
    await startMock(['--latency', '0', ...size]),
    await startProgram({
      name: 'bare Fastify',
      script: fileURLToPath(import.meta.url),
      args: ['--serve-bare', ...size],
    }),
  ]
  for (const server of servers) await measure(server, 1)
  const results = new Map(servers.map(({ name }) => [name, [] as Result[]]))
  for (let round = 1; round <= Number(flags.rounds); round++) {
    // Who goes first changes from round to round.
    for (const server of round % 2 ? servers : servers.toReversed()) {
      results.get(server.name)!.push(await measure(server, Number(flags.seconds)))
    }
    console.log(`round ${round}: ${servers.map(({ name }) => line(name, results.get(name)!.slice(-1))).join('   ')}`)
  }
  const [mock, bare] = servers.map(({ name }) => results.get(name)!) as [Result[], Result[]]
  const ratio = medianOf(mock, 'perSec') / medianOf(bare, 'perSec')
  const cpuRatio = medianOf(bare, 'cpuUs') / medianOf(mock, 'cpuUs')
  console.log(`medians: ${line('mock', mock)}   ${line('bare Fastify', bare)}`)
  console.log(
    `mock / bare Fastify: ${ratio.toFixed(3)} of its answers a second, ${cpuRatio.toFixed(3)} of its answers per CPU second`,
  )
  for (const server of servers) await server.stop()
}

async function measure({ url, pid }: RunningProgram, seconds: number): Promise<Result> {
  const beforeUs = cpuUs(pid)
  const { perSec, count } = await runWrk({ url: url + PATH, connections: CONNECTIONS, seconds, body: REQUEST })
  return { perSec, cpuUs: (cpuUs(pid) - beforeUs) / count }
}

function medianOf(results: readonly Result[], key: keyof Result): number {
  return median(results.map((result) => result[key]))
}

function line(name: string, results: readonly Result[]): string {
  const perSec = Math.round(medianOf(results, 'perSec')).toLocaleString('en')
  return `${name} ${perSec}/s ${medianOf(results, 'cpuUs').toFixed(1)} us CPU`
}
