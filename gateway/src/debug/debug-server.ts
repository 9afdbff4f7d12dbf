import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSnapshot } from 'node:v8'

import { cpuProfile } from './cpu-profile.ts'
import { HeapSnapshotFilter } from './heap-snapshot.ts'
import type { Secrets } from './secrets.ts'

const DEFAULT_SECONDS = 10
const MAX_SECONDS = 300
/** A web page may make a name of its own point to 127.0.0.1 and then read what is there: only these names are served. */
const OWN_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])

export interface DebugOptions {
  /** 0: any free one. */
  port: number
  secrets: Secrets
}

export interface DebugServer {
  url: string
  /** Ends what is under way. */
  close(): void
}

/**
 * Profiles of this process, for this machine only: `GET /debug/profile?seconds=10` answers with a .cpuprofile,
 * `GET /debug/heap` with a .heapsnapshot, one of them at a time. A snapshot stops the process while it is taken.
 *
 * @throws what listen() emits
 */
export async function startDebugServer({ port, secrets }: DebugOptions): Promise<DebugServer> {
  const profiler = new Profiler(secrets)
  const server = createServer((request, response) => {
    profiler.answer(request, response)
  })
  await listening(server, port)
  // Whoever only waits to be asked must not keep a drained gateway alive.
  server.unref()
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

class Profiler {
  private readonly secrets: Secrets
  private busy = false

  constructor(secrets: Secrets) {
    this.secrets = secrets
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const refused = (status: number, message: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${message}\n`)
    }
    const url = URL.parse(request.url ?? '', 'http://127.0.0.1')
    const work = url === null ? undefined : this.work(url.pathname)
    if (!OWN_NAMES.has(nameIn(request.headers.host))) refused(403, 'ask for 127.0.0.1 or localhost')
    else if (url === null || work === undefined) refused(404, 'there are /debug/profile?seconds=10 and /debug/heap')
    else if (request.method !== 'GET') refused(405, 'send GET')
    else if (secondsOf(url) === undefined) {
      refused(
        400,
        `seconds: must be a number from 1 to ${MAX_SECONDS}, got ${JSON.stringify(url.searchParams.get('seconds'))}`,
      )
    } else if (this.busy) refused(409, 'another profile is being taken; ask again when it is done')
    else void this.alone(response, () => work(response, secondsOf(url)!))
  }

  private work(path: string): ((response: ServerResponse, seconds: number) => Promise<void>) | undefined {
    if (path === '/debug/profile') return profile
    if (path === '/debug/heap') return (response) => this.heap(response)
    return undefined
  }

  private async alone(response: ServerResponse, work: () => Promise<void>): Promise<void> {
    this.busy = true
    try {
      await work()
    } catch {
      // Whoever asked is gone, or what was being sent broke off: there is nobody to tell but by closing.
      response.destroy()
    } finally {
      this.busy = false
    }
  }

  private async heap(response: ServerResponse): Promise<void> {
    response.writeHead(200, attachment('gateway.heapsnapshot'))
    await pipeline(getHeapSnapshot(), new HeapSnapshotFilter(this.secrets), response)
  }
}

async function profile(response: ServerResponse, seconds: number): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
  })
  const text = await cpuProfile(() => sleep(seconds * 1_000, undefined, { signal: gone.signal }))
  response.writeHead(200, attachment('gateway.cpuprofile')).end(text)
}

function attachment(name: string): Record<string, string> {
  return { 'content-type': 'application/json', 'content-disposition': `attachment; filename="${name}"` }
}

/** The name in a Host header, without its port. */
function nameIn(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '').toLowerCase()
}

function secondsOf(url: URL): number | undefined {
  const text = url.searchParams.get('seconds') ?? String(DEFAULT_SECONDS)
  const seconds = Number(text)
  return text.trim() !== '' && seconds >= 1 && seconds <= MAX_SECONDS ? seconds : undefined
}
