import type { KeyConfig, ProviderConfig } from '../config.ts'
import { Deadlines } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import { KeySelector } from './key-selector.ts'
import { ProviderQueue } from './provider-queue.ts'
import { PRESETS } from './providers/presets.ts'
import type { Operation, ProviderAdapter, RequestType } from './providers/provider.ts'
import type { RequestContext } from './request-context.ts'
import { UpstreamPool } from './upstream-pool.ts'

/** What a provider's queue, pool and deadlines report to the pipeline. */
export interface ProviderEvents {
  taken(context: RequestContext): void
  streamed(context: RequestContext, bytes: Buffer): void
  answered(context: RequestContext): void
  failed(context: RequestContext, cause: Error): void
  expired(context: RequestContext): void
  /** Nothing has moved in its stream for the provider's idle limit. */
  idled(context: RequestContext): void
}

const CONNECT_TIMEOUT_MS = 10_000
/** After a stream's last event so long for the end of the answer, without which its connection cannot be used again. */
const STREAM_END_MS = 1_000
/** Paths may hold a model's name, and those are the callers' to choose. */
const MAX_CACHED_HEADS_PER_KEY = 1_000

/** Stands for the key of a provider that needs none. */
const KEYLESS: KeyConfig = {
  name: 'keyless',
  value: '',
  models: 'all',
  blacklistedModels: [],
  weight: 1,
  enabled: true,
  deployments: {},
}

/** One configured provider at work: its keys, queue and connections. */
export class ProviderRuntime {
  readonly name: string
  readonly config: ProviderConfig
  readonly adapter: ProviderAdapter
  readonly keys: KeySelector
  readonly queue: ProviderQueue<RequestContext>
  readonly pool: UpstreamPool
  readonly deadlines: Deadlines<RequestContext>
  readonly idleDeadlines: Deadlines<RequestContext>
  /** Of streams whose last event has come. */
  readonly endDeadlines: Deadlines<RequestContext>
  private readonly secrets: readonly string[]
  private readonly endpoint: { apiVersion?: string }
  private readonly headsByKey: ReadonlyMap<KeyConfig, Map<string, string>>

  constructor(config: ProviderConfig, dropExcess: boolean, events: ProviderEvents) {
    this.name = config.name
    this.config = config
    this.adapter = PRESETS[config.preset]!.adapter
    this.endpoint = config.apiVersion === undefined ? {} : { apiVersion: config.apiVersion }
    // As debug/secrets.ts has it: what is short among the headers is no secret, and would blot out ordinary words.
    const headerValues = Object.values(config.network.extraHeaders).filter((value) => value.length >= 8)
    this.secrets = [...config.keys.map(({ value }) => value), ...headerValues].filter((value) => value !== '')
    const keys = config.keys.length > 0 ? config.keys : [KEYLESS]
    this.keys = new KeySelector(keys)
    this.headsByKey = new Map(keys.map((key) => [key, new Map<string, string>()]))
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
    this.idleDeadlines = new Deadlines(network.streamIdleTimeoutMs, (context) => {
      events.idled(context)
    })
    this.endDeadlines = new Deadlines(Math.min(STREAM_END_MS, network.streamIdleTimeoutMs), (context) => {
      events.idled(context)
    })
  }

  /** Takes the provider's secrets out of a text that somebody else will see. */
  readonly clean = (text: string): string => {
    let cleaned = text
    for (const secret of this.secrets) cleaned = cleaned.replaceAll(secret, '[key]')
    return cleaned
  }

  /** @throws GatewayError `not_supported` */
  operation(type: RequestType): Operation {
    const operation = type === 'embedding' ? this.adapter.embeddings : this.adapter.chat
    if (operation === undefined) throw new GatewayError('not_supported', `provider ${this.name} has no embeddings`)
    // The operations differ in what they expect of a request, which has been checked for its type.
    return operation
  }

  /** A later try may follow one that failed, so what it is made from must be kept. */
  get mayRetry(): boolean {
    return this.config.network.maxRetries > 0
  }

  /** What the provider calls the model, which may depend on the key. */
  modelFor(key: KeyConfig, model: string): string {
    return Object.hasOwn(key.deployments, model) ? key.deployments[model]! : model
  }

  /** Request line and headers, up to the value of content-length. */
  headFor(key: KeyConfig, type: RequestType, model: string): string {
    const path = this.adapter.path(type, model, this.endpoint)
    const heads = this.headsByKey.get(key)!
    const cached = heads.get(path)
    if (cached !== undefined) return cached
    if (heads.size >= MAX_CACHED_HEADS_PER_KEY) heads.clear()
    const head = this.composeHead(key, path)
    heads.set(path, head)
    return head
  }

  close(): void {
    this.deadlines.close()
    this.idleDeadlines.close()
    this.endDeadlines.close()
    this.pool.close()
  }

  private composeHead(key: KeyConfig, path: string): string {
    const { baseUrl, extraHeaders } = this.config.network
    // Both spellings of a base URL are in use: with and without the version.
    const base = baseUrl.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')
    const lines = [`POST ${base}${path} HTTP/1.1`, `host: ${baseUrl.host}`, 'content-type: application/json']
    for (const [name, value] of this.adapter.headers(key.value)) lines.push(`${name}: ${value}`)
    for (const [name, value] of Object.entries(extraHeaders)) lines.push(`${name}: ${value}`)
    return `${lines.join('\r\n')}\r\ncontent-length: `
  }
}
