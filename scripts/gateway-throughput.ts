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
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { cpuUs, runWrk, startGateway, startMock, temporaryFolder } from './lib/programs.ts'
import { median } from './lib/support.ts'

const CONNECTIONS = 64
const NGINX = '/usr/sbin/nginx'
const [rounds = 5, seconds = 4] = process.argv.slice(2).map(Number)

const folder = temporaryFolder('gateway-throughput')

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** One process in the foreground: to end it is to end all of it. */
async function startNginx(upstream: string): Promise<{ url: string; pid: number; stop: () => Promise<void> }> {
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `
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
    }`,
  )
  const child = spawn(NGINX, ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  process.on('exit', () => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  const giveUpAt = Date.now() + 5_000
  for (;;) {
    const answered = await fetch(`${url}/health`).then(
      () => true,
      () => false,
    )
    if (answered) break
    if (Date.now() > giveUpAt) throw new Error(`nginx does not answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const stop = async (): Promise<void> => {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  }
  return { url, pid: child.pid!, stop }
}

const BODY = JSON.stringify({
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user', content: 'What does a gateway cost, and who says so?' }],
})

interface Target {
  name: string
  url: string
  pid: number
  rates: number[]
  cpuUsPerRequest: number[]
}

async function load({ url, pid }: Target, durationSec: number): Promise<{ rate: number; cpuUsPerRequest: number }> {
  const beforeUs = cpuUs(pid)
  const { perSec, count } = await runWrk({
    url: `${url}/v1/chat/completions`,
    connections: CONNECTIONS,
    seconds: durationSec,
    body: BODY,
  })
  return { rate: perSec, cpuUsPerRequest: (cpuUs(pid) - beforeUs) / count }
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

const mock = await startMock(['--latency', '0', '--response-size', '1.37KB'])
const gateway = await startGateway({
  config: {
    providers: {
      openai: {
        keys: [{ value: 'sk-bench' }],
        network_config: { base_url: mock.url, open_ahead: CONNECTIONS },
      },
    },
  },
})
const nginx = await startNginx(mock.url)
const target = (name: string, { url, pid }: { url: string; pid: number }): Target => {
  return { name, url, pid, rates: [], cpuUsPerRequest: [] }
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
for (const each of [nginx, gateway, mock]) await each.stop()
