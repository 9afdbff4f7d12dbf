/**
 * What does it cost to be a gateway and not a plain proxy? The gateway without delay (one process, JSON parsed both
 * ways, every stage timed) against nginx as a reverse proxy (one worker), in front of the same mock, same request,
 * 64 connections of wrk. Rounds are interleaved and the order alternates, so that the machine's moods hit both.
 *
 *   node scripts/gateway-throughput.ts [rounds = 5] [seconds a round = 4]
 *
 * Prints every round and the ratio of the medians. Reach >= 0.6, stretch >= 0.8. Needs wrk and nginx
 * (apt-get install wrk nginx).
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

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

async function serveNginx(upstream: string): Promise<string> {
  const port = await freePort()
  const configuration = `
    daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log warn;
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
  // prettier-ignore
  children.push(spawn(NGINX, ['-p', folder, '-c', write('nginx.conf', configuration)], { stdio: ['ignore', 'ignore', 'inherit'] }))
  const url = `http://127.0.0.1:${port}`
  const giveUpAt = Date.now() + 5_000
  for (;;) {
    const answered = await fetch(`${url}/health`).then(
      () => true,
      () => false,
    )
    if (answered) return url
    if (Date.now() > giveUpAt) throw new Error(`nginx does not answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function requestsPerSec(url: string, script: string, durationSec: number): Promise<number> {
  const argv = ['-t1', `-c${CONNECTIONS}`, `-d${durationSec}s`, '-s', script, `${url}/v1/chat/completions`]
  const { stdout } = await run('wrk', argv)
  if (stdout.includes('Non-2xx')) throw new Error(`not every answer was a success:\n${stdout}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
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

const body = JSON.stringify({
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user', content: 'What does a gateway cost, and who says so?' }],
})
const script = write(
  'post.lua',
  `wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [[${body}]]\n`,
)
const mock = await serve('mock-provider/src/main.ts', '--port', '0', '--latency', '0', '--response-size', '1.37KB')
const config = {
  providers: {
    openai: {
      keys: [{ value: 'sk-bench' }],
      network_config: { base_url: mock.url, open_ahead: CONNECTIONS },
    },
  },
}
const gatewayFlags = (process.env.GATEWAY_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '')
const gateway = await serve(
  ...gatewayFlags,
  'gateway/src/main.ts',
  '--config',
  write('config.json', JSON.stringify(config)),
  '--port',
  '0',
)
const targets = [
  { name: 'gateway', url: gateway.url, rates: [] as number[] },
  { name: 'nginx', url: await serveNginx(mock.url), rates: [] as number[] },
]
for (const { url } of targets) await requestsPerSec(url, script, 2)

for (let round = 1; round <= rounds; round++) {
  const order = round % 2 === 1 ? targets : targets.toReversed()
  for (const target of order) target.rates.push(await requestsPerSec(target.url, script, seconds))
  const [own, nginx] = targets.map(({ rates }) => rates.at(-1)!)
  console.log(
    `round ${round}: gateway ${own!.toFixed(0)}/s  nginx ${nginx!.toFixed(0)}/s  ${(own! / nginx!).toFixed(3)}`,
  )
}
const [own, nginx] = targets.map(({ rates }) => median(rates))
console.log(`medians: gateway ${own!.toFixed(0)}/s  nginx ${nginx!.toFixed(0)}/s`)
console.log(`ratio ${(own! / nginx!).toFixed(3)} (reach 0.6, stretch 0.8)`)
// A clean end lets a profile of the gateway be written.
gateway.child.kill('SIGTERM')
await once(gateway.child, 'exit')
process.exit(0)
