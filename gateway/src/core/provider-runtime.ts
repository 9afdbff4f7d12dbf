import type { KeyConfig, ProviderConfig } from '../config.ts'
import { Deadlines } from './deadlines.ts'
import { KeySelector } from './key-selector.ts'
import { ProviderQueue } from './provider-queue.ts'
import { openai } from './providers/openai.ts'
import type { ProviderAdapter } from './providers/provider.ts'
import type { RequestContext } from './request-context.ts'
import { ProviderTraffic } from './traffic.ts'
import { UpstreamPool } from './upstream-pool.ts'

/** What a provider's queue, pool and deadlines report to the gateway. */
export interface ProviderEvents {
  taken(context: RequestContext): void
  answered(context: RequestContext): void
  failed(context: RequestContext, cause: Error): void
  expired(context: RequestContext): void
}

const CONNECT_TIMEOUT_MS = 10_000

/** One configured provider at work: its keys, queue, connections and totals. */
export class ProviderRuntime {
  readonly name: string
  readonly config: ProviderConfig
  readonly adapter: ProviderAdapter = openai
  readonly keys: KeySelector
  readonly queue: ProviderQueue<RequestContext>
  readonly pool: UpstreamPool
  readonly deadlines: Deadlines<RequestContext>
  readonly traffic = new ProviderTraffic()
  private readonly headByKey: ReadonlyMap<KeyConfig, string>

  constructor(config: ProviderConfig, dropExcess: boolean, events: ProviderEvents) {
    this.name = config.name
    this.config = config
    this.keys = new KeySelector(config.keys)
    this.queue = new ProviderQueue({
      concurrency: config.concurrency,
      bufferSize: config.bufferSize,
      dropExcess,
      process: (context) => {
        events.taken(context)
      },
    })
    const { network } = config
    this.pool = new UpstreamPool(
      {
        baseUrl: network.baseUrl,
        maxConnections: network.maxConnsPerHost,
        connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, network.timeoutMs),
      },
      events,
    )
    this.deadlines = new Deadlines(network.timeoutMs, (context) => {
      events.expired(context)
    })
    this.headByKey = new Map(config.keys.map((key) => [key, this.composeHead(key)]))
  }

  /** Request line and headers with this key, up to the value of content-length: the one thing that requests differ in. */
  headFor(key: KeyConfig): string {
    return this.headByKey.get(key)!
  }

  private composeHead(key: KeyConfig): string {
    const { baseUrl, extraHeaders } = this.config.network
    // Both spellings of a base URL are in use: with and without the version.
    const path = baseUrl.pathname.replace(/\/+$/, '').replace(/\/v1$/, '') + this.adapter.chatPath
    const lines = [`POST ${path} HTTP/1.1`, `host: ${baseUrl.host}`, 'content-type: application/json']
    const [name, value] = this.adapter.authHeader(key.value)
    lines.push(`${name}: ${value}`)
    for (const [extraName, extraValue] of Object.entries(extraHeaders)) lines.push(`${extraName}: ${extraValue}`)
    return `${lines.join('\r\n')}\r\ncontent-length: `
  }
}
