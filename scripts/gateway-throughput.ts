/**
 * What does it cost to be a gateway and not a plain proxy? The gateway without delay (one process, JSON parsed both
 * ways, every stage timed) against nginx as a reverse proxy (one worker), in front of the same mock, same request,
 * 64 connections of wrk. Rounds are interleaved and the order alternates, so that the machine's moods hit both.
 *
 *   node scripts/gateway-throughput.ts [rounds = 5] [seconds a round = 4]
 *
 * Prints every round, the ratio of the medians, and the CPU that each spends on a request: on a machine that others
 * use too the former wavers, the latter hardly. Reach >= 0.6, stretch >= 0.8. Needs wrk and nginx
 * (apt-get install wrk nginx).
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { median } from './support.ts'

const CONNECTIONS = 64
const NGINX = '/usr/sbin/nginx'
const ROOT = join(import.meta.dirname, '..')
const [rounds = 5, seconds = 4] = process.argv.slice(2).map(Number)

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'gateway-throughput-'))
const children: ChildProcess[] = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

function write(name: string, content: string): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

/** Starts one of our programs and resolves with the URL that it announces. */
async function serve(...argv: string[]): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  for await (const line of createInterface({ input: child.stdout })) {
    return { url: (JSON.parse(line) as { url: string }).url, child }
  }
  throw new Error(`${argv.join(' ')} ended before it listened`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function serveNginx(upstream: string): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort()
  const configuration = `
    daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log warn;
    events { worker_connections 1024; }
    http {
      access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      upstream mock { server ${new URL(upstream).host}; keepalive 128; keepalive_requests 1000000000; }
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`
  const argv = ['-p', folder, '-c', write('nginx.conf', configuration)]
  const child = spawn(NGINX, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  const url = `http://127.0.0.1:${port}`
  const giveUpAt = Date.now() + 5_000
  for (;;) {
    const answered = await fetch(`${url}/health`).then(
      () => true,
      () => false,
    )
    if (answered) return { url, child }
    if (Date.now() > giveUpAt) throw new Error(`nginx does not answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const BODY = JSON.stringify({
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user', content: 'What does a gateway cost, and who says so?' }],
})
const SCRIPT = write(
  'post.lua',
  `wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [[${BODY}]]\n`,
)

/** CPU of a process and its direct children since their start, us: nginx works in a child. */
function cpuUs(pid: number): number {
  const TICK_US = 10_000
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  const ticks = [pid, ...children].map((process) => {
    // After the name, which may hold anything: utime and stime are the 12th and 13th fields.
    const fields = readFileSync(`/proc/${process}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_US
}

interface Target {
  name: string
  url: string
  pid: number
  rates: number[]
  cpuUsPerRequest: number[]
}

async function load({ url, pid }: Target, durationSec: number): Promise<{ rate: number; cpuUsPerRequest: number }> {
  const beforeUs = cpuUs(pid)
  const argv = ['-t1', `-c${CONNECTIONS}`, `-d${durationSec}s`, '-s', SCRIPT, `${url}/v1/chat/completions`]
  const { stdout } = await run('wrk', argv)
  if (stdout.includes('Non-2xx')) throw new Error(`not every answer was a success:\n${stdout}`)
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
  return { rate, cpuUsPerRequest: (cpuUs(pid) - beforeUs) / requests }
}

for (const [program, path] of [
  ['nginx', NGINX],
  ['wrk', '/usr/bin/wrk'],
] as const) {
  if (!existsSync(path)) {
    process.stderr.write(`${program} is not at ${path}; install it: apt-get install ${program}\n`)
    process.exit(2)
  }
}

const mock = await serve('mock-provider/src/main.ts', '--port', '0', '--latency', '0', '--response-size', '1.37KB')
const config = {
  providers: {
    openai: {
      keys: [{ value: 'sk-bench' }],
      network_config: { base_url: mock.url, open_ahead: CONNECTIONS },
    },
  },
}
const gateway = await serve(
  'gateway/src/main.ts',
  '--config',
  write('config.json', JSON.stringify(config)),
  '--port',
  '0',
)
const nginx = await serveNginx(mock.url)
const target = (name: string, { url, child }: { url: string; child: ChildProcess }): Target => {
  return { name, url, pid: child.pid!, rates: [], cpuUsPerRequest: [] }
}
const targets = [target('gateway', gateway), target('nginx', nginx)] as const
for (const each of targets) await load(each, 2)

const inUs = (values: number[]): string => `${median(values).toFixed(1)} us`
for (let round = 1; round <= rounds; round++) {
  for (const each of round % 2 === 1 ? targets : targets.toReversed()) {
    const { rate, cpuUsPerRequest } = await load(each, seconds)
    each.rates.push(rate)
    each.cpuUsPerRequest.push(cpuUsPerRequest)
  }
  const told = targets.map(
    ({ name, rates, cpuUsPerRequest }) =>
      `${name} ${rates.at(-1)!.toFixed(0)}/s, CPU ${cpuUsPerRequest.at(-1)!.toFixed(1)} us`,
  )
  console.log(
    `round ${round}: ${told.join('; ')}; ratio ${(targets[0].rates.at(-1)! / targets[1].rates.at(-1)!).toFixed(3)}`,
  )
}
const [own, other] = targets
console.log(`CPU a request, medians: gateway ${inUs(own.cpuUsPerRequest)}, nginx ${inUs(other.cpuUsPerRequest)}`)
console.log(`medians: gateway ${median(own.rates).toFixed(0)}/s, nginx ${median(other.rates).toFixed(0)}/s`)
console.log(`ratio ${(median(own.rates) / median(other.rates)).toFixed(3)} (reach 0.6, stretch 0.8)`)
// A clean end lets a profile of the gateway be written.
gateway.child.kill('SIGTERM')
await once(gateway.child, 'exit')
process.exit(0)
