import { Value } from 'typebox/value'

import {
  type GatewayConfigFile,
  GatewayConfigFileSchema,
  GlobalProperties,
  type GlobalSettings,
  KeySchema,
  NetworkSchema,
  ProviderSchema,
} from './config-file.ts'

export type { GatewayConfigFile }

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

/** Where and how finished requests are recorded. */
export type RequestLogConfig = ({ store: 'sqlite'; path: string } | { store: 'postgres'; url: string }) & {
  mode: 'batched' | 'synchronous'
  batchSize: number
  batchIntervalMs: number
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

export const DEFAULTS = {
  initialPoolSize: 5_000,
  dropExcessRequests: false,
  maxRequestBodyMiB: 10,
  maxWaitingBodyMiB: 256,
  requestReadTimeoutMs: 60_000,
  maxRequestHeaderKiB: 16,
  concurrency: 1_000,
  bufferSize: 5_000,
  timeoutMs: 30_000,
  maxRetries: 0,
  retryBackoffInitialMs: 500,
  retryBackoffMaxMs: 5_000,
  streamIdleTimeoutMs: 60_000,
  maxConnsPerHost: 5_000,
  openAhead: 0,
  weight: 1,
} as const

/** The configuration cannot be used; `problems` holds every reason, each with its path. */
export class ConfigError extends Error {
  readonly code = 'invalid_config'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface ParsedConfig {
  config: GatewayConfig
  /** Settings that are in the file and change nothing, each with its path. */
  warnings: string[]
}

/**
 * Reads the parsed JSON of a config.json.
 * @param env where `env.NAME` values come from
 * @throws ConfigError with every problem
 */
export function parseConfig(file: unknown, env: Readonly<Record<string, string | undefined>>): ParsedConfig {
  const malformed = Value.Errors(GatewayConfigFileSchema, file)
  if (!Value.Check(GatewayConfigFileSchema, file)) {
    throw new ConfigError(malformed.map((error) => `${dotted(error.instancePath)}: ${error.message}`))
  }
  const reading = new ConfigReading(file, env)
  const config = reading.read()
  if (reading.problems.length > 0) throw new ConfigError(reading.problems)
  return { config, warnings: unknownSettings(file) }
}

/** One pass over a well-formed file that collects what is wrong with its values. */
class ConfigReading {
  readonly problems: string[] = []
  private readonly file: GatewayConfigFile
  private readonly env: Readonly<Record<string, string | undefined>>

  constructor(file: GatewayConfigFile, env: Readonly<Record<string, string | undefined>>) {
    this.file = file
    this.env = env
  }

  read(): GatewayConfig {
    const { providers } = this.file
    if (Object.keys(providers).length === 0) this.problems.push('providers: at least one is needed')
    return {
      initialPoolSize: this.global('initial_pool_size') ?? DEFAULTS.initialPoolSize,
      dropExcessRequests: this.global('drop_excess_requests') ?? DEFAULTS.dropExcessRequests,
      maxRequestBodyBytes: Math.floor((this.global('max_request_body_mb') ?? DEFAULTS.maxRequestBodyMiB) * 1024 * 1024),
      maxWaitingBodyBytes: DEFAULTS.maxWaitingBodyMiB * 1024 * 1024,
      requestReadTimeoutMs: DEFAULTS.requestReadTimeoutMs,
      maxRequestHeaderBytes: DEFAULTS.maxRequestHeaderKiB * 1024,
      prometheusLabels: [],
      callerKeys: [],
      providers: Object.entries(providers).map(([name, provider]) => this.provider(name, provider)),
    }
  }

  private global<K extends keyof GlobalSettings>(setting: K): GlobalSettings[K] | undefined {
    const { config, client } = this.file
    const flat: GlobalSettings = this.file
    const places = [
      { path: `config.${setting}`, value: config?.[setting] },
      { path: `client.${setting}`, value: client?.[setting] },
      { path: setting, value: flat[setting] },
    ].filter(({ value }) => value !== undefined)
    if (places.length > 1) {
      this.problems.push(`${places.map(({ path }) => path).join(' and ')}: the same setting named twice; keep one`)
    }
    return places[0]?.value
  }

  private provider(name: string, file: GatewayConfigFile['providers'][string]): ProviderConfig {
    const path = `providers.${name}`
    const sizes = file.concurrency_and_buffer_size
    const concurrency = sizes?.concurrency ?? DEFAULTS.concurrency
    const bufferSize = sizes?.buffer_size ?? DEFAULTS.bufferSize
    if (name === '' || name.includes('/'))
      this.problems.push(`${path}: a provider's name must not be empty or hold a /`)
    if (concurrency > bufferSize) {
      this.problems.push(
        `${path}.concurrency_and_buffer_size: concurrency (${concurrency}) must not be larger than buffer_size (${bufferSize})`,
      )
    }
    if (file.keys.length === 0) this.problems.push(`${path}.keys: at least one is needed`)
    return {
      name,
      preset: 'openai',
      concurrency,
      bufferSize,
      keys: file.keys.map((key, index) => this.key(`${path}.keys.${index}`, index, key)),
      network: this.network(`${path}.network_config`, name, file.network_config ?? {}),
    }
  }

  private key(path: string, index: number, file: GatewayConfigFile['providers'][string]['keys'][number]): KeyConfig {
    const { models = ['*'], enabled = true } = file
    return {
      name: file.name ?? `key-${index + 1}`,
      // The variable of a key that is taken out need not be set.
      value: enabled ? this.secret(`${path}.value`, file.value) : '',
      models: models.includes('*') ? 'all' : models,
      blacklistedModels: file.blacklisted_models ?? [],
      weight: file.weight ?? DEFAULTS.weight,
      enabled,
      deployments: {},
    }
  }

  private secret(path: string, value: string): string {
    const ENV = 'env.'
    const variable = value.startsWith(ENV) ? value.slice(ENV.length) : undefined
    const secret = variable === undefined ? value : this.env[variable]
    if (variable !== undefined && (secret === undefined || secret === '')) {
      this.problems.push(`${path}: environment variable ${variable} is not set`)
    } else if (!isHeaderValue(secret ?? '')) {
      this.problems.push(`${path}: holds characters that cannot stand in a header`)
    }
    return secret ?? ''
  }

  private network(
    path: string,
    provider: string,
    file: NonNullable<GatewayConfigFile['providers'][string]['network_config']>,
  ): NetworkConfig {
    const { timeout, default_request_timeout_in_seconds: seconds } = file
    if (timeout !== undefined && seconds !== undefined) {
      this.problems.push(`${path}: timeout and default_request_timeout_in_seconds name the same setting; keep one`)
    }
    return {
      baseUrl: this.baseUrl(`${path}.base_url`, provider, file.base_url),
      extraHeaders: this.headers(`${path}.extra_headers`, file.extra_headers ?? {}),
      timeoutMs: timeout ?? (seconds === undefined ? DEFAULTS.timeoutMs : seconds * 1_000),
      maxRetries: DEFAULTS.maxRetries,
      retryBackoffInitialMs: DEFAULTS.retryBackoffInitialMs,
      retryBackoffMaxMs: DEFAULTS.retryBackoffMaxMs,
      streamIdleTimeoutMs: DEFAULTS.streamIdleTimeoutMs,
      maxConnsPerHost: file.max_conns_per_host ?? DEFAULTS.maxConnsPerHost,
      openAhead: file.open_ahead ?? DEFAULTS.openAhead,
    }
  }

  private baseUrl(path: string, provider: string, value: string | undefined): URL {
    const OPENAI = 'https://api.openai.com'
    const text = value ?? (provider === 'openai' ? OPENAI : undefined)
    if (text === undefined) {
      this.problems.push(`${path}: is needed for provider ${JSON.stringify(provider)}`)
      return new URL(OPENAI)
    }
    const url = URL.parse(text)
    if (url && /^https?:$/.test(url.protocol)) return url
    this.problems.push(`${path}: ${JSON.stringify(text)} is not a URL; write http://host:port or https://host`)
    return new URL(OPENAI)
  }

  private headers(path: string, headers: Record<string, string>): Record<string, string> {
    for (const [name, value] of Object.entries(headers)) {
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
        this.problems.push(`${path}: ${JSON.stringify(name)} is not a header name`)
      } else if (OWN_HEADERS.has(name.toLowerCase())) {
        this.problems.push(`${path}.${name}: the gateway sets this header itself`)
      } else if (!isHeaderValue(value)) {
        this.problems.push(`${path}.${name}: holds characters that cannot stand in a header`)
      }
    }
    return headers
  }
}

const OWN_HEADERS = new Set([
  ...['authorization', 'connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
])

function isHeaderValue(value: string): boolean {
  // ASCII only: the head is written as UTF-8, together with the body.
  return /^[\t\x20-\x7e]*$/.test(value)
}

function dotted(instancePath: string): string {
  return instancePath === '' ? 'config' : instancePath.slice(1).replaceAll('/', '.')
}

/** A file written for another gateway may carry more settings than this one has: worth a word, not a failure. */
function unknownSettings(file: GatewayConfigFile): string[] {
  const unknown: string[] = []
  const look = (path: string, value: object | undefined, known: object): void => {
    for (const name of Object.keys(value ?? {})) {
      if (!(name in known)) unknown.push(`${path}${name}: not a setting of this gateway; it changes nothing`)
    }
  }
  look('', file, GatewayConfigFileSchema.properties)
  look('config.', file.config, GlobalProperties)
  look('client.', file.client, GlobalProperties)
  for (const [name, provider] of Object.entries(file.providers)) {
    const path = `providers.${name}.`
    look(path, provider, ProviderSchema.properties)
    look(`${path}network_config.`, provider.network_config, NetworkSchema.properties)
    look(`${path}concurrency_and_buffer_size.`, provider.concurrency_and_buffer_size, {
      concurrency: true,
      buffer_size: true,
    })
    provider.keys.forEach((key, index) => {
      look(`${path}keys.${index}.`, key, KeySchema.properties)
    })
  }
  return unknown
}
