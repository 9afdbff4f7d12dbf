import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * A program that behaves as Bifrost's binary is documented to: its flags (Go's, with one dash), the config.json of its
 * folder, /health, /metrics, and chat completions sent on to the provider's base URL under its key, the model without the
 * provider's prefix.
 */
interface Config {
  providers: {
    openai: {
      keys: [{ value: string }]
      concurrency_and_buffer_size: { concurrency: number; buffer_size: number }
      network_config: { base_url: string }
    }
  }
}

const text = { type: 'string' } as const
const { values: flags } = parseArgs({
  args: process.argv.slice(2).map((arg) => arg.replace(/^-(?=[a-z])/, '--')),
  options: { 'app-dir': text, host: text, port: text, 'log-level': text },
})
const config = JSON.parse(readFileSync(join(flags['app-dir']!, 'config.json'), 'utf8')) as Config
const { keys, network_config: network, concurrency_and_buffer_size: sizes } = config.providers.openai
if (sizes.concurrency > sizes.buffer_size) throw new Error('concurrency is larger than buffer_size')

let completions = 0

async function complete(body: string): Promise<{ status: number; body: string }> {
  const request = JSON.parse(body) as { model: string }
  const answer = await fetch(`${network.base_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys[0].value}` },
    body: JSON.stringify({ ...request, model: request.model.replace(/^openai\//, '') }),
  })
  completions++
  return { status: answer.status, body: await answer.text() }
}

const METRIC = 'bifrost_overhead_latency_microseconds'
const metrics = () =>
  `# TYPE ${METRIC} histogram\n` +
  ['50', '+Inf'].map((le) => `${METRIC}_bucket{provider="openai",le="${le}"} ${completions}\n`).join('') +
  `${METRIC}_sum{provider="openai"} ${completions * 20}\n${METRIC}_count{provider="openai"} ${completions}\n`

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.url === '/health') response.end('{"status":"ok"}')
    else if (request.url === '/metrics') response.end(metrics())
    else if (request.url === '/v1/chat/completions') {
      void complete(Buffer.concat(chunks).toString()).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(body)
      })
    } else response.writeHead(404).end()
  })
})
server.listen(Number(flags.port), flags.host)
