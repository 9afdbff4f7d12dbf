import { DEFAULTS } from './config-defaults.ts'
import { type GatewayConfigFile, GatewayConfigFileSchema, type GlobalSettings } from './config-file.ts'
import { jsonProblem } from './config-json.ts'
import { readProvider } from './config-providers.ts'
import { isMalformed, type Shaped, takeShaped, wasGiven } from './config-shape.ts'
import { ConfigValues, type Environment } from './config-values.ts'
import type { CallerKeyConfig, GatewayConfig, RequestLogConfig } from './config.ts'
import { parsePostgresUrl } from './log/postgres-url.ts'

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
 * Reads the text of a config.json.
 *
 * @throws ConfigError with every problem
 */
export function parseConfigText(text: string, env: Environment): ParsedConfig {
  const problem = jsonProblem(text)
  if (problem !== undefined) throw new ConfigError([`the file: is not JSON: ${problem}`])
  return parseConfig(JSON.parse(text), env)
}

/**
 * Reads the parsed JSON of a config.json.
 *
 * @param env where `env.NAME` values come from
 * @throws ConfigError with every problem
 *
 * @example
 * const { config, warnings } = parseConfig({ providers: { openai: { keys: [{ value: 'env.OPENAI_API_KEY' }] } } }, process.env)
 */
export function parseConfig(file: unknown, env: Environment): ParsedConfig {
  const values = new ConfigValues(env)
  const shaped = takeShaped(GatewayConfigFileSchema, '', file, values.findings)
  const config = new ConfigReading(values, shaped ?? { providers: undefined }).read()
  const { problems, warnings } = values.findings
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, warnings }
}

type GlobalFile = Shaped<GlobalSettings>

const MIB = 1024 * 1024

/** One pass over what has the right shape, that decides every setting and collects what is wrong with the values. */
class ConfigReading {
  private readonly values: ConfigValues
  private readonly file: Shaped<GatewayConfigFile>

  constructor(values: ConfigValues, file: Shaped<GatewayConfigFile>) {
    this.values = values
    this.file = file
  }

  read(): GatewayConfig {
    const requestLog = this.requestLog()
    return {
      initialPoolSize: this.global('initial_pool_size').value ?? DEFAULTS.initialPoolSize,
      dropExcessRequests: this.global('drop_excess_requests').value ?? DEFAULTS.dropExcessRequests,
      ...this.bodySizes(),
      requestReadTimeoutMs: this.global('request_read_timeout').value ?? DEFAULTS.requestReadTimeoutMs,
      maxRequestHeaderBytes: Math.ceil(
        (this.global('max_request_header_kb').value ?? DEFAULTS.maxRequestHeaderKiB) * 1024,
      ),
      prometheusLabels: this.prometheusLabels(),
      callerKeys: this.callerKeys(),
      ...(requestLog && { requestLog }),
      providers: this.providers(),
    }
  }

  /** A setting of the whole gateway, from whichever of the three places has it. */
  private global<K extends keyof GlobalSettings>(setting: K): { path: string; value: GlobalFile[K] | undefined } {
    const { config, client } = this.file
    const blocks: readonly (readonly [string, GlobalFile | undefined])[] = [
      [`config.${setting}`, config],
      [`client.${setting}`, client],
      [setting, this.file],
    ]
    const places = blocks.filter(([, block]) => wasGiven(block, setting))
    if (places.length > 1) {
      this.values.problem(places.map(([path]) => path).join(' and '), 'the same setting named twice; keep one')
    }
    const [path, block] = places[0] ?? [setting, undefined]
    return { path, value: block?.[setting] }
  }

  private bodySizes(): { maxRequestBodyBytes: number; maxWaitingBodyBytes: number } {
    const { path, value: waiting } = this.global('max_waiting_body_mb')
    const body = this.global('max_request_body_mb').value ?? DEFAULTS.maxRequestBodyMiB
    if (waiting !== undefined && waiting < body) {
      this.values.problem(path, `must not be below max_request_body_mb (${body}), got ${waiting}`)
    }
    return {
      maxRequestBodyBytes: Math.ceil(body * MIB),
      maxWaitingBodyBytes: Math.ceil((waiting ?? Math.max(body, DEFAULTS.maxWaitingBodyMiB)) * MIB),
    }
  }

