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
  private readonly headersByKey: ReadonlyMap<KeyConfig, readonly string[]>

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
        path: this.adapter.chatPath,
        maxConnections: network.maxConnsPerHost,
        connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, network.timeoutMs),
      },
      events,
    )
    this.deadlines = new Deadlines(network.timeoutMs, (context) => {
      events.expired(context)
    })
    this.headersByKey = new Map(config.keys.map((key) => [key, this.composeHeaders(key)]))
  }

  /** The request headers that carry this key. */
  headersFor(key: KeyConfig): readonly string[] {
    return this.headersByKey.get(key)!
  }

  private composeHeaders(key: KeyConfig): string[] {
    const headers = [...this.adapter.authHeaders(key.value), 'content-type', 'application/json']
    return [...headers, ...Object.entries(this.config.network.extraHeaders).flat()]
  }
}
