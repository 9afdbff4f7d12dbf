/**
 * What the mock can answer without a delay, against a bare Fastify route that answers a constant: same request, same
 * response size, same client (wrk, 64 connections, one thread), in turns, so that the machine's moods fall on both.
 *
 *   node scripts/mock-throughput.ts [--rounds 5] [--seconds 4] [--response-size 1370]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'

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

interface Server {
  name: string
  url: string
  child: ChildProcess
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mock-throughput-'))
  const size = ['--response-size', flags['response-size']]
  const servers: Server[] = []
  try {
    const lua = join(folder, 'post.lua')
    writeFileSync(
      lua,
      `wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [[${REQUEST}]]\n`,
    )
    servers.push(await start('mock', ['../mock-provider/src/main.ts', '--port', '0', '--latency', '0', ...size]))
    servers.push(await start('bare Fastify', ['./mock-throughput.ts', '--serve-bare', ...size]))
    for (const server of servers) await requestsPerSec(server, lua, 1)

    const rates = new Map(servers.map(({ name }) => [name, [] as number[]]))
    for (let round = 1; round <= Number(flags.rounds); round++) {
      // Who goes first changes from round to round.
      for (const server of round % 2 ? servers : servers.toReversed()) {
        rates.get(server.name)!.push(await requestsPerSec(server, lua, Number(flags.seconds)))
      }
      console.log(
        `round ${round}: ${servers.map(({ name }) => `${name} ${perSec(rates.get(name)!.at(-1)!)}`).join('   ')}`,
      )
    }
    const [mock, bare] = servers.map(({ name }) => median(rates.get(name)!)) as [number, number]
    console.log(`medians: mock ${perSec(mock)}   bare Fastify ${perSec(bare)}   ratio ${(mock / bare).toFixed(3)}`)
  } finally {
    for (const { child } of servers) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
}

async function start(name: string, [script, ...args]: [string, ...string[]]): Promise<Server> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line) as { url: string }
    return { name, url, child }
  }
  throw new Error(`${name} ended before it listened`)
}

async function requestsPerSec({ name, url }: Server, lua: string, seconds: number): Promise<number> {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', lua, url + PATH]
  const wrk = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const output: string[] = []
  wrk.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text))
  await once(wrk, 'close').catch((error: unknown) => {
    throw new Error('wrk could not be run; install it (Debian, Ubuntu: apt-get install wrk)', { cause: error })
  })
  const text = output.join('')
  const match = /Requests\/sec:\s+([\d.]+)/.exec(text)
  if (!match || /Non-2xx|Socket errors/.test(text)) throw new Error(`${name}: not every request was answered\n${text}`)
  return Number(match[1])
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function perSec(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`
}
