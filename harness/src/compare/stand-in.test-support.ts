import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { MOCK_DELAY_HEADER } from '@gatebench/mock-provider/truth'

/**
 * A gateway that passes requests on to the mock, and whose flags make it misbehave in one way or another. It listens on a free
 * port and says so on stdout.
 */
const text = { type: 'string' } as const
const no = { type: 'boolean', default: false } as const
const { values: flags } = parseArgs({
  options: {
    upstream: text,
    /** Never listens, and never ends. */
    silent: no,
    /** Ends when it is sent a request beyond this many. */
    'dies-after': text,
    /** Keeps this many bytes of memory for each request. */
    'keeps-bytes': text,
    /** Answers every so manieth request with an error and the status 200. */
    'fails-every': text,
    /** Takes the mock's account of its delay out of its answers. */
    strips: no,
    /** Answers everything with what it answered first. */
    caches: no,
  },
})
const limit = (value: string | undefined) => (value === undefined ? Infinity : Number(value))
const diesAfter = limit(flags['dies-after'])
const failsEvery = limit(flags['fails-every'])
const keepsBytes = Number(flags['keeps-bytes'] ?? 0)

interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

const FAILURE: Answer = { status: 200, headers: {}, body: '{"error":{"message":"the upstream is not well"}}' }

let requests = 0
let first: Promise<Answer> | undefined
const kept: Buffer[] = []

async function askUpstream(path: string, body: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(flags.upstream! + path, { method: 'POST', headers, body })
  const answer = await response.text()
  if (flags.strips) return { status: response.status, headers: {}, body: answer.replace(/"chatcmpl-[\d-]+"/, '"own"') }
  const delay = response.headers.get(MOCK_DELAY_HEADER)
  return { status: response.status, headers: delay === null ? {} : { [MOCK_DELAY_HEADER]: delay }, body: answer }
}

async function answerTo(path: string, body: string): Promise<Answer> {
  requests++
  if (requests > diesAfter) {
    process.stderr.write('stand-in: had enough\n')
    process.exit(7)
  }
  // Filled, or it would never become resident.
  if (keepsBytes > 0) kept.push(Buffer.alloc(keepsBytes, 1))
  if (requests % failsEvery === 0) return FAILURE
  if (flags.caches) return (first ??= askUpstream(path, body))
  return askUpstream(path, body)
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    void answerTo(request.url ?? '/', Buffer.concat(chunks).toString()).then(({ status, headers, body }) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
    })
  })
})

if (flags.silent) setInterval(() => undefined, 1_000)
else {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`)
  })
}
