/**
 * The driver's transport against wrk: a closed loop of 64 connections from one thread, the same request bytes, the same
 * nginx (one worker, a constant page), in turns, so that the machine's moods fall on both. Each counts whole 200 answers.
 *
 *   node scripts/driver-transport.ts [--rounds 5] [--seconds 4] [--response-size 1024] [--pin none|apart|together]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { SystemClock } from '../harness/src/clock.ts'
import { DEFAULTS } from '../harness/src/config.ts'
import type { Attempt } from '../harness/src/outcome.ts'
import { planRun } from '../harness/src/plan.ts'
import { HttpTransport, renderRequest } from '../harness/src/transport/http-transport.ts'
import { temporaryFolder } from './lib/programs.ts'
import { median } from './lib/support.ts'

const CONNECTIONS = 64
/** Before the count begins: wrk's threads and the compiler of Node both need a moment. */
const WARMUP_MS = 500

/** Commands that keep the server and a client where `--pin` wants them. */
const PINS: Record<string, { server: string[]; client: string[] }> = {
  none: { server: [], client: [] },
  apart: { server: ['taskset', '-c', '0'], client: ['taskset', '-c', '1'] },
  together: { server: ['taskset', '-c', '1'], client: ['taskset', '-c', '1'] },
}

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    'response-size': { type: 'string', default: '1024' },
    pin: { type: 'string', default: 'none' },
    client: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const seconds = Number(flags.seconds)
const request = planRun(DEFAULTS, CONNECTIONS).request
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

if (flags.help) {
  console.log('node scripts/driver-transport.ts [--rounds 5] [--seconds 4] [--response-size 1024] [--pin none]')
  console.log(
    '  --pin apart: nginx on core 0, the client on core 1; together: both on core 1; none: as the system likes',
  )
  console.log('  --profile FOLDER: write a CPU profile of each of our rounds there')
} else if (flags.client !== undefined) {
  await runClient(flags.client)
} else {
  await compare()
}

/** Our side, in its own process: each answer is followed by the next request on whichever connection is free. */
async function runClient(url: string): Promise<void> {
  const clock = new SystemClock()
  const transport = new HttpTransport({ url, request, connections: CONNECTIONS, timeoutMs: 5_000, clock })
  await transport.open()
  let index = 0
  let ok = 0
  const other: Attempt['outcome'][] = []
  let firing = true
  const fire = (): void => {
    transport.send(index++, clock.nowNs(), onDone)
  }
  const onDone = ({ outcome }: Attempt): void => {
    if (outcome.kind === 'ok' && outcome.status === 200) ok++
    else other.push(outcome)
    if (firing) fire()
  }
  for (let i = 0; i < CONNECTIONS; i++) fire()
  await new Promise((resolve) => setTimeout(resolve, WARMUP_MS))
  const startNs = clock.nowNs()
  const startOk = ok
  const cpuStart = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1e3))
  const perSec = ((ok - startOk) * 1e9) / (clock.nowNs() - startNs)
  const cpu = process.cpuUsage(cpuStart)
  firing = false
  await transport.close()
  const failed = other.filter(({ kind }) => kind !== 'transport_error')
  if (failed.length > 0) throw new Error(`not every request was answered: ${JSON.stringify(failed.slice(0, 3))}`)
  console.log(JSON.stringify({ perSec, cpuUsPerRequest: (cpu.user + cpu.system) / (ok - startOk) }))
}

async function compare(): Promise<void> {
  const pin = PINS[flags.pin]
  if (!pin) throw new Error(`--pin: ${flags.pin} is none of ${Object.keys(PINS).join(', ')}`)
  const folder = temporaryFolder('driver-transport')
  try {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const conf = join(folder, 'nginx.conf')
    writeFileSync(conf, nginxConf(folder, port))
    run([...pin.server, 'nginx', '-p', folder, '-c', conf])
    await listening(port)

    const lua = join(folder, 'post.lua')
    writeFileSync(lua, wrkScript(renderRequest(new URL(url), request)))
    const clients = {
      ours: async () => {
        const self = fileURLToPath(import.meta.url)
        const profile = flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`]
        const text = await output([
          ...[...pin.client, process.execPath, ...profile, self, '--client', url, '--seconds', flags.seconds],
        ])
        return (JSON.parse(text) as { perSec: number }).perSec
      },
      wrk: async () => {
        const text = await output([
          ...[...pin.client, 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', lua, url + request.path],
        ])
        const match = /Requests\/sec:\s+([\d.]+)/.exec(text)
        if (!match || /Non-2xx|Socket errors/.test(text)) throw new Error(`not every request was answered\n${text}`)
        return Number(match[1])
      },
    }

    const rates = { ours: [] as number[], wrk: [] as number[] }
    for (let round = 1; round <= Number(flags.rounds); round++) {
      // Who goes first changes from round to round.
      for (const name of round % 2 ? (['ours', 'wrk'] as const) : (['wrk', 'ours'] as const)) {
        rates[name].push(await clients[name]())
      }
      const [ours, wrk] = [rates.ours.at(-1)!, rates.wrk.at(-1)!]
      console.log(`round ${round}: ours ${perSec(ours)}   wrk ${perSec(wrk)}   ratio ${(ours / wrk).toFixed(3)}`)
    }
    const [ours, wrk] = [median(rates.ours), median(rates.wrk)]
    console.log(`medians: ours ${perSec(ours)}   wrk ${perSec(wrk)}   ratio ${(ours / wrk).toFixed(3)}`)
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

/** One process in the foreground: to end it is to end all of it. */
function nginxConf(folder: string, port: number): string {
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    default_type application/json;
    location / { return 200 '{"content":"${'x'.repeat(Number(flags['response-size']) - '{"content":""}'.length)}"}'; }
  }
}
`
}

/** wrk asks \`format\` once and repeats what it says: our bytes, and no Lua per request. */
function wrkScript(bytes: Buffer): string {
  return `wrk.format = function() return ${JSON.stringify(bytes.toString('latin1')).replaceAll('\\r', '\\13')} end\n`
}

/** Prints a command, runs it, and says what to install where it cannot be run. */
function run([command, ...args]: string[]): ChildProcess {
  console.log(`$ ${[command, ...args].join(' ')}`)
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  child.once('close', () => children.delete(child))
  child.once('error', (error) => {
    console.error(`${command}: ${error.message}; install it (Debian, Ubuntu: apt-get install wrk nginx util-linux)`)
    process.exit(1)
  })
  return child
}

async function output(command: string[]): Promise<string> {
  const child = run(command)
  const texts: string[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => texts.push(text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${texts.join('')}`)
  return texts.join('')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

async function listening(port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

function perSec(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`
}