  private prometheusLabels(): string[] {
    const { path, value: labels = [] } = this.global('prometheus_labels')
    const seen = new Set<string>()
    labels.forEach((label, index) => {
      const name = label.replaceAll('-', '_')
      if (RESERVED_LABELS.has(name)) {
        this.values.problem(`${path}.${index}`, `${JSON.stringify(label)} is a label that the metrics have already`)
      } else if (seen.has(name)) {
        this.values.problem(`${path}.${index}`, `${JSON.stringify(label)} is the label ${name}, which is there twice`)
      }
      seen.add(name)
    })
    return labels
  }

  private callerKeys(): CallerKeyConfig[] {
    const { path, value: files = [] } = this.global('caller_keys')
    const names = new Set<string>()
    const secrets = new Set<string>()
    return files.map(({ name = '', value }, index) => {
      const at = `${path}.${index}`
      if (name !== '' && names.has(name)) {
        this.values.problem(`${at}.name`, `${JSON.stringify(name)} names another caller's key already`)
      }
      names.add(name)
      const secret = value === undefined ? undefined : this.values.text(`${at}.value`, value)
      if (secret === undefined) return { name, value: '' }
      if (!/^[\x21-\x7e]{16,}$/.test(secret)) {
        this.values.problem(`${at}.value`, 'must be at least 16 printable ASCII characters without blanks')
      } else if (secrets.has(secret)) {
        this.values.problem(`${at}.value`, "is another caller's key already")
      }
      secrets.add(secret)
      return { name, value: secret }
    })
  }

  private requestLog(): RequestLogConfig | undefined {
    const { path, value: file } = this.global('request_log')
    if (file === undefined) return undefined
    const batchSize = file.batch_size ?? DEFAULTS.requestLog.batchSize
    const maxWaiting = file.max_waiting ?? DEFAULTS.requestLog.maxWaiting
    const readable = !isMalformed(file, 'batch_size') && !isMalformed(file, 'max_waiting')
    if (readable && maxWaiting < batchSize) {
      this.values.problem(path, `max_waiting (${maxWaiting}) must not be smaller than batch_size (${batchSize})`)
    }
    const settings = {
      mode: file.mode ?? DEFAULTS.requestLog.mode,
      batchSize,
      batchIntervalMs: file.batch_interval ?? DEFAULTS.requestLog.batchIntervalMs,
      maxWaiting,
    }
    if (file.store === 'sqlite') return { store: 'sqlite', path: this.logPlace(path, file, 'path', 'url'), ...settings }
    if (file.store === 'postgres') {
      return { store: 'postgres', url: this.logPlace(path, file, 'url', 'path'), ...settings }
    }
    return undefined
  }

  /** The one of `path` and `url` that the store needs, without the other. */
  private logPlace(
    path: string,
    file: NonNullable<GlobalFile['request_log']>,
    needed: 'path' | 'url',
    other: 'path' | 'url',
  ): string {
    if (wasGiven(file, other)) {
      this.values.problem(`${path}.${other}`, `does not go with store "${file.store ?? ''}"; write ${needed}`)
    }
    const given = file[needed]
    if (!wasGiven(file, needed)) this.values.problem(`${path}.${needed}`, `is needed for store "${file.store ?? ''}"`)
    const place = given === undefined ? undefined : this.values.text(`${path}.${needed}`, given)
    if (place === undefined) return ''
    const problem = needed === 'url' ? problemOfLogUrl(place) : problemOfLogPath(place)
    if (problem !== undefined) this.values.problem(`${path}.${needed}`, problem)
    return place
  }

  private providers(): GatewayConfig['providers'] {
    const providers = Object.entries(this.file.providers ?? {})
    if (this.file.providers && providers.length === 0) this.values.problem('providers', 'at least one is needed')
    return providers.flatMap(([name, provider]) => (provider ? readProvider(this.values, name, provider) : []))
  }
}

function problemOfLogUrl(url: string): string | undefined {
  try {
    parsePostgresUrl(url)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function problemOfLogPath(path: string): string | undefined {
  // SQLite would take these for databases in memory or for URLs.
  return path.startsWith(':') || path.startsWith('file:')
    ? 'must be the path of a file, not a name or URL of SQLite; write for example ./requests.db'
    : undefined
}

/** Labels of the gateway's own metrics, and those that Prometheus gives to whatever it reads. */
const RESERVED_LABELS = new Set([
  ...['provider', 'model', 'status', 'method', 'path', 'route', 'stage', 'state', 'type', 'request_type'],
  ...['key', 'key_name', 'code', 'error_code', 'reason', 'outcome', 'store', 'caller', 'worker', 'fallback_index'],
  ...['le', 'quantile', 'job', 'instance'],
])
