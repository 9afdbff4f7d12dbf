/**
 * What the mock can answer without a delay, against a bare Fastify route that answers a constant: same request, same
 * response size, same client (wrk, 64 connections, one thread), in turns, so that the machine's moods fall on both.
 * Beside each rate stands the server's own CPU per answer (Linux), which other programs' load disturbs less.
 *
 *   node scripts/mock-throughput.ts [--rounds 5] [--seconds 4] [--response-size 1370]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { median } from './support.ts'

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

interface Result {
  perSec: number
  /** The server's own CPU per answer. */
  cpuUs: number
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
    for (const server of servers) await measure(server, lua, 1)
    const results = new Map(servers.map(({ name }) => [name, [] as Result[]]))
    for (let round = 1; round <= Number(flags.rounds); round++) {
      // Who goes first changes from round to round.
      for (const server of round % 2 ? servers : servers.toReversed()) {
        results.get(server.name)!.push(await measure(server, lua, Number(flags.seconds)))
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

async function measure({ name, url, child }: Server, lua: string, seconds: number): Promise<Result> {
  const cpuBeforeUs = cpuUsedUs(child)
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', lua, url + PATH]
  const wrk = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const output: string[] = []
  wrk.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text))
  await once(wrk, 'close').catch((error: unknown) => {
    throw new Error('wrk could not be run; install it (Debian, Ubuntu: apt-get install wrk)', { cause: error })
  })
  const text = output.join('')
  const match = /(\d+) requests in [^]*Requests\/sec:\s+([\d.]+)/.exec(text)
  if (!match || /Non-2xx|Socket errors/.test(text)) throw new Error(`${name}: not every request was answered\n${text}`)
  return { perSec: Number(match[2]), cpuUs: (cpuUsedUs(child) - cpuBeforeUs) / Number(match[1]) }
}

/** User and system time of the process; NaN where there is no /proc. */
function cpuUsedUs({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .split(') ')[1]!
      .split(' ')
    // utime and stime, in ticks of 10 ms: the 14th and 15th field, the 12th and 13th after the name
    return (Number(fields[11]) + Number(fields[12])) * 10_000
  } catch {
    return NaN
  }
}

function medianOf(results: readonly Result[], key: keyof Result): number {
  return median(results.map((result) => result[key]))
}

function line(name: string, results: readonly Result[]): string {
  const perSec = Math.round(medianOf(results, 'perSec')).toLocaleString('en')
  return `${name} ${perSec}/s ${medianOf(results, 'cpuUs').toFixed(1)} us CPU`
}
