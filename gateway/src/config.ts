export { DEFAULTS } from './config-defaults.ts'
export { divideLimits } from './config-division.ts'
export type { GatewayConfigFile } from './config-file.ts'
export { ConfigError, parseConfig, type ParsedConfig, parseConfigText } from './config-reading.ts'

/** One upstream key. */
export interface KeyConfig {
  name: string
  value: string
  models: readonly string[] | 'all'
  blacklistedModels: readonly string[]
  weight: number
  enabled: boolean
  /** Azure: the deployment that serves a model, where it has another name. */
  deployments: Readonly<Record<string, string>>
}

export interface NetworkConfig {
  baseUrl: URL
  extraHeaders: Readonly<Record<string, string>>
  /** Whole time of a request with this provider, in its queue, upstream and between tries; of a stream until it begins. */
  timeoutMs: number
  /** Tries after the first. */
  maxRetries: number
  retryBackoffInitialMs: number
  retryBackoffMaxMs: number
  /** A stream in which nothing moves for so long is ended. */
  streamIdleTimeoutMs: number
  maxConnsPerHost: number
  openAhead: number
}

export interface ProviderConfig {
  name: string
  /** Name of the preset in core/providers/presets.ts whose protocol it speaks: its own name, or its base provider's. */
  preset: string
  /** None for a provider that needs none. */
  keys: readonly KeyConfig[]
  concurrency: number
  bufferSize: number
  network: NetworkConfig
  /** Azure's `api-version`. */
  apiVersion?: string
}

/** A key that callers of the gateway itself may show. */
export interface CallerKeyConfig {
  name: string
  value: string
}

/** Where a row for each finished request goes, and how. */
export type RequestLogConfig = (SqliteLogConfig | PostgresLogConfig) & RequestLogSettings

export interface SqliteLogConfig {
  store: 'sqlite'
  /** The database file; made when it is missing, its folder is not. */
  path: string
}

export interface PostgresLogConfig {
  store: 'postgres'
  /** `postgres://user:password@host:5432/database`. */
  url: string
}

export interface RequestLogSettings {
  /**
   * `batched`: another thread writes, requests do not wait. `synchronous`: each row is written before its request is
   * answered, which is here only so that what it costs can be measured.
   */
  mode: 'batched' | 'synchronous'
  /** Rows that are written as soon as they are together. */
  batchSize: number
  /** Longest wait for a batch to fill. */
  batchIntervalMs: number
  /** Most records that wait for the database, at least `batchSize`; later ones are dropped and counted. */
  maxWaiting: number
}

/** The configuration, fully decided: every setting has its value. */
export interface GatewayConfig {
  initialPoolSize: number
  dropExcessRequests: boolean
  maxRequestBodyBytes: number
  /** Bodies of requests that have not been sent upstream yet, together; beyond it requests are dropped. */
  maxWaitingBodyBytes: number
  /** A caller must send head and body within this time. */
  requestReadTimeoutMs: number
  /** Head of a caller's request. */
  maxRequestHeaderBytes: number
  /** Names of labels that metrics carry, their values from request headers. */
  prometheusLabels: readonly string[]
  /** Empty: anyone who reaches the gateway may use it. */
  callerKeys: readonly CallerKeyConfig[]
  /** Absent: no request log. */
  requestLog?: RequestLogConfig
  providers: readonly ProviderConfig[]
}
