import { DEFAULTS } from './config-defaults.ts'
import type { NetworkFile, ProviderFile } from './config-providers.ts'
import { isMalformed, wasGiven } from './config-shape.ts'
import type { ConfigValues } from './config-values.ts'
import type { NetworkConfig } from './config.ts'
import { PRESETS } from './core/providers/presets.ts'

/** Stands where a URL could not be read: the configuration is refused anyway. */
const NOWHERE = new URL('http://127.0.0.1')

/** A provider as far as it is known when its network settings are read. */
export interface NetworkReading {
  /** Of the provider. */
  path: string
  name: string
  /** Undefined when it could not be read, which has been reported. */
  preset: string | undefined
  file: ProviderFile
  /** From Azure's keys. */
  endpoint: URL | undefined
}

export function readNetwork(values: ConfigValues, reading: NetworkReading): NetworkConfig {
  const path = `${reading.path}.network_config`
  const network = reading.file.network_config ?? {}
  checkNamedOnce(values, path, network, 'timeout', 'default_request_timeout_in_seconds')
  checkNamedOnce(values, path, network, 'max_retries', 'retries')
  return {
    baseUrl: readBaseUrl(values, `${path}.base_url`, reading),
    extraHeaders: values.headers(`${path}.extra_headers`, network.extra_headers ?? {}, protocolHeaders(reading.preset)),
    timeoutMs: network.timeout ?? inMs(network.default_request_timeout_in_seconds) ?? DEFAULTS.timeoutMs,
    maxRetries: network.max_retries ?? network.retries ?? DEFAULTS.maxRetries,
    ...readBackoff(values, path, network),
    streamIdleTimeoutMs: inMs(network.stream_idle_timeout_in_seconds) ?? DEFAULTS.streamIdleTimeoutMs,
    maxConnsPerHost: network.max_conns_per_host ?? DEFAULTS.maxConnsPerHost,
    openAhead: network.open_ahead ?? DEFAULTS.openAhead,
  }
}

const inMs = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1_000)

function protocolHeaders(preset = 'openai'): string[] {
  return PRESETS[preset]?.adapter.headers('key').map(([name]) => name.toLowerCase()) ?? []
}

function checkNamedOnce(
  values: ConfigValues,
  path: string,
  file: NetworkFile,
  name: keyof NetworkFile,
  other: keyof NetworkFile,
): void {
  if (wasGiven(file, name) && wasGiven(file, other)) {
    values.problem(path, `${name} and ${other} name the same setting; keep one`)
  }
}

function readBackoff(
  values: ConfigValues,
  path: string,
  file: NetworkFile,
): { retryBackoffInitialMs: number; retryBackoffMaxMs: number } {
  const initial = file.retry_backoff_initial ?? DEFAULTS.retryBackoffInitialMs
  const max = file.retry_backoff_max ?? DEFAULTS.retryBackoffMaxMs
  const readable = !isMalformed(file, 'retry_backoff_initial') && !isMalformed(file, 'retry_backoff_max')
  if (readable && initial > max) {
    values.problem(path, `retry_backoff_initial (${initial}) must not be larger than retry_backoff_max (${max})`)
  }
  return { retryBackoffInitialMs: initial, retryBackoffMaxMs: max }
}

function readBaseUrl(values: ConfigValues, path: string, { name, preset, file, endpoint }: NetworkReading): URL {
  if (isMalformed(file, 'network_config') || isMalformed(file.network_config, 'base_url')) return NOWHERE
  const given = file.network_config?.base_url
  if (given !== undefined) return values.url(path, given) ?? NOWHERE
  if (endpoint !== undefined) return endpoint
  // Azure's keys have been reported for naming no endpoint, and so has what left the preset open.
  if (preset === undefined || (PRESETS[preset]?.deployments && (file.keys ?? []).length > 0)) return NOWHERE
  // A base that was named lends its address; to a provider of an unknown name OpenAI's would be a guess.
  const standard = name === preset || file.custom_provider_config ? PRESETS[preset]?.baseUrl : undefined
  if (standard !== undefined) return new URL(standard)
  values.problem(path, `is needed for provider ${JSON.stringify(name)}`)
  return NOWHERE
}
