import { ConfigError, parseConfig, type GatewayConfigFile, type ParsedConfig } from '@gatebench/gateway/config'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../errors.ts'
import { isJsonObject, mergeJson, type JsonObject } from '../json-object.ts'
import { startProgram } from '../processes.ts'
import type { GatewaySettings, RunningTarget, Target, TargetContext } from './target.ts'

const MAIN = import.meta.resolve('@gatebench/gateway/main')

/**
 * Options of node that the built-in gateway runs with: half of V8's default young generation. With 7,500 requests of
 * 10.32 KB in flight (two interleaved runs of 10 s each) a scavenge took 1.8 and 2.2 ms in the mean instead of 3.3 and 3.0,
 * and peak memory was 431 and 426 MiB instead of 487 and 449.
 */
export const BUILTIN_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8']

/** Room in each worker for connections that are between two requests while every request of the load is in flight. */
const RESTING_CONNECTIONS = 100

/** Opening thousands of upstream connections comes before it listens. */
const READY_TIMEOUT_MS = 60_000

/** Without a limit of its own a run must not meet the gateway's default limit: a day stands for "for ever". */
const FOR_EVER_MS = 86_400_000

/** Of the folder under the system's temporary one that holds a running gateway's configuration. */
export const CONFIG_FOLDER_PREFIX = `gatebench-gateway-${process.pid}-`

const USUAL_BODY_MIB = 10
/** Room for opening connections and for the last answers. */
const OPENING_MS = 120_000
/** Node's timers count in 32 bits. */
const LONGEST_MS = 2 ** 31 - 1
const USUAL_WAITING_BODIES_MIB = 256

/** The run's model, listed at its provider by its own name, so that requests may name it with or without the prefix. */
const PROVIDER_PREFIX = /^openai\//

/** The gateway of this repository, in a process of its own. */
export const builtin: Target = {
  name: 'builtin',
  title: 'the gateway of this repository',
  upstreamModel: 'gpt-4o-mini',
  needsMock: true,
  settings: [
    'one process, or as many as --workers says',
    'concurrency, buffer and pool of the profile, or those of the flags',
    'as many connections to the mock as the load has, opened before it listens',
    `${BUILTIN_NODE_FLAGS.join(' ')}: half of the default young generation`,
    "no request log, no retries, no callers' keys, unless --gateway-config says so",
  ],
  install: [],
  selfReports: [
    { kind: 'server_timing', claims: 'its own time for the request, without the HTTP request to the provider' },
  ],
  find: () => Promise.resolve({ installed: true, version: builtinVersion() }),
  start: startBuiltin,
}

async function startBuiltin(context: TargetContext): Promise<RunningTarget> {
  const file = builtinConfig(context)
  const settings = settingsOf(file, context)
  const folder = await mkdtemp(join(tmpdir(), CONFIG_FOLDER_PREFIX))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  try {
    const configFile = join(folder, 'config.json')
    await writeFile(configFile, JSON.stringify(file, null, 2))
    const program = await startProgram({
      name: 'gateway',
      script: fileURLToPath(MAIN),
      args: [
        ...['--config', configFile, '--host', '127.0.0.1', '--port', '0'],
        ...['--workers', String(context.config.gateway.workers)],
      ],
      nodeFlags: BUILTIN_NODE_FLAGS,
      readyTimeoutMs: READY_TIMEOUT_MS,
      ...(context.signal && { signal: context.signal }),
    })
    return {
      name: 'builtin',
      url: program.url,
      version: builtinVersion(),
      managed: true,
      pid: program.pid,
      startedAtMs: program.startedAtMs,
      nodeFlags: BUILTIN_NODE_FLAGS,
      settings,
      exited: program.exited,
      stderrTail: () => program.stderrTail(),
      stop: async () => {
        await program.stop()
        await removeFolder()
      },
    }
  } catch (error) {
    await removeFolder()
    throw error
  }
}

/**
 * The gateway's configuration file for a run, in the format of gateway/src/config.ts. What the run was told to merge over
 * it may not be in that format: `settingsOf` says so.
 */
export function builtinConfig(context: TargetContext): JsonObject {
  const merged = mergeJson(ownConfig(context), context.config.gateway.config ?? {})
  if (!isJsonObject(merged['providers'])) return merged
  // No provider of a benchmark may stand for a real one, which would be sent the load.
  const providers = Object.entries(merged['providers']).map(([name, provider]): [string, unknown] => [
    name,
    isJsonObject(provider) ? mergeJson({ network_config: { base_url: context.mockUrl } }, provider) : provider,
  ])
  return { ...merged, providers: Object.fromEntries(providers) }
}

/**
 * What the gateway will work by.
 *
 * @throws {UsageError} with every problem of the settings that were merged over the run's own, those included that would
 *   change nothing: nobody could tell from the figures.
 */
function settingsOf(file: JsonObject, { config }: TargetContext): GatewaySettings {
  const { initialPoolSize, providers } = readByGateway(file)
  const { concurrency, bufferSize } = providers.find(({ name }) => config.model.startsWith(`${name}/`)) ?? providers[0]!
  return { concurrency, bufferSize, initialPoolSize }
}

function readByGateway(file: JsonObject): ParsedConfig['config'] {
  try {
    const { config, warnings } = parseConfig(file, process.env)
    if (warnings.length > 0) throw new ConfigError(warnings)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new UsageError(error.problems.map((problem) => `--gateway-config: ${problem}`))
  }
}

function ownConfig({ config, mockUrl, connections }: TargetContext): JsonObject {
  const requestMiB = config.requestBytes / 2 ** 20
  const file: GatewayConfigFile = {
    config: {
      initial_pool_size: config.gateway.initialPoolSize,
      drop_excess_requests: false,
      max_request_body_mb: Math.max(USUAL_BODY_MIB, Math.ceil(requestMiB)),
      max_waiting_body_mb: Math.max(USUAL_WAITING_BODIES_MIB, Math.ceil(requestMiB * connections)),
      // Some connections that the driver opens ahead may carry their first request only at the end of the run, or none.
      request_read_timeout: Math.min(LONGEST_MS, Math.ceil(config.warmupMs + config.durationMs + OPENING_MS)),
    },
    providers: {
      openai: {
        keys: [
          { name: 'bench', value: 'sk-gatebench', models: [config.model.replace(PROVIDER_PREFIX, '')], weight: 1 },
        ],
        concurrency_and_buffer_size: {
          concurrency: config.gateway.concurrency,
          buffer_size: config.gateway.bufferSize,
        },
        network_config: {
          base_url: mockUrl,
          timeout: config.timeoutMs === 0 ? FOR_EVER_MS : config.timeoutMs,
          max_conns_per_host: connections + RESTING_CONNECTIONS * config.gateway.workers,
          open_ahead: connections,
        },
      },
    },
  }
  return file
}

function builtinVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', MAIN), 'utf8')) as { version: string }
  return manifest.version
}
